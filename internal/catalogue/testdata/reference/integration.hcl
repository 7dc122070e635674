## A third party's API.
integration "stripe" {
  url          = "https://api.stripe.com"
  timeout      = "10s"
  deadline     = "25s" # with all tries
  dial_timeout = "2s"
  concurrent   = 100
  headers      = { "Stripe-Version" = "2026-09-30.endive" }
  request_id   = ["Request-Id"]
  problems     = "https://dev.acme.example/problems/"
  ## A bearer token.
  auth "bearer" { token = secret.stripe_key }
  retry {
    attempts = 2
    on       = ["connect", "409", "429", "500", "503"]
    max      = "8s" # Retry-After obeyed up to this
  }
  idempotency {
    header = "Idempotency-Key"
    key    = "${consumer.id}:${request.id}"
  }
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
}

## A service of one's own network, by mutual TLS.
integration "warehouse" {
  url             = "https://warehouse.internal.example/v2"
  allow_private   = true
  ca_file         = "ca.pem"
  certificate     = "certificate.pem"
  certificate_key = "client.pem"
  query           = { region = var.region }
  redirects       = 2
  ## A user and a password.
  auth "basic" {
    username = "gateway"
    password = secret.password
  }
  ## A keyed hash of the request.
  sign "hmac" {
    key       = secret.signing
    header    = "X-Signature"
    prefix    = "sha256="
    hash      = "sha256"
    encoding  = "hex"
    timestamp = "X-Timestamp"
    over      = ["timestamp", "method", "path", "body"]
    separator = "."
  }
}

integration "parcels" {
  url = "https://api.parcels.example"
  ## Any header field.
  auth "header" {
    name   = "Authorization"
    prefix = "Token "
    value  = secret.bearer
  }
  ## A signature of RFC 9421.
  sign "message" {
    key        = secret.signing_key
    algorithm  = "ed25519"
    key_id     = "gateway-1"
    components = ["@method", "@target-uri", "content-digest"]
    expires    = "1m"
  }
}

integration "maps" {
  url = "https://maps.example"
  ## A query parameter.
  auth "query" {
    name  = "key"
    value = secret.bearer
  }
}

integration "crm" {
  url = "https://crm.example"
  ## A token that the gateway gets by itself, and keeps while it is good.
  auth "oauth2_client_credentials" {
    token_url     = "https://id.crm.example/token"
    client_id     = "gateway"
    client_secret = secret.introspection
    client_auth   = "post"
    scopes        = ["contacts"]
    parameters    = { audience = "https://crm.example" }
  }
}

api "shop" {
  base_path = "/shop"
  identify  = [identity.partners]
  authorize = public

  ## A route that a third party answers.
  route "POST /orders/{id}/payment" {
    integration = integration.stripe
    send        = "POST /v1/payment_intents"
    encode      = "form"
    ## In written order, to the caller's body.
    request {
      headers = { "X-Order" = path.id }
      query   = { limit = query.limit }
      scale "amount" { decimals = 2 } # "12.30" -> 1230
      ## A number has the decimal point: 0.19 -> 19
      scale "rate" {
        decimals = 2
        as       = "number"
      }
      set "metadata.order" { value = path.id }
      rename "card" { to = "source" }
      move "email" { to = "receipt.email" }
      drop "note" {}
      enum "capture" { pairs = [[true, "automatic"], [false, "manual"]] }
      wrap "tax" { in = "rate" } # 19 -> { "rate": 19 }
      unwrap "discount" { from = "value" }
      list "method" {}                   # "card" -> ["card"]
      unlist "vouchers" {}               # ["A"] -> "A"
      cast "reference" { to = "string" } # 7 -> "7"
      ## true -> "true"
      cast "gift" {
        from = "boolean"
        to   = "string"
      }
      split "customer" {
        into      = ["first", "last"]
        separator = " "
      }
      join "address" {
        from      = ["street", "city"]
        separator = ", "
      }
    }
    ## And to the answer.
    answer {
      status  = 201
      headers = ["Request-Id"]
      scale "amount" { decimals = -2 } # 1230 -> "12.30"
      drop "client_secret" {}
      set "order" { value = path.id }
      rename "source" { to = "card" }
      move "receipt.email" { to = "email" }
      enum "status" { pairs = [["succeeded", "paid"], ["processing", "open"]] }
      wrap "fee" { in = "amount" }
      unwrap "tax" { from = "rate" }
      list "note" {}
      unlist "methods" {}
      cast "created" { to = "string" }
      split "name" {
        into      = ["first", "last"]
        separator = " "
      }
      join "address" {
        from      = ["street", "city"]
        separator = ", "
      }
    }
  }

  ## Another caller, and another policy, than the API's.
  route "GET /payments" {
    identify    = [identity.staff, anonymous]
    authorize   = policy.shop.payments
    integration = integration.stripe
    send        = "GET /v1/payment_intents"
    ## Only one member of the answer, in pages.
    answer {
      member = "data"
      ## By a cursor in the answer.
      page {
        parameter = "after"
        next      = response.body.has_more ? response.body.data[-1].id : null
        previous  = response.body.previous
      }
    }
  }

  route "GET /stock" {
    integration = integration.warehouse
    send        = "GET /stock"
    answer {
      ## By the service's own `Link` fields.
      page {
        parameter = "after"
        link      = "cursor"
      }
    }
  }

  ## In XML both ways.
  route "POST /labels" {
    integration = integration.parcels
    send        = "POST /labels"
    encode      = "xml"
    decode      = "xml"
    ## The outermost element.
    request { root = "label" }
    ## What is a list in XML, however many there are.
    answer {
      root  = "labels"
      lists = ["parcels.parcel"]
    }
  }

  route "GET /places" {
    integration = integration.maps
    send        = "GET /places"
  }
  route "GET /contacts/{id}" {
    integration = integration.crm
    send        = "GET /contacts/{id}"
  }
}
