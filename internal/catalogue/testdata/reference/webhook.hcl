webhook "stripe" {
  path      = "/hooks/stripe"
  max_body  = "256KiB"
  timeout   = "10s"
  schema    = "schemas/stripe.json"
  authorize = policy.shop.hooks
  ## Whose scheme is known by its name.
  verify "stripe" {
    secrets   = [secret.stripe_hook] # several while rotating
    tolerance = "5m"
  }
  rule "only live events" {
    when   = body.livemode == true
    detail = "events of tests are not taken"
  }
  dedupe {
    key  = body.id
    keep = "72h"
  }
  deliver {
    to    = upstream.orders
    path  = "/internal/stripe"
    only  = ["payment_intent.*", "charge.dispute.*"]
    order = body.data.object.id # one at a time per object
    sign  = secret.partner_hook
    retry { for = "72h" }
  }
}

webhook "paypal" {
  path = "/hooks/paypal"
  ## Whose certificate is the secret, and whose endpoint has an id.
  verify "paypal" {
    secrets    = [secret.paypal]
    webhook_id = "8PT597110X687430L"
  }
  deliver {
    to   = upstream.orders
    path = "/internal/paypal"
  }
}

secret "paypal" { file = "certificate.pem" }

webhook "carrier" {
  path = "/hooks/carrier"
  ## Any other, told piece by piece.
  verify "hmac" {
    secrets   = [secret.signing]
    signature = "X-Carrier-Signature"
    prefix    = "v1="
    encoding  = "base64"
    hash      = "sha512"
    timestamp = "X-Carrier-Time"
    id        = "X-Carrier-Id"
    signed    = "{id}.{timestamp}.{body}"
  }
  deliver {
    to   = upstream.orders
    path = "/internal/carrier"
  }
}

## It is told of orders, in the shape of v1.
subscriber "acme" {
  to      = upstream.orders
  path    = "/partners/acme"
  sign    = secret.partner_hook
  version = "v1"
  only    = ["order.*"]
  retry { for = "24h" }
}
