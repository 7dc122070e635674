# Third parties, which are asked with the gateway's own credentials.

secret "bearer" { env = "ATTACKED_BEARER" }

integration "party" {
  url           = "${var.third}/v1"
  ca_file       = "../third.pem"
  allow_private = true
  timeout       = "2s"
  redirects     = 2
  auth "bearer" { token = secret.bearer }
}

# At the address where clouds tell their machines' credentials, which no name may resolve to.
integration "metadata" {
  url     = "https://169.254.169.254"
  timeout = "2s"
  auth "bearer" { token = secret.bearer }
}

api "parties" {
  base_path = "/parties"
  identify  = [identity.partners, identity.staff]
  authorize = public
  route "GET /things/{id}" {
    integration = integration.party
    send        = "GET /things/{id}"
    request {
      headers = { "X-Note" = query.note }
      query   = { q = query.q }
    }
  }
  route "GET /found/{id}" {
    integration = integration.party
    send        = "GET /found/{id}"
    answer { member = "data" }
  }
  route "GET /metadata" {
    integration = integration.metadata
    send        = "GET /latest/meta-data/"
  }
  route "POST /things" {
    integration = integration.party
    send        = "POST /things"
    encode      = "form"
    request {
      set "owner" { value = consumer.id }
    }
  }
}
