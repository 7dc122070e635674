# What is measured: a token of ES256, two quotas, a schema and three rules, a policy of roles and ownership, and changes both
# ways. Those of an item are there and back, and their sum is nothing: the answer is the upstream's own to the byte, as the load
# generator demands. Of the request that asks for it, the parameter p becomes page. An order has another shape in the end.

identity "users" {
  jwt {
    issuer   = "https://issuer.test"
    keys     = "@H@/run/es256.json"
    audience = ["api"]
  }
}

limit "per_consumer" {
  key = consumer.id
  quota "burst" {
    requests = 1000000
    window   = "1s"
  }
  quota "daily" {
    requests = 1000000000
    window   = "24h"
  }
}

upstream "items" { servers = ["http://127.0.0.1:29000"] }

api "items" {
  base_path = "/api"
  upstream  = upstream.items
  identify  = [identity.users]
  limits    = [limit.per_consumer]
  authorize = policy.bench.items

  versioning {
    header  = "Bench-Version"
    default = version.v1
  }

  object "item" { schema = "wicketgate.json" }
  object "page" {
    schema = "wicketgate-page.json"
    holds  = { "items[*]" = object.item }
  }
  object "order" {
    schema = "wicketgate-order.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "wicketgate-line.json" }

  route "GET /items/{id}" {
    returns = object.page
    path "id" {
      type    = "integer"
      minimum = 1
    }
    query "page" {
      type    = "integer"
      minimum = 1
    }
    rule "short id" {
      when   = path.id <= 999999999
      detail = "the id has at most nine digits"
    }
    rule "first page" {
      when   = query.page == null || query.page == 1
      detail = "there is one page"
    }
    rule "known caller" {
      when   = consumer.id != "nobody" && len(claims.roles) > 0
      detail = "the caller has a role"
    }
  }
  route "POST /items/{id}/orders" {
    accepts = object.order
    returns = object.order
    path "id" {
      type    = "integer"
      minimum = 1
    }
    rule "positive total" {
      when   = body.total.amount > 0 && contains(["EUR", "USD"], body.currency)
      detail = "the total must be positive, in EUR or USD"
    }
    rule "few lines" {
      when   = len(body.lines) <= 100
      detail = "an order has at most 100 lines"
    }
    rule "known caller" {
      when   = consumer.id != "nobody" && len(claims.roles) > 0
      detail = "the caller has a role"
    }
  }

  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2025-06-01"
    change "label" {
      summary = "name is called label."
      on      = object.item
      rename "name" { to = "label" }
      enum "active" { pairs = [[true, "yes"], [false, "no"]] }
      param "p" { to = "page_no" }
    }
    change "customer" {
      summary = "The customer's name and address moved into customer."
      on      = object.order
      move "customer_name" { to = "customer.name" }
      move "customer_email" { to = "customer.email" }
      rename "verified" { to = "status" }
      enum "status" { pairs = [[true, "verified"], [false, "unverified"]] }
    }
  }
  version "v3" {
    released = "2026-01-01"
    change "name" {
      summary = "label is called name again."
      on      = object.item
      enum "active" { pairs = [["yes", true], ["no", false]] }
      rename "label" { to = "name" }
      param "page_no" { to = "page" }
    }
    change "minor-units" {
      summary = "The total is an integer in the minor unit."
      on      = object.order
      scale "total" { decimals = 2 }
      wrap "total" { in = "amount" }
    }
    change "sku" {
      summary = "article is called sku."
      on      = object.line
      rename "article" { to = "sku" }
    }
  }
}
