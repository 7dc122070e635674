# Everything that this version supports, in one shop.

variable "orders" { default = "https://orders-1.shop.example:8443" }
variable "burst" { default = 20 }

locals {
  statuses   = { old = true, new = "verified" }
  minute     = "1m"
  currencies = ["EUR", "USD"]
  limits     = [local.minute, "${24}h"]
}

secret "mail" { env = "SHOP_MAIL" }
secret "mail_file" { file = "mail.secret" }

identity "staff" {
  jwt {
    issuer     = "https://id.shop.example"
    keys       = "staff.jwks.json"
    audience   = ["orders", "returns"]
    algorithms = ["RS256", "ES256"]
    consumer   = claims.client_id
    leeway     = "30s"
  }
}
identity "partners" {
  api_key {
    header = "x-shop-key"
    keys   = "partners.keys"
  }
}

limit "per_consumer" {
  key = consumer.id
  quota "burst" {
    requests = var.burst
    window   = local.limits[0]
  }
  quota "daily" {
    requests = 10000 * 2
    window   = local.limits[1]
  }
}
limit "per_address" {
  quota "hourly" {
    requests = 100
    window   = "1h"
  }
}

upstream "orders" {
  servers      = [var.orders, "https://orders-2.shop.example:8443"]
  ca_file      = "ca.pem"
  timeout      = "5s"
  dial_timeout = "1s"
  retry {
    attempts = 3
    on       = ["connect", "503"]
  }
  health {
    path     = "/healthz"
    interval = "5s"
  }
}
upstream "old" { servers = ["http://10.0.0.7:8080"] }

api "orders" {
  hosts     = ["api.shop.example"]
  base_path = "/api"
  upstream  = upstream.orders
  formats   = ["json"]
  identify  = [identity.partners, identity.staff]
  limits    = [limit.per_consumer]
  authorize = policy.shop.orders
  max_body  = "256KiB"
  rewrite   = "/internal"

  cors {
    origins     = ["https://www.shop.example", "http://localhost:3000"]
    headers     = ["X-Tenant"]
    expose      = ["X-Total-Count"]
    credentials = true
    max_age     = "10m"
  }

  versioning {
    path       = true
    host       = "{version}.api.shop.example"
    header     = "Shop-Version"
    media_type = "application/vnd.shop.{version}+json"
    query      = "api-version"
    pin        = consumer.api_version
    default    = version.v2
  }

  object "order" {
    schema = "schemas/order.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "schemas/line.json" }

  rule "a currency we take" {
    when   = body == null || contains(local.currencies, body.currency)
    detail = "currency must be EUR or USD"
    at     = "/currency"
  }

  route "GET /orders" {
    returns   = { "data[*]" = object.order }
    identify  = [identity.partners, anonymous]
    authorize = public
    limits    = [limit.per_address]
  }
  route "GET /orders/{id}" { returns = object.order }
  route "POST /orders" {
    accepts  = object.order
    returns  = object.order
    max_body = "1MiB"
    rule "few lines" {
      when   = expr("all(body.lines, .qty in 1..99)")
      detail = "each line's qty is 1 to 99"
      at     = "/lines"
    }
  }
  route "DELETE /orders/{id}" {
    until   = version["2026-11-01"]
    rewrite = "/internal/orders/{id}/removal"
  }
  route "POST /orders/{id}/cancellation" { since = version["2026-11-01"] }

  version "v0" {
    released = "2021-01-15"
    sunset   = "2024-02-01"
    upstream = upstream.old
  }
  version "v1" {
    released   = "2023-02-01"
    deprecated = "2026-06-01"
    sunset     = "2030-03-01T12:00:00+01:00"
    docs       = "https://dev.shop.example/migrate/v2"
    limits     = [limit.per_address]
    brownout {
      from = "2030-02-02T14:00:00Z"
      for  = "15m"
    }
  }
  version "2026-11-01" {
    change "line-sku" {
      summary = "article is called sku; legacy_ref is gone."
      on      = object.line
      rename "article" { to = "sku" }
      drop "legacy_ref" {
        restore = null
        accept  = "unread since 2024, ADR-31"
      }
      add "unit" { value = "piece" }
      enum "grade" {
        pairs  = [[1.50, "a"], [1e2, "b"], [null, "c"]]
        accept = "grades were rounded"
      }
    }
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
        old = { customer_name = "Ada", customer_email = "ada@example.org", total = 12.30 }
        new = { customer = { name = "Ada", email = "ada@example.org" }, total = 12.30 }
      }
    }
    change "status-words" {
      summary = "verified (true or false) became status."
      on      = object.order
      rename "verified" { to = "status" }
      enum "status" { pairs = [[local.statuses.old, local.statuses.new], [false, "unverified"]] }
    }
  }
  version "next" {
    released = "2027-01-01"
    preview  = true
    change "minor-units" {
      summary = "Amounts are integers in the minor unit, with their currency; codes are numbers."
      on      = object.order
      unwrap "discount" { from = "value" }
      scale "total" { decimals = 2 }
      wrap "total" { in = "amount" }
      scale "discount" {
        decimals = -3
        as       = "number"
      }
      cast "code" { to = "number" }
      cast "gift" {
        from = "boolean"
        to   = "string"
      }
      cast "number" { to = "string" }
      list "coupon" {}
      unlist "notes" {}
      split "contact" {
        into      = ["first_name", "last_name"]
        separator = " "
      }
      join "address" {
        from      = ["street", "city"]
        separator = ", "
        accept    = "nobody writes it"
      }
      example {
        old = { total = "12.30", discount = { value = 150 }, code = "7", gift = true, number = 1.50, coupon = "A", notes = ["b"], contact = "Ada Lovelace", street = "12 St James's Square", city = "London" }
        new = { total = { amount = 1230 }, discount = 0.150, code = 7, gift = "true", number = "1.50", coupon = ["A"], notes = "b", first_name = "Ada", last_name = "Lovelace", address = "12 St James's Square, London" }
      }
    }
  }
}

api "status" {
  base_path = "/status"
  upstream  = upstream.old
  identify  = [anonymous]
  authorize = public
  route "GET /" {}
}
