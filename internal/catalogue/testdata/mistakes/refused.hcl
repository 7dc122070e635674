# What this version does not run is checked all the same.
api "orders" {
  identify  = [anonymous]
  authorize = public
  upstream  = upstream.orders
  route "POST /orders" {
    idempotency { requird = true }
  }
}
upstream "orders" { servers = ["https://orders"] }
