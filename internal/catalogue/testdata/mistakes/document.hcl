# What a document and the catalogue around it have to say of each other.

upstream "things" { servers = ["http://localhost:1"] }
identity "partners" {
  api_key {
    header = "X-Partner"
    keys   = "partners.keys"
  }
}
api "things" {
  openapi   = "documents/things.yaml"
  security  = { partnerKey = identity.partners, partnerkey = identity.partners, other = identity.others }
  upstream  = upstream.things
  authorize = public
  versioning { header = "Things-Version" }
  version "v1" { released = "2024-01-01" }
  version "v2" { released = "2025-01-01" }
  route "GET /things/{id}" {
    identify = [anonymous]
    query "limit" { type = "int" }
  }
  route "GET /things/{thing}" { identify = [anonymous] }
}
api "none" {
  base_path = "/none"
  security  = { partnerKey = identity.partners }
  upstream  = upstream.things
  identify  = [anonymous]
  authorize = public
  route "GET /a" {}
}
api "missing" {
  openapi   = "documents/nothing.yaml"
  base_path = "/missing"
  upstream  = upstream.things
  identify  = [anonymous]
  authorize = public
}
