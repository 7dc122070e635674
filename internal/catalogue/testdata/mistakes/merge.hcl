# PUTs that cannot be merged with what is there.
upstream "orders" { servers = ["http://orders"] }
upstream "others" { servers = ["http://others"] }
api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "order" { schema = "schemas/order.json" }
  object "line" { schema = "schemas/line.json" }

  route "POST /a" {
    accepts = object.order
    merge   = true
  }
  route "PUT /b" { merge = true }
  route "PUT /c/{id}" {
    accepts = object.order
    merge   = true
  }
  route "GET /d/{key}" { returns = { "data[*]" = object.order } }
  route "PUT /d/{id}" {
    accepts = object.order
    merge   = true
  }
  route "GET /e" { returns = object.line }
  route "PUT /e" {
    accepts = object.order
    merge   = true
  }
  route "GET /f" {
    returns = object.order
    since   = version.v2
  }
  route "PUT /f" {
    accepts = object.order
    merge   = true
  }
  route "GET /g" {
    returns  = object.order
    upstream = upstream.others
  }
  route "PUT /g" {
    accepts = object.order
    merge   = true
  }
  route "GET /h" { returns = object.order }
  route "PUT /h" {
    accepts = object.order
    merge   = 1
  }
  route "GET /i" { returns = object.order }
  route "PUT /i" {
    accepts = object.order
    rewrite = "/elsewhere"
    merge   = true
  }
  route "GET /right/{key}" {
    returns = object.order
    rewrite = "/left/{key}"
  }
  route "PUT /right/{id}" {
    accepts = object.order
    rewrite = "/left/{id}"
    merge   = true
    since   = version.v2
  }
  route "DELETE /right" { merge = false }
  version "v1" { released = "2025-01-01" }
  version "v2" { released = "2026-01-01" }
}
api "plain" {
  base_path = "/plain"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  object "order" { schema = "schemas/order.json" }
  route "GET /" { returns = object.order }
  route "PUT /" {
    accepts = object.order
    merge   = true
  }
}
