# What becomes of the calls of third parties, and what subscribers are told: `caddy gateway test --config examples/webhooks/Caddyfile`.

# The signature is the one of https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
case "GitHub's call is delivered as it came" {
  request "POST /hooks/github" {
    headers = {
      "X-GitHub-Event"      = "push"
      "X-GitHub-Delivery"   = "1"
      "X-Hub-Signature-256" = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    }
    text = "Hello, World!"
  }
  expect {
    status = 200
    upstream "POST /internal/github" {
      headers = { "X-GitHub-Event" = "push" }
      text    = "Hello, World!"
    }
  }
}

case "another body than the signed one goes nowhere" {
  request "POST /hooks/github" {
    headers = {
      "X-GitHub-Event"      = "push"
      "X-GitHub-Delivery"   = "1"
      "X-Hub-Signature-256" = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    }
    text = "Hello, World."
  }
  expect {
    status    = 403
    problem   = "invalid-signature"
    stage     = "receive"
    forwarded = false
  }
}

case "Stripe's events are delivered once" {
  step "an event" {
    at = "2026-11-01T12:00:00Z"
    request "POST /hooks/stripe" {
      signed = true # no test computes a signature
      body   = { id = "evt_1", type = "payment_intent.succeeded", data = { object = { id = "pi_1" } } }
    }
    expect {
      status = 200
      upstream "POST /internal/stripe" {
        includes = { id = "evt_1" }
      }
    }
  }
  step "the same two days later" {
    at = "2026-11-03T12:00:00Z"
    request "POST /hooks/stripe" {
      signed = true
      body   = { id = "evt_1", type = "payment_intent.succeeded", data = { object = { id = "pi_1" } } }
    }
    expect {
      status    = 200
      forwarded = false
    }
  }
  step "of a kind that nobody asked for" {
    request "POST /hooks/stripe" {
      signed = true
      body   = { id = "evt_2", type = "customer.created", data = { object = { id = "cus_1" } } }
    }
    expect {
      status    = 200
      forwarded = false
    }
  }
}

case "subscribers are told in their own version" {
  as { consumer = "orders" }
  request "POST /events/v2/publish" {
    body = { id = "1", type = "order.paid", sku = "A-1" }
  }
  expect {
    status = 202
    upstream "POST /partners/acme" {
      body = { id = "1", type = "order.paid", article = "A-1" }
    }
    upstream "POST /partners/globex" {
      body = { id = "1", type = "order.paid", sku = "A-1" }
    }
  }
}

case "what is no event is told to nobody" {
  as { consumer = "orders" }
  request "POST /events/v2/publish" {
    body = { id = "2", type = "order.paid" }
  }
  expect {
    status    = 422
    problem   = "invalid-content"
    forwarded = false
  }
}
