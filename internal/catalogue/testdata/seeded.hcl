# Twelve different mistakes in one file.
upstream "orders" {
  servers = ["https://orders-1:8443", "http://orders-2:8080"]
  timeot  = "5s"
}

identity "partners" {
  api_key {
    header = "X-API-Key"
    keys   = "nobody.keys"
  }
}

limit "per_consumer" {
  quota "burst" {
    requests = 100
    window   = "one minute"
  }
}

api "orders" {
  base_path = "/api"
  upstream  = upstream.order
  identify  = [identity.partners]
  formats   = ["json", "yaml"]

  versioning {
    path    = true
    default = version.v0
  }

  object "order" { schema = "mistakes/schemas/order.json" }

  route "GET /orders/{id}" { returns = object.ordr }
  route "GET /orders/{key}" {}
  rule "total" { when = body.total > }

  version "v1" {
    released   = "2023-02-01"
    deprecated = "2026-06-01"
    sunset     = "2026-05-01"
  }
  version "v2" {
    released = "2025-05-01"
    change "status-words" {
      on = object.order
      enum "status" { pairs = [[true, "verified"], [false]] }
    }
  }
}
