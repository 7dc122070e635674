# What the example shop's gateway does with requests: caddy gateway test

locals {
  order = {
    id       = "acme-1001"
    owner    = "acme"
    customer = { name = "Ada", email = "ada@example.org" }
    status   = "verified"
    currency = "EUR"
    total    = { amount = 1230 }
    lines    = [{ sku = "A-1", qty = 2 }]
    note     = null
    created  = "2026-11-01T12:00:00Z"
  }
  draft_v1 = {
    customer_name  = "Ada"
    customer_email = "ada@example.org"
    verified       = true
    currency       = "EUR"
    total          = { amount = 1230 }
    lines          = [{ article = "A-1", qty = 2 }]
  }
}

case "a partner reads its own order in the shape of v1" {
  at = "2026-11-01T12:00:00Z"
  as { consumer = "acme" }
  request "GET /api/v1/orders/acme-1001" {}
  upstream {
    body = local.order
  }
  expect {
    status  = 200
    version = "v1"
    route   = "GET /orders/{id}"
    allow   = true
    headers = {
      "Deprecation" = "@1780272000"
      "Sunset"      = "Fri, 01 Mar 2030 00:00:00 GMT"
    }
    body = {
      id             = "acme-1001"
      owner          = "acme"
      customer_name  = "Ada"
      customer_email = "ada@example.org"
      verified       = true
      currency       = "EUR"
      total          = { amount = 1230 }
      lines          = [{ article = "A-1", qty = 2 }]
      created        = "2026-11-01T12:00:00Z"
    }
    upstream "GET /api/orders/acme-1001" {
      headers = { "X-Consumer-Id" = "acme" }
    }
  }
}

case "the partner's own key says who calls, and goes no further" {
  request "GET /api/2026-11-01/orders/acme-1001" {
    headers = { "X-API-Key" = "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1" }
  }
  upstream {
    body = local.order
  }
  expect {
    status   = 200
    consumer = "acme"
    body     = local.order
    upstream "GET /api/orders/acme-1001" {
      headers = { "X-Consumer-Id" = "acme", "X-API-Key" = null }
    }
  }
}

case "a key that is pinned to v1" {
  as {
    consumer = "acme"
    version  = "v1"
  }
  request "GET /api/orders/acme-1001" {}
  upstream {
    body = local.order
  }
  expect {
    version  = "v1"
    includes = { customer_name = "Ada" }
  }
}

case "another partner's order" {
  as { consumer = "acme" }
  request "GET /api/v2/orders/globex-1001" {}
  expect {
    status    = 403
    problem   = "forbidden"
    detail    = "this order belongs to someone else"
    reasons   = ["not-owner"]
    forwarded = false
  }
}

case "no credentials" {
  request "GET /api/v2/orders" {}
  expect {
    status    = 401
    problem   = "unauthorized"
    headers   = { "WWW-Authenticate" = ["ApiKey realm=\"api\", header=\"X-Api-Key\"", "Bearer realm=\"api\", resource_metadata=\"https://localhost/.well-known/oauth-protected-resource/api\""] }
    forwarded = false
  }
}

case "an order placed in v1 arrives in the newest shape" {
  as { consumer = "acme" }
  request "POST /api/v1/orders" {
    body = local.draft_v1
  }
  upstream {
    status  = 201
    headers = { "Location" = "/api/orders/acme-1001" }
    body    = local.order
  }
  expect {
    status  = 201
    headers = { "Location" = "/api/v1/orders/acme-1001" }
    includes = {
      customer_name = "Ada"
      verified      = true
    }
    upstream "POST /api/orders" {
      body = {
        customer = { name = "Ada", email = "ada@example.org" }
        status   = "verified"
        currency = "EUR"
        total    = { amount = 1230 }
        lines    = [{ sku = "A-1", qty = 2 }]
        note     = null
      }
    }
  }
}

case "an order that breaks a rule" {
  as { consumer = "acme" }
  request "POST /api/v1/orders" {
    body = {
      customer_name  = "Ada"
      customer_email = "ada@example.org"
      verified       = true
      currency       = "EUR"
      total          = { amount = 0 }
      lines          = [{ article = "A-1", qty = 2 }]
    }
  }
  expect {
    status  = 422
    problem = "invalid-content"
    stage   = "validate"
    includes = {
      errors = [{
        pointer = "/total/amount"
        rule    = "positive total"
        detail  = "total.amount must be positive, in EUR or USD"
      }]
    }
    forwarded = false
  }
}

