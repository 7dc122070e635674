# The shop's orders API: three versions of it, for partners with API keys and staff with tokens.

identity "staff" {
  jwt {
    issuer   = "https://id.shop.example"
    keys     = "staff.jwks.json"
    audience = ["orders"]
    consumer = claims.sub
  }
}

identity "partners" {
  api_key {
    header = "X-API-Key"
    keys   = "partners.keys" # hashes only
  }
}

limit "per_consumer" {
  key = consumer.id
  quota "burst" {
    requests = 20
    window   = "10s"
  }
  quota "daily" {
    requests = 10000
    window   = "24h"
  }
}

upstream "orders" {
  servers = [var.orders]
  timeout = "5s"
  retry {
    attempts = 2
    on       = ["connect", "503"]
  }
  health { path = "/healthz" }
}

variable "orders" { default = "http://127.0.0.1:9080" }

api "orders" {
  hosts     = ["localhost"]
  base_path = "/api"
  upstream  = upstream.orders
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
    schema = "schemas/order.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "schemas/line.json" }

  route "GET /orders" { returns = { "data[*]" = object.order } }
  route "GET /orders/{id}" { returns = object.order }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
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
    merge   = true # callers of v1 and v2 do not see the note, and keep it
  }
  route "DELETE /orders/{id}" {}

  version "v0" {
    released   = "2021-01-15"
    deprecated = "2023-02-01"
    sunset     = "2024-02-01"
  }

  version "v1" {
    released   = "2023-02-01"
    deprecated = "2026-06-01"
    sunset     = "2030-03-01"
    docs       = "https://dev.shop.example/migrate/v2"
  }

  version "v2" {
    released = "2025-05-01"
    change "customer-object" {
      summary = "The customer's name and e-mail moved into a customer object."
      on      = object.order
      move "customer_name" { to = "customer.name" }
      move "customer_email" { to = "customer.email" }
      param "customer_email" { to = "customer.email" }
      example {
        old = { customer_name = "Ada", customer_email = "ada@example.org" }
        new = { customer = { name = "Ada", email = "ada@example.org" } }
      }
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
      summary = "An order may have a note for whoever packs it."
      on      = object.order
      add "note" { value = null }
    }
  }
}
