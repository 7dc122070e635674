# Hosts that name versions, pages of other origins, and paths to rewrite to.
upstream "orders" { servers = ["http://orders"] }
api "labels" {
  hosts     = ["api.acme.example", "v2.api.acme.example"]
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { host = "{version}.api.acme.example" }
  route "GET /orders" {}
  version "v1" { released = "2020-01-01" }
  version "v2" { released = "2021-01-01" }
  version "V3" { released = "2022-01-01" }
  version "v4.1" { released = "2023-01-01" }
  version "v_5" { released = "2024-01-01" }
  version "v6-" { released = "2025-01-01" }
  version "a-label-of-a-version-of-so-many-letters-that-no-host-may-have-it" { released = "2026-01-01" }
  version "2026-11-01" {}
}
api "below" {
  hosts     = ["www.api.acme.example"]
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "GET /" {}
}
api "other" {
  base_path = "/"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { host = "api-{version}.api.acme.example" }
  route "GET /" {}
  version "v1" { released = "2020-01-01" }
}
api "apart" {
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { host = "api.{version}.acme.example" }
  route "GET /" {}
  version "v1" { released = "2020-01-01" }
}
api "patterns" {
  hosts     = ["patterns.example"]
  base_path = "/patterns"
  rewrite   = "/internal/"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { host = "a.v{version}.example" }
  cors {
    origins     = ["*", "null", "https://shop.example/", "https://Shop.example", "https://shop.example:443", "shop.example"]
    headers     = ["X Tenant"]
    credentials = true
    max_age     = "25h"
  }
  route "GET /orders/{order_id}" { rewrite = "/internal/{order-id}" }
  route "GET /orders/{order_id}/lines" { rewrite = "/internal/{order_ids}/{other}" }
  route "GET /customers" { rewrite = "internal/../customers" }
  version "v1" { released = "2020-01-01" }
}
api "patterns2" {
  base_path = "/patterns2"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { host = "{version}" }
  cors {}
  route "GET /" {}
  version "v1" { released = "2020-01-01" }
}
