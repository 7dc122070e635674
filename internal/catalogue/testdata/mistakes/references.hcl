# References to what is not there, and what is no reference.
upstream "orders" { servers = ["http://orders"] }
identity "partners" {
  api_key { keys = "partners.keys" }
}
api "orders" {
  upstream  = upstream.order
  identify  = [identity.partner, "identity.partners", anonymus, identity.partners, identity.partners]
  limits    = [limit.per_consumer]
  authorize = "policy.shop.orders"
  versioning {
    header  = "Shop-Version"
    default = version.2026-11-01
  }
  object "order" {
    schema = "schemas/order.json"
    holds  = { "lines[*]" = object.lines, "lines[*]" = object.order, "lines[0]" = object.order }
  }
  route "GET /orders" { returns = { data = "order" } }
  route "PUT /orders" {
    accepts   = object
    returns   = object.order.id
    authorize = policies.shop.orders
    since     = version.v9
  }
  version "2026-11-01" {
    change "x" {
      summary = "x"
      on      = object.ordre
      rename "a" { to = "b" }
    }
  }
}
api "other" {
  upstream  = upstream["orders"]
  identify  = []
  authorize = policy.my-shop.orders
  route "GET /" { returns = object.order }
}
