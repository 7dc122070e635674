# Routes and base paths.
upstream "orders" { servers = ["http://orders"] }
api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "order" { schema = "schemas/order.json" }
  route "GET /orders/{id}" {}
  route "GET /orders/{key}" {}
  route "GET /orders/{id}" {}
  route "get /orders" {}
  route "GET orders" {}
  route "GET /orders/" {}
  route "GET /orders//x" {}
  route "GET /orders/../x" {}
  route "GET /orders/%41" {}
  route "GET /orders/{id" {}
  route "GET /orders/{id}/{id}" {}
  route "GET /orders/x{id}" {}
  route "TRACE /orders" {}
  route "/orders" {}
  route {}
  route "GET /things" "x" {}
  route "HEAD /orders" { accepts = object.order }
  route "GET /{any}" {}
  route "GET /v1/orders" {}
  version "v1" { released = "2026-01-01" }
}
api "inner" {
  base_path = "/api/orders"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "GET /" {}
}
api "harmless" {
  base_path = "/api/health/deep/down"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "GET /" {}
}
api "same" {
  base_path = "/api"
  hosts     = ["api.shop.example"]
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "GET /" {}
}
api "paths" {
  base_path = "/x/"
  hosts     = ["API.shop.example", "api.shop.example:443", "*.shop.example"]
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
}
