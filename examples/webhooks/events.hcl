# What the shop tells others: its services hand an event over, and each subscriber gets it signed, in the shape of the version
# that it was written for.
secret "acme" { file = "partner.secret" }

identity "services" {
  api_key {
    header = "X-API-Key"
    keys   = "services.keys" # hashes only
  }
}

upstream "partners" {
  servers = [var.shop] # of the example; each subscriber has its own
}

subscriber "acme" {
  to      = upstream.partners
  path    = "/partners/acme"
  sign    = secret.acme
  version = "v1"
  only    = ["order.*"]
}

subscriber "globex" {
  to   = upstream.partners
  path = "/partners/globex"
  sign = secret.acme
}

api "events" {
  base_path = "/events"
  identify  = [identity.services]
  authorize = public # whoever has a key
  versioning { path = true }
  object "event" { schema = "event.json" }

  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "sku" {
      summary = "article is called sku."
      on      = object.event
      rename "article" { to = "sku" }
    }
  }

  route "POST /publish" {
    accepts = object.event
    publish {
      to    = [subscriber.acme, subscriber.globex]
      kind  = body.type
      id    = body.id
      order = body.sku
    }
  }
}