case "a PUT in v1 keeps the note, which v1 does not see" {
  as { consumer = "acme" }
  request "PUT /api/v1/orders/acme-1001" {
    body = local.draft_v1
  }
  upstream {
    headers = { "ETag" = "\"7\"" }
    body = {
      id       = "acme-1001"
      owner    = "acme"
      customer = { name = "Ada", email = "ada@example.org" }
      status   = "verified"
      currency = "EUR"
      total    = { amount = 500 }
      lines    = [{ sku = "A-1", qty = 1 }]
      note     = "ring twice"
      created  = "2026-11-01T12:00:00Z"
    }
  }
  upstream {
    body = local.order
  }
  expect {
    status = 200
    upstream "GET /api/orders/acme-1001" {}
    upstream "PUT /api/orders/acme-1001" {
      headers  = { "If-Match" = "\"7\"" }
      includes = { total = { amount = 1230 }, note = "ring twice" }
    }
  }
}

case "a clerk reads all orders and deletes none" {
  as {
    consumer = "ada"
    identity = "staff"
    claims   = { sub = "ada", role = "clerk" }
  }
  step "reading" {
    request "GET /api/v2/orders/globex-1001" {}
    upstream {
      body = local.order
    }
    expect {
      status = 200
      allow  = true
    }
  }
  step "deleting" {
    request "DELETE /api/v2/orders/globex-1001" {}
    expect {
      problem   = "forbidden"
      reasons   = ["role-lacks-permission"]
      forwarded = false
    }
  }
}

case "a supervisor replaces orders, which a clerk may not" {
  as {
    consumer = "lin"
    identity = "staff"
    claims   = { sub = "lin", role = "supervisor" }
  }
  request "PUT /api/2026-11-01/orders/acme-1001" {
    body = {
      customer = { name = "Ada", email = "ada@example.org" }
      status   = "verified"
      currency = "EUR"
      total    = { amount = 1230 }
      lines    = [{ sku = "A-1", qty = 2 }]
    }
  }
  upstream {
    body = local.order
  }
  expect {
    status = 200
    allow  = true
  }
}

case "a manager may delete" {
  as {
    consumer = "grace"
    identity = "staff"
    claims   = { sub = "grace", role = "manager" }
  }
  request "DELETE /api/v2/orders/acme-1001" {}
  expect {
    status = 204
    upstream "DELETE /api/orders/acme-1001" {}
  }
}

case "a version lives until its sunset" {
  as { consumer = "acme" }
  step "the day before" {
    at = "2024-01-31"
    request "GET /api/v0/orders/acme-1001" {}
    upstream {
      body = local.order
    }
    expect {
      status  = 200
      headers = { "Deprecation" = "@1675209600" }
    }
  }
  step "the day" {
    at = "2024-02-01"
    request "GET /api/v0/orders/acme-1001" {}
    expect {
      status    = 410
      problem   = "version-retired"
      includes  = { successor_url = "/api/v1/orders/acme-1001" }
      forwarded = false
    }
  }
}

case "a partner has 20 requests in 10 seconds" {
  as { consumer = "acme" }
  step "the last that fits" {
    at = "2026-11-01T12:00:00Z"
    request "GET /api/v2/orders/acme-1001" { times = 20 }
    upstream {
      body = local.order
    }
    expect { status = 200 }
  }
  step "one more" {
    at = "2026-11-01T12:00:00Z"
    request "GET /api/v2/orders/acme-1001" {}
    expect {
      status  = 429
      problem = "quota-exceeded"
      stage   = "limit"
    }
  }
  step "another partner" {
    at = "2026-11-01T12:00:00Z"
    as { consumer = "globex" }
    request "GET /api/v2/orders/globex-1001" {}
    expect { status = 204 }
  }
  step "ten seconds later" {
    at = "2026-11-01T12:00:10Z"
    request "GET /api/v2/orders/acme-1001" {}
    expect { status = 204 }
  }
}

case "the service cannot be reached" {
  as { consumer = "acme" }
  request "GET /api/v2/orders/acme-1001" {}
  upstream { down = true }
  expect {
    status  = 502
    problem = "bad-gateway"
    stage   = "upstream"
  }
}

case "the service's failures stay with the service" {
  as { consumer = "acme" }
  request "GET /api/v2/orders/acme-1001" {}
  upstream {
    status = 500
    text   = "panic in orders.go:17"
  }
  expect {
    status   = 500
    includes = { detail = "the service behind the gateway failed" }
  }
}
