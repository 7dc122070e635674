## An API for partners and staff. What is written here holds for all of its routes that say nothing else.
api "orders" {
  hosts         = ["api.acme.example"]
  base_path     = "/api"
  rewrite       = "/internal" # what the service has in its place
  upstream      = upstream.orders
  formats       = ["json", "xml"]
  describe      = "everyone" # at /api/v1/openapi.json
  identify      = [identity.partners, identity.staff]
  limits        = [limit.per_consumer]
  authorize     = policy.shop.orders # data.shop.orders in Rego
  max_body      = "256KiB"
  takes         = ["json", "form", "multipart"]
  compressed    = ["gzip"]
  unknown_query = "refuse"
  responses     = "report" # see caddy gateway drift

  versioning {
    path       = true # /api/v1/orders
    host       = "{version}.api.acme.example"
    header     = "Acme-Version"
    media_type = "application/vnd.acme.{version}+json"
    query      = "api-version"
    pin        = consumer.api_version # of who calls, where the request names none
    default    = version.v2           # without it such requests are answered 400
  }

  cors {
    origins     = ["https://shop.acme.example"]
    headers     = ["X-Tenant"]
    expose      = ["X-Total-Count"]
    credentials = true
    max_age     = "10m"
  }

  ## An order holds lines: what changes a line changes those in it.
  object "order" {
    schema = "schemas/order.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "schemas/line.json" }
  object "error" { schema = "schemas/error.json" }

  ## A list; a limit of its own is counted beside the API's.
  route "GET /orders" {
    returns = { "data[*]" = object.order }
    limits  = [limit.listing]

    ## `?status=open,paid`
    query "status" {
      type        = "string"
      enum        = ["open", "paid", "sent"]
      list        = "comma"
      min_items   = 1
      max_items   = 3
      unique      = true
      description = "Only orders in one of these states."
    }
    ## `?limit=20`, a number that rules can count with.
    query "limit" {
      type    = "integer"
      minimum = 1
      maximum = 100
    }
    ## `?q=…`, only from v2 on, and not in later ones.
    query "q" {
      sanitize   = ["trim", "nfc"]
      empty      = true
      min_length = 2
      max_length = 100
      since      = version.v2
      until      = version["2026-11-01"]
    }
    ## Every request names it.
    header "X-Tenant" {
      required = true
      pattern  = "^[a-z]{2,16}$"
    }
    rule "narrow pages" {
      when   = query.limit == null || query.limit <= 50 || len(query.status) > 0
      detail = "more than 50 orders on a page need a status"
    }
  }

  route "GET /orders/{id}" {
    returns = object.order
    ## A text of a form.
    path "id" { format = "uuid" }
    ## What refusals of the service's own hold.
    response "4xx" { returns = object.error }
  }

  ## A body is checked against the object's schema, then by the rules.
  route "POST /orders" {
    accepts  = object.order
    returns  = object.order
    max_body = "1MiB"

    idempotency {
      keep     = "24h"
      required = true     # 400 without a key
      lost     = "repeat" # the service knows the key, too
    }
    sanitize "customer.email" { steps = ["trim", "lower"] }

    ## In HCL's own syntax.
    rule "positive total" {
      when   = body.total.amount > 0 && contains(local.currencies, body.currency)
      detail = "total ${body.total.amount} must be positive, in EUR or USD"
      at     = "/total/amount"
    }
    ## In expr-lang, where that is too small.
    rule "few lines" {
      when   = expr("all(body.lines, .qty in 1..99)")
      detail = "each line's qty is 1 to 99"
    }
    multipart {
      max_parts = 20
      max_part  = "16KiB"
      file "picture" {
        types = ["image/png", "image/jpeg"]
        max   = "500KiB"
      }
    }
  }

  ## Several at once.
  route "GET /batches/{ids}" {
    ## `/batches/7,8,9`
    path "ids" { list = "comma" }
    ## `X-Fields: id, total`
    header "X-Fields" { list = "comma" }
  }

  ## A PUT of an older version is laid over what is there, so that nothing is lost that its caller cannot see.
  route "PUT /orders/{id}" {
    accepts = object.order
    returns = object.order
    takes   = ["json"]
    merge   = true
  }

  ## A route that one version has no longer, and another path for the service.
  route "DELETE /orders/{id}" {
    until   = version["2026-11-01"]
    rewrite = "/internal/orders/{id}/removal"
    ## Nothing but the caller's own credential.
    forward { credential = true }
  }

  ## What would be refused is only told of, until nobody sends it any more.
  route "POST /orders/{id}/cancellation" {
    since       = version["2026-11-01"]
    accepts     = object.order
    report_only = true
  }

  ## Who calls, in header fields and by a token that the service can verify.
  forward {
    header "X-Consumer-Id" { value = consumer.id }
    header "X-Consumer-Groups" { value = consumer.groups }
    token {
      header   = "X-Consumer-Token"
      audience = ["orders"]
      lifetime = "30s"
      claims   = { tenant = claims.tenant }
    }
  }

  ## Ends soon, with a rehearsal.
  version "v1" {
    released   = "2023-02-01"
    deprecated = "2026-06-01"
    sunset     = "2030-03-01"
    docs       = "${local.dev}/migrate/v2"
    limits     = [limit.abuse] # beside that of the API
    brownout {
      from = "2030-02-02T14:00:00Z"
      for  = "15m"
    }
  }
  ## In force, and what it changed.
  version "v2" {
    released = "2025-05-01"
    ## Each operation says how the older shape becomes the newer; answers go the other way.
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
  ## The label is the date of its release.
  version "2026-11-01" {
    change "line-sku" {
      summary = "article is called sku; legacy_ref is gone."
      on      = object.line
      rename "article" { to = "sku" }
      ## What is lost is lost on purpose.
      drop "legacy_ref" {
        restore = null
        accept  = "unread since 2024, ADR-31"
      }
      add "unit" {
        value  = "piece"
        accept = "older callers know pieces only"
      }
    }
  }
  ## Only for requests that name it.
  version "next" {
    released = "2027-01-01"
    preview  = true
    change "minor-units" {
      summary = "Amounts are integers in the minor unit."
      on      = object.order
      scale "price" { decimals = 2 } # "12.30" <-> 1230
      wrap "price" { in = "amount" } # 1230 <-> { "amount": 1230 }
      unwrap "discount" { from = "value" }
      ## A number on the older side: 150 <-> 0.150
      scale "discount" {
        decimals = -3
        as       = "number"
      }
      cast "code" { to = "number" } # "7" <-> 7
      ## A truth value, in words.
      cast "gift" {
        from = "boolean"
        to   = "string"
      }
      list "coupon" {}  # "A" <-> ["A"]
      unlist "notes" {} # ["b"] <-> "b"
      split "contact" { # "Ada Lovelace" <-> "Ada", "Lovelace"
        into      = ["first_name", "last_name"]
        separator = " "
      }
      join "address" {
        from      = ["street", "city"]
        separator = ", "
        accept    = "nobody writes it"
      }
    }
  }
}

## An API of an OpenAPI document: its operations are the routes, and its security schemes are identities.
api "returns" {
  openapi   = "returns.yaml"
  security  = { partnerKey = identity.partners }
  upstream  = upstream.old_orders
  authorize = public
}

api "events" {
  base_path = "/events"
  identify  = [identity.machines]
  authorize = public
  object "event" { schema = "schemas/event.json" }
  versioning { path = true }
  version "v1" { released = "2025-01-01" }

  route "POST /publish" {
    accepts = object.event
    publish {
      to    = [subscriber.acme]
      kind  = body.type
      id    = body.id
      order = body.order # one after the other for each order
    }
  }
}
