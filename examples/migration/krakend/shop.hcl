# The endpoints, each with its backend. A backend is an integration here: like KrakenD, it sends nothing of the caller's
# but what is written.

variable "service" {}

# auth/validator
identity "staff" {
  jwt {
    issuer     = "https://id.shop.example"
    keys       = "../../shop/staff.jwks.json" # of the demo; in the place of jwk_url, jwks = "https://…"
    audience   = ["orders"]
    algorithms = ["ES256"]
    required   = ["role"]
  }
}

# qos/ratelimit/router: client_max_rate …
limit "client" {
  key = consumer.id
  quota "minute" {
    requests = 5
    window   = "1m"
  }
}
# … and max_rate
limit "endpoint" {
  key = api.name
  quota "minute" {
    requests = 100
    window   = "1m"
  }
}

# backend
integration "orders" {
  url           = var.service
  allow_private = true # it stands in one's own network
  timeout       = "3s"
  # qos/circuit-breaker
  breaker {
    failures = 5
    within   = "1m"
    open_for = "10s"
  }
  error "no-such-order" {
    when   = response.status == 404
    status = 404
    title  = "There is no such order"
  }
}

api "shop" {
  base_path = "/v1"
  identify  = [identity.staff, anonymous]
  authorize = public

  route "GET /orders/{id}" {
    identify    = [identity.staff]
    limits      = [limit.endpoint, limit.client]
    authorize   = policy.shop # roles
    integration = integration.orders
    send        = "GET /internal/orders/{id}"
    request {
      headers = { "X-User" = consumer.id, "X-Request-Source" = header["X-Request-Source"] } # propagate_claims, input_headers
      query   = { expand = query.expand }                                                   # input_query_strings
    }
    answer {
      rename "customer_name" { to = "customer" } # mapping
      drop "margin" {}                           # deny
    }
  }

  route "GET /articles" {
    integration = integration.orders
    send        = "GET /internal/articles"
    request { query = { page = query.page } }
    answer { member = "data" } # target
  }
}
