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

  route "GET /tokens" {
    forward {
      token {
        header   = "Cookie"
        audience = []
        lifetime = "1h"
        claims   = { iss = claims.iss, tenant = claims.tenant, tenant = claims.org, "" = 1 }
      }
      token {}
    }
  }

  route "PUT /tokens" {
    forward {
      header "X-Consumer-Token" { value = consumer.id }
      credential = true
      token {
        claims = claims
      }
    }
  }

  route "POST /tokens" {
    forward {
      credential = true
      token { header = "Authorization" }
    }
  }

  route "GET /orders" {
    forward {
      header "X-Key" { value = consumer.id }
      value = consumer.id
    }
  }
}
