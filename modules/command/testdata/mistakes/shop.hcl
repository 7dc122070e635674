# Twelve mistakes, each of its own kind; the test says where they are.

secret "stripe_key" { value = "sk_live_abc" }

identity "partners" {
  api_key { keys = "partner.keys" }
}

limit "per_consumer" {
  key = consumer.idd
  quota "burst" {
    requests = 0
    window   = "1m"
  }
}

upstream "orders" {
  servers = ["https://127.0.0.1:9080"]
  timout  = "5s"
}

webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" { secrets = [secret.stripe_key] }
  deliver { to = upstream.orders }
}

api "orders" {
  base_path = "/api"
  upstream  = upstream.order
  identify  = [identity.partners]
  limits    = [limit.per_consumer]
  authorize = policy.shop.ordres

  versioning { path = true }

  object "order" {}

  route "POST /orders" {
    accepts = object.order
    rule "positive total" {
      when   = bodie.total > 0
      detail = "total must be positive"
    }
    rule "few lines" {
      when   = expr("all(body.lines, .qty in 1..)")
      detail = "each line's qty is 1 to 99"
    }
  }

  version "v1" {
    released   = "2023-02-01"
    deprecated = "2026-06-01"
    sunset     = "2026-03-01"
  }
  version "v2" {
    released = "2025-05-01"
    change "status-words" {
      summary = "verified (true or false) became status."
      on      = object.order
      enum "status" { pairs = [[true, "verified"], [false, "verified"]] }
    }
  }
}
