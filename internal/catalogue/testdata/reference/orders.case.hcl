# What the catalogue of the reference does with requests, each example of the reference of cases once.

locals {
  event = { id = "evt_1", type = "payment_intent.succeeded", livemode = true, data = { object = { id = "pi_1" } } }
  order = { status = "paid", currency = "EUR", total = { amount = 1230 }, lines = [{ sku = "A-1", qty = 2, unit = "piece" }] }
}

## An order, as v1 has it.
case "a partner reads an order in the shape of v1" {
  at = "2026-12-01T12:00:00Z"
  ## Any consumer, without a credential.
  as {
    consumer = "acme"
    identity = "partners"
  }
  ## Sent to a host, by an address.
  request "GET /api/v1/orders/6ba7b810-9dad-11d1-80b4-00c04fd430c8" {
    host    = "api.acme.example"
    address = "203.0.113.7"
    headers = { "Accept" = "application/json" }
  }
  ## The service's answer.
  upstream {
    status  = 200
    headers = { "X-Total-Count" = "1" }
    body    = { status = "verified", currency = "EUR", lines = [{ sku = "A-1", qty = 2, unit = "piece" }] }
  }
  ## All that is known of the answer.
  expect {
    status   = 200
    api      = "orders"
    version  = "v1"
    route    = "GET /orders/{id}"
    consumer = "acme"
    allow    = true
    headers  = { "Deprecation" = "@1780272000", "X-Internal" = null }
    body     = { verified = true, currency = "EUR", lines = [{ article = "A-1", qty = 2, legacy_ref = null }] }
    ## The request that reaches the service.
    upstream "GET /internal/orders/6ba7b810-9dad-11d1-80b4-00c04fd430c8" {
      headers = { "X-Consumer-Id" = "acme", "X-API-Key" = null }
    }
  }
}

# Bodies that lie beside the file.
case "an order is placed from a file" {
  ## What a token says of its bearer.
  as {
    consumer = "app-7"
    identity = "staff"
    name     = "The app of the shop"
    claims   = { tenant = "north" }
    scopes   = ["orders:read"]
    groups   = ["sales"]
    plan     = "gold"
    version  = "2026-11-01"
  }
  ## With the body of a file.
  request "POST /api/2026-11-01/orders" {
    host      = "api.acme.example"
    headers   = { "Idempotency-Key" = "\"8e03978e\"" }
    body_file = "sent.json"
  }
  ## An answer whose body is a file's.
  upstream {
    status    = 201
    body_file = "sent.json"
  }
  ## The whole body.
  expect {
    status    = 201
    body_file = "sent.json"
    ## The whole of what is sent.
    upstream "POST /internal/orders" { body_file = "sent.json" }
  }
}

# Only some members of what is sent, and of what is answered.
case "an order is placed" {
  as { consumer = "acme" }
  ## With a body.
  request "POST /api/2026-11-01/orders" {
    host    = "api.acme.example"
    headers = { "Idempotency-Key" = "\"8e03978e\"" }
    body    = local.order
  }
  upstream { body = local.order }
  ## Some members of the body, whatever else it has.
  expect {
    includes = { currency = "EUR", total = { amount = 1230 } }
    ## Some members of what is sent.
    upstream "POST /internal/orders" {
      includes = { status = "paid" }
    }
  }
}

# A refusal.
case "an order without a total is refused" {
  as { consumer = "acme" }
  request "POST /api/2026-11-01/orders" {
    host    = "api.acme.example"
    headers = { "Idempotency-Key" = "\"8e03978e\"" }
    body    = { currency = "EUR", total = { amount = 0 }, lines = [{ sku = "A-1", qty = 2 }] }
  }
  ## What stage refuses, how, and that nothing reaches the service.
  expect {
    status    = 422
    problem   = "invalid-content"
    stage     = "validate"
    forwarded = false
  }
}

case "without a key nobody reads" {
  request "GET /api/v2/orders/6ba7b810-9dad-11d1-80b4-00c04fd430c8" { host = "api.acme.example" }
  ## Why, as far as the caller is told.
  expect {
    status = 401
    detail = "the request carries no credentials"
  }
}

# What the policy says.
case "nobody may delete an order" {
  as { consumer = "acme" }
  request "DELETE /api/v2/orders/6ba7b810-9dad-11d1-80b4-00c04fd430c8" { host = "api.acme.example" }
  ## The policy's verdict, and its reasons.
  expect {
    status  = 403
    allow   = false
    reasons = ["orders stay"]
  }
}

# A service that is away.
case "the service is down" {
  as { consumer = "acme" }
  request "GET /api/v2/orders/6ba7b810-9dad-11d1-80b4-00c04fd430c8" { host = "api.acme.example" }
  ## Nobody answers.
  upstream { down = true }
  expect { status = 502 }
}

# What is no JSON, byte by byte.
case "another form is refused" {
  as { consumer = "acme" }
  ## A body as it is.
  request "POST /shop/orders/7/payment" {
    headers = { "Content-Type" = "text/plain" }
    text    = "twelve euros"
  }
  expect { status = 415 }
}

# A text comes back as it is.
case "a picture of letters" {
  as { consumer = "acme" }
  request "GET /returns/7" { host = "api.acme.example" }
  ## An answer as it is.
  upstream {
    headers = { "Content-Type" = "text/plain" }
    text    = "sent back"
  }
  ## The body, byte by byte.
  expect { text = "sent back" }
}

## A webhook's call, of which no test computes the signature.
case "Stripe's events are delivered once" {
  step "an event" {
    at = "2026-12-01T12:00:00Z"
    request "POST /hooks/stripe" {
      signed = true
      body   = local.event
    }
    expect {
      status = 200
      ## JSON, in whatever spelling.
      upstream "POST /internal/stripe" { body = local.event }
    }
  }
  step "the same a day later" {
    at = "2026-12-02T12:00:00Z"
    request "POST /hooks/stripe" {
      signed = true
      body   = local.event
    }
    expect { forwarded = false }
  }
}

# The last of so many requests.
case "the hundred and first request of a minute is too much" {
  at = "2026-12-01T12:00:00Z"
  as { consumer = "acme" }
  ## Again and again; what is expected is expected of the last.
  request "GET /api/v2/orders" {
    host    = "api.acme.example"
    headers = { "X-Tenant" = "north" }
    times   = 101
  }
  expect {
    status  = 429
    problem = "quota-exceeded"
  }
}

# It goes on as the bytes that came.
case "a carrier's call is delivered as it came" {
  request "POST /hooks/carrier" {
    signed  = true
    headers = { "X-Carrier-Id" = "1", "Content-Type" = "text/plain" }
    text    = "delivered"
  }
  expect {
    ## Byte by byte.
    upstream "POST /internal/carrier" { text = "delivered" }
  }
}
