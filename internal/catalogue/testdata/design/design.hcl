secret "stripe_key" { env = "STRIPE_SECRET_KEY" }
secret "stripe_hook" { file = "/run/secrets/stripe_hook" }
secret "github_hook" { env = "GITHUB_HOOK" }

identity "staff" {
  jwt {
    issuer   = "https://id.acme.example"
    jwks     = "https://id.acme.example/.well-known/jwks.json" # or keys = "keys.json"
    audience = ["orders"]
    consumer = claims.client_id # who is counted and pinned
  }
}
identity "partners" {
  api_key {
    header = "X-API-Key"
    keys   = "partners.keys" # hashes only; `caddy gateway keys add`
  }
}

limit "per_consumer" {
  key = consumer.id # or client.address, claims.tenant…
  quota "burst" {
    requests = 100
    window   = "1m"
  }
  quota "daily" {
    requests = 10000
    window   = "24h"
  }
}

upstream "orders" {
  servers = ["https://orders-1:8443", "https://orders-2:8443"]
  ca_file = "/etc/gw/internal-ca.pem"
  timeout = "5s"
  retry {
    attempts = 2
    on       = ["connect", "503"] # idempotent methods only
  }
  health { path = "/healthz" }
}

api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  formats   = ["json", "xml"]
  cors {
    origins = ["https://shop.acme.example"] # headers, credentials, max_age; answered for the union of versions
  }
  identify  = [identity.partners, identity.staff] # in this order; `anonymous` must be written to be allowed
  limits    = [limit.per_consumer]
  authorize = policy.shop.orders # data.shop.orders in Rego; `public` must be written to be allowed

  versioning {
    path       = true # /api/{version}/…
    header     = "Acme-Version"
    media_type = "application/vnd.acme.{version}+json"
    query      = "api-version"
    pin        = consumer.api_version # from the credential
    default    = version.v1           # absent: unversioned requests get 400
  }

  object "order" {
    schema = "schemas/order.json" # JSON Schema 2020-12, newest shape only
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "schemas/line.json" }

  route "GET /orders" { returns = { "data[*]" = object.order } }
  route "GET /orders/{id}" { returns = object.order }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
    idempotency { keep = "24h" } # required = true: 400 without a key
    rule "positive total" {
      when   = body.total.amount > 0 && contains(["EUR", "USD"], body.currency)
      detail = "total.amount must be positive, in EUR or USD"
      at     = "/total/amount"
    }
    rule "few lines" {
      when   = expr("all(body.lines, .qty in 1..99)") # expr-lang itself, where HCL's syntax is too small
      detail = "each line's qty is 1 to 99"
    }
  }
  route "PUT /orders/{id}" {
    accepts = object.order
    returns = object.order
    merge   = true # read, overlay, write with If-Match: an old client's PUT loses nothing
  }
  route "POST /orders/{id}/payment" {
    integration = integration.payments
    send        = "POST /v1/payment_intents"
    encode      = "form"
  }

  version "v1" {
    released   = "2023-02-01"
    deprecated = "2026-06-01"
    sunset     = "2027-03-01"
    docs       = "https://dev.acme.example/migrate/v2"
    brownout {
      from = "2027-02-02T14:00:00Z"
      for  = "15m"
    }
  }
  version "v2" {
    released = "2025-05-01"
    change "customer-object" {
      summary = "The customer's name and e-mail moved into a customer object."
      on      = object.order
      move "customer_name" { to = "customer.name" }
      move "customer_email" { to = "customer.email" }
      param "customer_email" { to = "customer.email" } # the query parameter too
      example {
        old = { customer_name = "Ada", customer_email = "ada@example.org" }
        new = { customer = { name = "Ada", email = "ada@example.org" } }
      }
    }
    change "status-words" {
      summary = "verified (true or false) became status."
      on      = object.order
      rename "verified" { to = "status" }
      enum "status" { pairs = [[true, "verified"], [false, "unverified"]] }
    }
  }
  version "2026-11-01" { # the label is the date
    change "minor-units" {
      summary = "Amounts are integers in the minor unit."
      on      = object.order
      scale "total" { decimals = 2 } # "12.30" <-> 1230
      wrap "total" { in = "amount" } # 1230 <-> {"amount":1230}
    }
    change "line-sku" {
      summary = "article is called sku; legacy_ref is gone."
      on      = object.line
      rename "article" { to = "sku" }
      drop "legacy_ref" {
        restore = null
        accept  = "unread since 2024, ADR-31" # without it: an error
      }
    }
  }
}

integration "payments" {
  url     = "https://api.stripe.com"
  timeout = "10s"
  headers = { "Stripe-Version" = "2026-09-30.endive" }
  auth "bearer" { token = secret.stripe_key } # basic, header, query, oauth2_client_credentials
  retry {
    attempts = 2
    on       = ["connect", "409", "429", "500", "503"]
    max      = "8s" # Retry-After obeyed up to this
  }
  idempotency {
    header = "Idempotency-Key"
    key    = "${consumer.id}:${request.id}"
  }
  # allow_private = true   private, link-local and loopback addresses are refused at dial unless written
  breaker {
    failures = 10
    within   = "10s"
    open_for = "15s"
  }
  error "card-declined" { # the label ends the problem's type
    when   = response.status == 402 && response.body.error.type == "card_error"
    status = 402
    title  = "The card was declined"
    detail = "${response.body.error.message} (${response.body.error.code})"
  }
}

webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" {                  # github, slack, shopify, standard, twilio, hmac, ed25519
    secrets   = [secret.stripe_hook] # several while rotating
    tolerance = "5m"
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
    retry { for = "72h" }
  }
}
