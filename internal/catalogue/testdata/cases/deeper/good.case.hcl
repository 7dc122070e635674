locals {
  order = { id = "acme-1001", total = 12.30 }
}

case "the whole language" {
  at = "2026-11-01T12:00:00+01:00"
  as {
    consumer = "ada"
    identity = "staff"
    name     = "Ada"
    claims   = { sub = "ada", roles = ["manager"] }
    scopes   = []
    version  = "v1"
  }
  step "places" {
    request "POST /orders?dry=1" {
      host    = "shop.example:8443"
      address = "2001:db8::1"
      headers = { accept = ["application/json", "text/plain"] }
      body    = local.order
      times   = 3
    }
    upstream { down = true }
    upstream {
      status = 201
      text   = ""
    }
  }
  step "reads" {
    at = "2026-12-01"
    as { consumer = "acme" }
    request "GET /orders" {}
    expect {
      status  = 200
      allow   = false
      reasons = ["a", { code = 1 }]
      headers = { "Location" = null }
      upstream "GET /orders" { body = [1] }
    }
  }
}
