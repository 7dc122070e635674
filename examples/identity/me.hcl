# One API, whose service answers what it is told of who calls.

variable "service" { default = "http://127.0.0.1:9084" }

identity "partners" {
  api_key { keys = "../shop/partners.keys" }
}

identity "staff" {
  jwt {
    issuer   = "https://id.shop.example"
    keys     = "../shop/staff.jwks.json"
    audience = ["orders"]
  }
}

upstream "orders" { servers = [var.service] }

api "me" {
  hosts     = ["localhost"]
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [identity.partners, identity.staff, anonymous]
  authorize = public

  forward {
    header "X-Consumer-Id" { value = consumer.id }
    header "X-Consumer-Groups" { value = consumer.groups }
    token {
      lifetime = "30s" # its audience is the upstream: "orders"
      claims   = { client = claims.client_id }
    }
  }

  route "GET /me" {}
}
