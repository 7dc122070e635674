secret "sign" { file = "hook.secret" }
upstream "acme" { servers = ["http://127.0.0.1:1"] }
subscriber "acme" {
  to      = upstream.acme
  path    = "/hooks"
  sign    = secret.sign
  version = "v3"
}
subscriber "plain" {
  to   = upstream.acme
  path = "/hooks"
}
webhook "acme" {
  path = "/hooks/acme"
  verify "github" { secrets = [secret.sign] }
  deliver {
    to   = upstream.acme
    path = "/x"
  }
}
api "events" {
  base_path = "/events"
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "event" {}
  version "v1" { released = "2025-01-01" }
  version "v2" { released = "2026-01-01" }
  route "GET /read" {
    publish { to = [subscriber.acme] }
  }
  route "POST /none" {
    accepts = object.event
    publish { to = [] }
  }
  route "POST /nobody" {
    accepts = object.event
    publish { to = [subscriber.acne] }
  }
  route "POST /both" {
    accepts  = object.event
    upstream = upstream.acme
    publish { to = [subscriber.acme] }
  }
  route "POST /answers" {
    accepts = object.event
    returns = object.event
    publish { to = [subscriber.acme] }
  }
  route "POST /blind" {
    publish { to = [subscriber.acme] }
  }
}
