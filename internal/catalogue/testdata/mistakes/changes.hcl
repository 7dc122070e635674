# Changes.
upstream "orders" { servers = ["http://orders"] }
api "orders" {
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "order" { schema = "schemas/order.json" }
  route "GET /orders" { returns = object.order }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "a b" {
      on = object.order
      rename "x" { to = "y.z" }
      rename "x" {}
      move "x[0]" { to = "y" }
      drop "x" {}
      drop "y" { restore = null }
      add "x" { accept = "yes" }
      enum "x" { pairs = [["a", "b"], ["c"], "d", [{}, []]] }
      enum "y" { pairs = [] }
      enum "z" { pairs = { a = "b" } }
      scale "x" { decimals = 100 }
      wrap "x" {}
      renam "x" { to = "y" }
      example { old = { a = 1, a = 2 } }
    }
  }
}
