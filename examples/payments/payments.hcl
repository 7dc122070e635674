variable "stripe" { default = "https://api.stripe.com" }
variable "private" { default = false }

secret "stripe_key" { env = "STRIPE_SECRET_KEY" }

identity "partners" {
  api_key { keys = "partners.keys" }
}

integration "stripe" {
  url           = var.stripe
  allow_private = var.private # for a stand-in on this machine
  headers       = { "Stripe-Version" = "2026-09-30.endive" }
  problems      = "https://shop.example/problems/"
  auth "bearer" { token = secret.stripe_key }
  retry {
    attempts = 2
    on       = ["connect", "409", "429", "500", "503"]
    max      = "8s"
  }
  # A caller who sends a key of its own may send the request again; all others get one that is new each time.
  idempotency { key = "${consumer.id}:${header["Idempotency-Key"] == null ? request.id : header["Idempotency-Key"]}" }
  breaker {
    failures = 10
    within   = "10s"
    open_for = "15s"
  }
  error "card-declined" {
    when   = response.status == 402 && response.body.error.type == "card_error"
    status = 402
    title  = "The card was declined"
    detail = "${response.body.error.message} (${response.body.error.code})"
  }
  error "no-such-payment" {
    when   = response.status == 404
    status = 404
    title  = "There is no such payment"
  }
  error "not-payable" {
    when   = response.status == 400 && response.body.error.type == "invalid_request_error"
    status = 422
    title  = "This cannot be paid"
  }
}

api "shop" {
  base_path = "/shop"
  identify  = [identity.partners]
  authorize = public

  object "payment" { schema = "schemas/payment.json" }

  route "POST /orders/{id}/payment" {
    accepts     = object.payment
    integration = integration.stripe
    # What is paid with a key is paid once. Of a payment whose answer was lost Stripe is asked again: it knows the key.
    idempotency {
      keep = "24h"
      lost = "repeat"
    }
    send   = "POST /v1/payment_intents"
    encode = "form"
    request {
      scale "amount" { decimals = 2 } # "12.30" is 1230 there
      set "metadata.order" { value = path.id }
      set "metadata.partner" { value = consumer.id }
    }
    answer {
      status = 201
      scale "amount" { decimals = -2 }
      drop "client_secret" {}
      set "order" { value = path.id }
    }
  }

  route "GET /payments" {
    integration = integration.stripe
    send        = "GET /v1/payment_intents"
    request { query = { limit = query.limit, starting_after = query.after } }
    answer {
      member = "data"
      page {
        parameter = "after"
        next      = response.body.has_more ? response.body.data[-1].id : null
      }
      drop "[*].client_secret" {}
    }
  }

  route "GET /payments/{payment}" {
    integration = integration.stripe
    send        = "GET /v1/payment_intents/{payment}"
    answer {
      scale "amount" { decimals = -2 }
      drop "client_secret" {}
    }
  }

  route "POST /payments/{payment}/refund" {
    integration = integration.stripe
    send        = "POST /v1/refunds"
    encode      = "form"
    request {
      set "payment_intent" { value = path.payment }
    }
    answer {
      status = 201
      scale "amount" { decimals = -2 }
    }
  }
}
