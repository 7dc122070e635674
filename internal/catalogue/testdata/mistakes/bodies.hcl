# What cannot be said of bodies.

upstream "a" { servers = ["https://a"] }

api "things" {
  upstream   = upstream.a
  identify   = [anonymous]
  authorize  = public
  compressed = ["gzip", "deflate"]
  responses  = "reports"

  object "thing" { schema = "schemas/order.json" }

  route "GET /things" { responses = "enforce" }
  route "PATCH /things" {
    accepts = object.thing
    sanitize "name" { steps = ["trim"] }
  }
  route "PUT /things" {
    accepts = object.thing
    sanitize "name" { steps = ["trim", "upper"] }
    sanitize "lines[0].name" { steps = ["trim"] }
    sanitize "tags[*]" {}
  }
  route "POST /things" {
    compressed  = ["gzip", "gzip"]
    report_only = "yes"
    returns     = object.thing
    response "4x4" { returns = object.thing }
    response "404" { returns = object.think }
    response "404" { returns = object.thing }
    response "5xx" {}
  }
}
