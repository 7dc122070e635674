# The orders of the example shop, as they are there but for the quotas.

variable "service" {}
variable "third" {}

identity "partners" {
  api_key {
    header = "X-API-Key"
    keys   = "../partners.keys"
  }
}

identity "staff" {
  jwt {
    issuer   = "https://id.shop.example"
    keys     = "../staff.json"
    audience = ["orders"]
  }
}

limit "per_consumer" {
  key = consumer.id
  quota "burst" {
    requests = 1000000
    window   = "1m"
  }
}

upstream "service" {
  servers = [var.service]
  timeout = "10s"
}

upstream "guarded" {
  servers = [var.service]
  timeout = "10s"
  breaker {
    failures = 3
    within   = "1m"
    open_for = "5m"
  }
}

api "orders" {
  hosts     = ["localhost"]
  base_path = "/api"
  upstream  = upstream.service
  identify  = [identity.partners, identity.staff]
  limits    = [limit.per_consumer]
  authorize = policy.shop.orders

  versioning {
    path       = true
    header     = "Shop-Version"
    media_type = "application/vnd.shop.{version}+json"
    pin        = consumer.api_version
    default    = version.v2
  }

  object "order" {
    schema = "../schemas/order.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "../schemas/line.json" }

  route "GET /orders" { returns = { "data[*]" = object.order } }
  route "GET /orders/{id}" { returns = object.order }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
    idempotency { keep = "1h" }
    rule "positive total" {
      when   = body.total.amount > 0 && contains(["EUR", "USD"], body.currency)
      detail = "total.amount must be positive, in EUR or USD"
      at     = "/total/amount"
    }
    rule "few lines" {
      when   = expr("all(body.lines, .qty in 1..99)")
      detail = "each line's qty is 1 to 99"
      at     = "/lines"
    }
  }
  route "PUT /orders/{id}" {
    accepts = object.order
    returns = object.order
    merge   = true
  }
  route "DELETE /orders/{id}" {}

  version "v1" {
    released   = "2023-02-01"
    deprecated = "2026-06-01"
    sunset     = "2040-03-01"
  }
  version "v2" {
    released = "2025-05-01"
    change "customer-object" {
      summary = "The customer's name and e-mail moved into a customer object."
      on      = object.order
      move "customer_name" { to = "customer.name" }
      move "customer_email" { to = "customer.email" }
    }
    change "status-words" {
      summary = "verified (true or false) became status."
      on      = object.order
      rename "verified" { to = "status" }
      enum "status" { pairs = [[true, "verified"], [false, "unverified"]] }
    }
  }
  version "2026-11-01" {
    change "line-sku" {
      summary = "article is called sku."
      on      = object.line
      rename "article" { to = "sku" }
    }
    change "notes" {
      summary = "An order may have a note."
      on      = object.order
      add "note" { value = null }
    }
  }
}
