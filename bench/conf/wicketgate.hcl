# What is measured: a token of ES256, two quotas, a schema and three rules, a policy of roles and ownership, and changes
# there and back whose sum is nothing, so that the answer is the upstream's own to the byte, as the load generator demands.

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
  route "POST /items/{id}" {
    accepts = object.item
    returns = object.item
  }

  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2025-06-01"
    change "label" {
      summary = "name is called label."
      on      = object.item
      rename "name" { to = "label" }
      enum "active" { pairs = [[true, "yes"], [false, "no"]] }
    }
  }
  version "v3" {
    released = "2026-01-01"
    change "name" {
      summary = "label is called name again."
      on      = object.item
      enum "active" { pairs = [["yes", true], ["no", false]] }
      rename "label" { to = "name" }
    }
  }
}
