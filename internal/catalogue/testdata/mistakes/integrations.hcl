# How third parties are asked.
secret "key" { file = "empty.secret" }
integration "payments" {
  url     = "api.stripe.com"
  timout  = "10s"
  auth "digest" { token = secret.key }
  breaker { failures = 10 }
}
integration "plain" {
  url       = "http://api.example"
  headers   = { "Host" = "other.example", "X-A" = "a\nb" }
  query     = { "" = "a" }
  redirects = 9
  auth "bearer" {
    token = secret.key
    name  = "X-Key"
  }
  retry {
    on       = ["connect", "404"]
    attempts = 1
    max      = "1h"
  }
  certificate = "keys.json"
  sign "hmac" {
    key  = secret.key
    over = ["timestamp", "trailer"]
  }
  error "not found" {
    when   = response.status
    status = 200
  }
}
integration "machine" {
  url = "https://api.example/?a=b"
  auth "oauth2_client_credentials" {
    token_url = "http://id.example/token"
    client_id = "gw"
  }
  sign "message" {
    key        = secret.key
    header     = "X-Signature"
    components = ["@status", "Date"]
  }
  idempotency { header = "X Key" }
  headers = { "X-Token" = secret.key }
}
integration "machine" { url = "https://api.example" }
integration "fields" {
  url = "https://api.example"
  auth "header" {
    name  = "Host"
    value = secret.key
  }
  sign "hmac" {
    key       = secret.key
    header    = "Content-Length"
    over      = ["timestamp", "body"]
    timestamp = "Connection"
  }
  idempotency {
    header = "Content-Type"
    key    = request.id
  }
}
upstream "orders" { servers = ["https://orders"] }
api "paid" {
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "GET /a" { integration = integration.payment }
  route "GET /b/{id}" {
    integration = integration.payments
    send        = "POST /v1/{order}/x"
    encode      = "yaml"
    upstream    = upstream.orders
    rewrite     = "/b"
  }
  route "POST /c" {
    send   = "POST /v1"
    encode = "form"
    request {
      headers = { "Content-Length" = "1" }
      root    = "x"
      set "a[*]" { value = 1 }
    }
    answer {
      page {}
      member = "a..b"
    }
    decode = "csv"
  }
  route "POST /d" {
    integration = integration.plain
    send        = "GET /v1/../admin"
  }
  route "POST /e" {
    integration = integration.plain
    send        = "FETCH /v1"
  }
  route "POST /f" {
    integration = integration.plain
    send        = "GET /v1?a=b"
  }
  route "POST /g" {
    integration = integration.plain
    send        = "${request.method} /v1"
  }
  route "POST /h" {
    integration = integration.plain
    send        = "GET /v1/${secret.key}"
  }
  route "POST /i" {
    integration = integration.plain
    send        = "GET /v1"
    encode      = "form"
    request {
      root = "x"
      set "a" { value = 1 }
      cast "b[*].c" { to = "text" }
      rename "d" {}
    }
    answer {
      status = 404
      headers = ["Set Cookie"]
      root    = "x"
      lists   = ["a.b"]
      drop "a" { accept = "why" }
    }
  }
}
