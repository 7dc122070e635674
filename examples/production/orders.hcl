variable "orders" {}
variable "site" {}

secret "partner" { file = "partner.secret" }

identity "partners" {
  api_key { keys = "partners.keys" }
}

# Counted by all nodes together.
limit "per_consumer" {
  quota "hourly" {
    requests = 10
    window   = "1h"
  }
}

upstream "orders" {
  servers = [var.orders]
  timeout = "5s"
  breaker {
    failures = 20
    within   = "10s"
    open_for = "10s"
  }
}

api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [identity.partners]
  limits    = [limit.per_consumer]
  authorize = policy.gateway.orders
  versioning { path = true }
  route "GET /orders" {}
  version "v1" { released = "2025-05-01" }
}

# A call is answered 2xx once two of three servers have it on their disks; whichever node has the turn delivers it.
webhook "partner" {
  path = "/hooks/partner"
  verify "standard" { secrets = [secret.partner] }
  deliver {
    to   = upstream.orders
    path = "/internal/partner"
    retry { for = "72h" }
  }
}
