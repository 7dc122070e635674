# What Stripe is asked, and what callers are told: caddy gateway test --config examples/payments/Caddyfile

case "an order is paid in the shop's own words" {
  as { consumer = "acme" }
  request "POST /shop/orders/o-7/payment" {
    headers = { "Idempotency-Key" = "k1", "Cookie" = "session=1" }
    body    = { amount = "12.30", currency = "eur" }
  }
  upstream {
    body = { id = "pi_1", amount = 1230, currency = "eur", status = "requires_payment_method", client_secret = "pi_1_secret" }
  }
  expect {
    status = 201
    body   = { id = "pi_1", amount = "12.30", currency = "eur", status = "requires_payment_method", order = "o-7" }
    upstream "POST /v1/payment_intents" {
      headers = {
        "Idempotency-Key" = "acme:k1"
        "Stripe-Version"  = "2026-09-30.endive"
        "Content-Type"    = "application/x-www-form-urlencoded"
        "X-Consumer-Id"   = null
        "Cookie"          = null
      }
      text = "amount=1230&currency=eur&metadata%5Border%5D=o-7&metadata%5Bpartner%5D=acme"
    }
  }
}

case "a declined card is the shop's own problem" {
  as { consumer = "acme" }
  request "POST /shop/orders/o-7/payment" { body = { amount = "12.30", currency = "eur" } }
  upstream {
    status  = 402
    headers = { "Request-Id" = "req_1" }
    body    = { error = { type = "card_error", code = "insufficient_funds", message = "Your card has insufficient funds." } }
  }
  expect {
    status   = 402
    problem  = "https://shop.example/problems/card-declined"
    detail   = "Your card has insufficient funds. (insufficient_funds)"
    includes = { provider_request_id = "req_1" }
  }
}

case "what nobody wrote a word for is a 502 that says nothing" {
  as { consumer = "acme" }
  request "GET /shop/payments/pi_1" {}
  upstream {
    status = 401
    body   = { error = { message = "Invalid API Key provided: sk_live_1" } }
  }
  expect {
    status  = 502
    problem = "bad-gateway"
  }
}

case "a busy service is asked again with the same key" {
  as { consumer = "acme" }
  request "POST /shop/payments/pi_1/refund" { headers = { "Idempotency-Key" = "k2" } }
  upstream { status = 503 }
  upstream { body = { id = "re_1", amount = 100 } }
  expect {
    status = 201
    body   = { id = "re_1", amount = "1.00" }
    upstream "POST /v1/refunds" {
      headers = { "Idempotency-Key" = "acme:k2" }
      text    = "payment_intent=pi_1"
    }
    upstream "POST /v1/refunds" { headers = { "Idempotency-Key" = "acme:k2" } }
  }
}

case "pages are links of the shop's" {
  as { consumer = "acme" }
  request "GET /shop/payments?limit=2&after=pi_0" {}
  upstream { body = { has_more = true, data = [{ id = "pi_1", client_secret = "x" }, { id = "pi_2", client_secret = "y" }] } }
  expect {
    status  = 200
    headers = { "Link" = "</shop/payments?limit=2&after=pi_2>; rel=\"next\"" }
    body    = [{ id = "pi_1" }, { id = "pi_2" }]
    upstream "GET /v1/payment_intents?limit=2&starting_after=pi_0" {}
  }
}

case "an amount that is none is the caller's mistake" {
  as { consumer = "acme" }
  request "POST /shop/orders/o-7/payment" { body = { amount = "12.3", currency = "eur" } }
  expect {
    status    = 422
    problem   = "invalid-content"
    forwarded = false
  }
}

case "a payment's name leads nowhere else" {
  as { consumer = "acme" }
  request "GET /shop/payments/..%2faccounts" {}
  expect {
    status    = 400
    forwarded = false
  }
}

case "an order that is paid twice with one key is paid once" {
  as { consumer = "acme" }
  step "paying" {
    at = "2026-11-01T12:00:00Z"
    request "POST /shop/orders/o-7/payment" {
      headers = { "Idempotency-Key" = "k3" }
      body    = { amount = "12.30", currency = "eur" }
    }
    upstream { body = { id = "pi_1", amount = 1230 } }
    expect {
      status  = 201
      headers = { "Idempotent-Replayed" = null }
      upstream "POST /v1/payment_intents" { headers = { "Idempotency-Key" = "acme:k3" } }
    }
  }
  step "paying again" {
    at = "2026-11-01T13:00:00Z"
    request "POST /shop/orders/o-7/payment" {
      headers = { "Idempotency-Key" = "k3" }
      body    = { amount = "12.30", currency = "eur" }
    }
    expect {
      status    = 201
      headers   = { "Idempotent-Replayed" = "true" }
      body      = { id = "pi_1", amount = "12.30", order = "o-7" }
      forwarded = false
    }
  }
  step "paying something else" {
    at = "2026-11-01T13:00:00Z"
    request "POST /shop/orders/o-7/payment" {
      headers = { "Idempotency-Key" = "k3" }
      body    = { amount = "99.00", currency = "eur" }
    }
    expect {
      problem   = "idempotency-key-reused"
      forwarded = false
    }
  }
  step "when the answer is no longer kept" {
    at = "2026-11-02T12:00:00Z"
    request "POST /shop/orders/o-7/payment" {
      headers = { "Idempotency-Key" = "k3" }
      body    = { amount = "12.30", currency = "eur" }
    }
    upstream { body = { id = "pi_2", amount = 1230 } }
    expect {
      status   = 201
      includes = { id = "pi_2" }
    }
  }
}

case "a card that was declined stays declined for the key" {
  as { consumer = "acme" }
  step "paying" {
    request "POST /shop/orders/o-7/payment" {
      headers = { "Idempotency-Key" = "k4" }
      body    = { amount = "12.30", currency = "eur" }
    }
    upstream {
      status = 402
      body   = { error = { type = "card_error", code = "insufficient_funds", message = "Your card has insufficient funds." } }
    }
    expect { status = 402 }
  }
  step "paying again" {
    request "POST /shop/orders/o-7/payment" {
      headers = { "Idempotency-Key" = "k4" }
      body    = { amount = "12.30", currency = "eur" }
    }
    expect {
      status    = 402
      headers   = { "Idempotent-Replayed" = "true" }
      problem   = "https://shop.example/problems/card-declined"
      detail    = "Your card has insufficient funds. (insufficient_funds)"
      forwarded = false
    }
  }
}

case "a payment that Stripe was never asked for is asked for with the same key" {
  as { consumer = "acme" }
  step "Stripe is down" {
    request "POST /shop/orders/o-7/payment" {
      headers = { "Idempotency-Key" = "k5" }
      body    = { amount = "12.30", currency = "eur" }
    }
    upstream { down = true }
    expect { problem = "bad-gateway" }
  }
  step "Stripe is there" {
    request "POST /shop/orders/o-7/payment" {
      headers = { "Idempotency-Key" = "k5" }
      body    = { amount = "12.30", currency = "eur" }
    }
    upstream { body = { id = "pi_1", amount = 1230 } }
    expect { status = 201 }
  }
}
