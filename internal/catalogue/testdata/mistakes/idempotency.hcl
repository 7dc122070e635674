# Where answers are kept by callers' keys, and where that means nothing.
api "orders" {
  identify  = [anonymous]
  authorize = public
  upstream  = upstream.orders
  object "order" { schema = "schemas/order.json" }
  route "POST /orders" {
    idempotency { requird = true }
  }
  route "GET /orders" {
    idempotency { keep = "24h" }
  }
  route "PUT /orders/{id}" {
    idempotency {
      keep = "90m30.5s"
      lost = "again"
    }
  }
  route "POST /events" {
    accepts = object.order
    idempotency { keep = "24h" }
    publish { to = [subscriber.billing] }
  }
}
upstream "orders" { servers = ["https://orders"] }
secret "billing" { file = "hook.secret" }
subscriber "billing" {
  to   = upstream.orders
  path = "/"
  sign = secret.billing
}
