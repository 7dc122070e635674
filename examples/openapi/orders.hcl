variable "service" { default = "http://127.0.0.1:9085" }

identity "partners" {
  api_key { keys = "partners.keys" }
}

limit "orders" {
  quota "hourly" {
    requests = 1000
    window   = "1h"
  }
}

upstream "orders" { servers = [var.service] }

api "orders" {
  openapi   = "orders.yaml"
  security  = { partnerKey = identity.partners }
  upstream  = upstream.orders
  authorize = public

  unknown_query = "refuse"

  # What no document says: it is added to the operation of this method and path.
  route "POST /orders" {
    limits = [limit.orders]
    rule "enough" {
      when   = body.total.amount >= 100 || body.total.currency != "EUR"
      detail = "an order is worth at least one euro"
    }
  }
  route "GET /orders" {
    rule "narrow pages" {
      when   = query.limit == null || query.limit <= 50 || len(query.status) > 0
      detail = "more than 50 orders on a page need a status"
    }
  }
}
