# Rules.
upstream "orders" { servers = ["http://orders"] }
locals {
  most = 5
  shop = { currency = "EUR" }
}
api "orders" {
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "POST /orders" {
    rule "total" {
      when   = body.total > 0
      detail = "total is positive"
      at     = "total"
    }
    rule "total" {
      when   = body.total > 0
      detail = body.total
    }
    rule "names" {
      when   = body.total < local.most && body.currency == local.shop && body.total < local.bod
      detail = "x"
    }
    rule "" {}
  }
}
