# APIs that are described to their callers, to everyone and to nobody, by all ways of naming a version.

upstream "u" { servers = ["http://127.0.0.1:9"] }

identity "partners" {
  api_key { keys = "../../../examples/shop/partners.keys" }
}

limit "few" {
  quota "burst" {
    requests = 3
    window   = "24h"
  }
}

api "orders" {
  hosts     = ["shop.example"]
  base_path = "/orders"
  upstream  = upstream.u
  identify  = [identity.partners]
  limits    = [limit.few]
  authorize = public
  versioning {
    path    = true
    header  = "Shop-Version"
    default = version.v2
  }
  route "GET /orders" {}
  version "v0" {
    released = "2020-01-01"
    sunset   = "2024-01-01"
  }
  version "v1" {
    released   = "2023-01-01"
    deprecated = "2026-06-01"
    sunset     = "2030-01-01"
    docs       = "https://dev.shop.example/leave"
  }
  version "v2" { released = "2025-01-01" }
  version "v3" {
    released = "2026-01-01"
    preview  = true
  }
}

api "open" {
  base_path = "/open"
  upstream  = upstream.u
  identify  = [identity.partners]
  authorize = public
  describe  = "everyone"
  versioning {
    path    = true
    query   = "v"
    pin     = consumer.api_version
    default = version.v1
  }
  route "GET /orders" {}
  version "v1" { released = "2023-01-01" }
  version "v2" { released = "2025-01-01" }
}

api "hidden" {
  base_path = "/hidden"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  describe  = "nobody"
  route "GET /orders" {}
}

api "own" {
  base_path = "/own"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  route "GET /openapi.json" {}
}

api "queried" {
  base_path = "/queried"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  versioning { query = "v" }
  route "GET /orders" {}
  version "v1" { released = "2023-01-01" }
  version "v2" { released = "2025-01-01" }
}

api "plain" {
  hosts     = ["plain.example"]
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  route "GET /orders" {}
}

api "headed" {
  hosts     = ["plain.example"]
  base_path = "/headed"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  versioning { header = "Shop-Version" }
  route "GET /orders" {}
  version "v1" { released = "2023-01-01" }
  version "v2" { released = "2025-01-01" }
}

api "lister" {
  hosts     = ["own.example"]
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  route "GET /.well-known/{name}" {}
}

api "hosted" {
  base_path = "/hosted"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  versioning {
    host = "{version}.hosted.example"
    path = true
  }
  route "GET /orders" {}
  version "v1" { released = "2023-01-01" }
  version "v2" { released = "2025-01-01" }
}
