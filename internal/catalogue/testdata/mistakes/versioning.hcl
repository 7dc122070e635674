# Versioning.
upstream "orders" { servers = ["http://orders"] }
identity "partners" {
  api_key { keys = "partners.keys" }
}
api "none" {
  base_path = "/none"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  route "GET /" {}
}
api "unnamed" {
  base_path = "/unnamed"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "GET /" {}
  version "2026-11-01" {}
}
api "wayless" {
  base_path = "/wayless"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { default = version.v1 }
  route "GET /" {}
  version "v1" { released = "2026-01-01" }
}
api "types" {
  base_path = "/types"
  upstream  = upstream.orders
  identify  = [identity.partners]
  authorize = public
  versioning {
    header     = "x-api-key"
    media_type = "application/vnd.acme+json"
    query      = "a b"
  }
  route "GET /" {}
  version "v1" { released = "2026-01-01" }
}
api "more" {
  base_path = "/more"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning {
    path       = "true"
    header     = "Api_Version"
    media_type = "application/{version}; v={version}"
  }
  versioning { header = "Authorization" }
  route "GET /" {}
  version "v1" { released = "2026-01-01" }
}
api "pinned" {
  base_path = "/pinned"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { pin = consumer.api_version }
  route "GET /" {}
  version "v1" { released = "2026-01-01" }
}
api "parameters" {
  base_path = "/parameters"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning { query = "v" }
  object "order" { schema = "schemas/order.json" }
  route "GET /" { returns = object.order }
  version "v1" { released = "2026-01-01" }
  version "v2" {
    released = "2026-02-01"
    change "names" {
      summary = "Parameters have longer names."
      on      = object.order
      param "v" { to = "view" }
      param "version" { to = "v" }
    }
  }
}
