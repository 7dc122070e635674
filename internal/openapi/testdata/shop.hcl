# An API with all that a description tells of: three versions, two ways to identify oneself, objects in objects.

upstream "orders" { servers = ["https://orders.shop.example"] }

identity "partners" {
  api_key { keys = "shop.keys" }
}

identity "staff" {
  jwt {
    issuer   = "https://id.shop.example"
    keys     = "shop.keys"
    audience = ["orders", "returns"]
  }
}

limit "per_consumer" {
  quota "burst" {
    requests = 20
    window   = "10s"
  }
  quota "daily" {
    requests = 10000
    window   = "24h"
  }
}

limit "writes" {
  quota "daily" {
    requests = 100
    window   = "24h"
  }
}

api "orders" {
  hosts     = ["api.shop.example", "shop.example"]
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [identity.partners, identity.staff]
  limits    = [limit.per_consumer]
  authorize = policy.shop.orders

  versioning {
    path       = true
    header     = "Shop-Version"
    media_type = "application/vnd.shop.{version}+json"
    query      = "api-version"
    default    = version.v2
  }

  object "order" {
    schema = "shop.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "shop.json" }

  route "GET /orders" {
    returns = { "data[*]" = object.order, "meta.last" = object.line }
    query "limit" {
      type        = "integer"
      minimum     = 1
      maximum     = 100
      description = "How many orders a page has."
    }
    query "status" {
      list   = "repeat"
      enum   = ["open", "paid"]
      unique = true
    }
    query "ids" {
      list  = "comma"
      since = version.v2
    }
    header "X-Trace" {
      format   = "uuid"
      required = true
    }
  }
  route "GET /orders/{id}" {
    returns = object.order
    response "404" { returns = object.line }
    response "423" { returns = object.line }
  }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
    limits  = [limit.writes]
    rule "positive total" {
      when   = body.total > 0
      detail = "total must be positive"
    }
  }
  route "PUT /orders/{order}" {
    path "order" { pattern = "^[0-9]+$" }
    accepts = object.order
    returns = object.order
    since   = version.v2
  }
  route "DELETE /orders/{id}" { until = version["2026-11-01"] }
  route "GET /orders-archive" {
    identify  = [anonymous]
    authorize = public
    returns   = { "[*]" = object.order }
  }
  route "GET /orders/archive" {
    identify = [identity.staff, anonymous]
  }

  version "v1" {
    released   = "2023-02-01"
    deprecated = "2026-06-01"
    sunset     = "2030-03-01T12:00:00Z"
    docs       = "https://dev.shop.example/migrate/v2"
    brownout {
      from = "2030-02-02T14:00:00Z"
      for  = "15m"
    }
  }
  version "v2" {
    released = "2025-05-01"
    change "status-words" {
      summary = "verified became status."
      on      = object.order
      rename "verified" { to = "status" }
    }
  }
  version "2026-11-01" { preview = true }
}

api "health" {
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "GET /" {}
}

api "typed" {
  base_path = "/typed"
  formats   = ["json", "xml"]
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { media_type = "application/vnd.typed.{version}+json" }
  object "order" { schema = "shop.json" }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
  }
  route "GET /orders" { returns = { "[*]" = object.order } }
  route "GET /orders/{id}" { returns = object.order }
  route "GET /page" { returns = { "data[*]" = object.order } }
  route "PATCH /orders/{id}" {
    accepts = object.order
    returns = object.order
  }
  route "PUT /orders/{id}" {
    accepts = object.order
    merge   = true
  }
  version "v1" { released = "2026-01-01" }
  version "v2" { released = "2026-02-01" }
}

api "asked" {
  base_path = "/asked"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { query = "v" }
  route "GET /orders" {}
  route "POST /orders" {
    idempotency { keep = "24h" }
  }
  route "DELETE /orders/{id}" {
    idempotency {
      keep     = "1h"
      required = true
    }
  }
  version "v1" { released = "2026-01-01" }
}

api "hosted" {
  base_path = "/hosted"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning {
    host   = "{version}.api.shop.example"
    header = "Shop-Version"
  }
  route "GET /orders" {}
  version "v1" { released = "2026-01-01" }
}

# An API that third parties answer, and that tells others.

secret "told" { file = "told.secret" }

subscriber "acme" {
  to   = upstream.orders
  path = "/hooks"
  sign = secret.told
}

integration "payments" {
  url = "https://pay.example"
  error "card-declined" {
    when   = response.status == 402
    status = 402
    title  = "The card was declined"
  }
  error "no-funds" {
    when   = response.status == 409
    status = 402
    title  = "There are no funds"
  }
  error "no-such-payment" {
    when   = response.status == 404
    status = 404
    title  = "There is no such payment"
  }
}

api "sales" {
  base_path = "/sales"
  identify  = [identity.partners]
  authorize = public

  object "order" { schema = "shop.json" }

  route "POST /payments/{id}" {
    integration = integration.payments
    send        = "POST /payments/{id}"
    answer { status = 201 }
  }

  route "POST /publish" {
    accepts = object.order
    publish { to = [subscriber.acme] }
  }
}
