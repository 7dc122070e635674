# What staff alone may do, next to what anybody may: the two that attacks on paths and hosts try to mistake for each other.

# Who may read what lies in the segments of the path: public to anybody who is known, own to its owner, all to managers.
api "files" {
  base_path = "/files"
  upstream  = upstream.service
  identify  = [identity.partners, identity.staff]
  authorize = policy.attacks.files
  route "GET /{area}" {}
  route "GET /{area}/{name}" {}
  route "GET /{area}/{name}/{part}" {}
  route "PUT /{area}/{name}" {}
  route "DELETE /{area}/{name}" {}
}

# Open to everybody, and below it what is not.
api "site" {
  base_path = "/site"
  upstream  = upstream.service
  identify  = [identity.staff, anonymous]
  authorize = public
  route "GET /public/{name}" {}
  route "GET /public" {}
  route "GET /admin/{name}" {
    identify  = [identity.staff]
    authorize = policy.attacks.managers
  }
  route "GET /admin" {
    identify  = [identity.staff]
    authorize = policy.attacks.managers
  }
}

# Of another host, which only managers may ask.
api "office" {
  hosts     = ["office.shop.example"]
  base_path = "/office"
  upstream  = upstream.service
  identify  = [identity.staff]
  authorize = policy.attacks.managers
  route "GET /salaries" {}
}

# A policy that reads the query, the header and the body.
api "notes" {
  base_path     = "/notes"
  upstream      = upstream.service
  identify      = [identity.partners]
  authorize     = policy.attacks.notes
  route "GET /" {}
  route "POST /" { max_body = "64KiB" }
  route "GET /strict" {
    unknown_query = "refuse"
    query "id" { type = "integer" }
    query "tag" { list = "repeat" }
  }
}

# A service that believes what it is told in header fields.
api "told" {
  base_path = "/told"
  upstream  = upstream.service
  identify  = [identity.partners, identity.staff, anonymous]
  authorize = public
  forward {
    header "X-Consumer-Id" { value = consumer.id }
    header "Shop-Tenant" { value = claims.tenant }
    header "Shop-Groups" { value = consumer.groups }
  }
  route "GET /" {}
  route "POST /" {}
}

# A service that is left alone for minutes once it has failed.
api "guarded" {
  base_path = "/guarded"
  upstream  = upstream.guarded
  identify  = [identity.partners]
  authorize = public
  route "POST /" {}
}
