identity "partners" {
  api_key {
    header = "X-Key"
    keys   = "partners.keys"
  }
}

upstream "orders" { servers = ["https://orders:8443"] }

api "orders" {
  upstream  = upstream.orders
  identify  = [identity.partners]
  authorize = public

  versioning { header = "Acme-Version" }

  forward {
    header "X-Tenant" { value = claims.tenant }
    header "x-tenant" { value = claims.org }
    header "Content-Type" { value = consumer.id }
    header "X-Nothing" {}
    credential = "yes"
    heading "X-Tenant" { value = claims.tenant }
  }
  forward {}

  version "v1" {
    released = "2026-01-01"
    forward {
      header "Acme-Version" { value = consumer.api_version }
    }
  }

  route "GET /orders" {
    forward {
      header "X-Key" { value = consumer.id }
      value = consumer.id
    }
  }
}
