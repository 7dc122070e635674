## Staff come with a token of the company's own issuer.
identity "staff" {
  ## The keys are fetched, and only access tokens of RFC 9068 pass.
  jwt {
    issuer     = "https://id.acme.example"
    jwks       = "https://id.acme.example/.well-known/jwks.json"
    ca_file    = "ca.pem"
    max_stale  = "1h" # how long they are good while the issuer is away
    audience   = ["orders"]
    algorithms = ["ES256", "EdDSA"]
    type       = "at+jwt"
    scopes     = ["orders:read"] # 403 without
    required   = ["client_id", "jti"]
    leeway     = "30s"
    consumer   = claims.client_id # who is counted
    plan       = claims.plan
    version    = claims.api_version # who is pinned
    groups     = claims.realm_access.roles
    bound      = ["dpop", "certificate"]
    ## A proof must hold a nonce of ours, and be at most 30 seconds old.
    dpop {
      algorithms = ["ES256"]
      window     = "30s"
      nonce      = true
    }
  }
}

## Partners come with an API key.
identity "partners" {
  api_key {
    header = "X-API-Key"
    query  = "api_key" # for callers that cannot send a header field
    bearer = true      # Authorization: Bearer wg_…
    keys   = "partners.keys"
  }
}

identity "devices" {
  ## The keys are a file, of one's own.
  jwt {
    issuer   = "https://devices.acme.example"
    keys     = "devices.jwks.json"
    audience = ["orders"]
  }
}

identity "apps" {
  ## The gateway shows a secret.
  introspection {
    url           = "https://id.acme.example/introspect"
    client_id     = "gateway"
    client_secret = secret.introspection
    client_auth   = "post"
    ca_file       = "ca.pem"
    issuer        = "https://id.acme.example"
    audience      = ["orders"]
    scopes        = ["orders:read"]
    consumer      = claims.client_id
    plan          = claims.plan
    version       = claims.api_version
    groups        = claims.groups
    cache         = "30s"
    timeout       = "1s"
    bound         = ["certificate"]
  }
}

identity "apps_by_key" {
  ## It signs an assertion.
  introspection {
    url        = "https://id.acme.example/introspect"
    client_id  = "gateway"
    client_key = "client.pem" # private_key_jwt
  }
}

identity "apps_by_certificate" {
  ## It shows a certificate.
  introspection {
    url                    = "https://id.acme.example/introspect"
    client_id              = "gateway"
    client_certificate     = "certificate.pem"
    client_certificate_key = "client.pem"
  }
}

identity "machines" {
  ## Those of one authority.
  certificate {
    consumer        = certificate.sans.dns[0]
    trusted_ca_file = "ca.pem"
    issuers         = ["CN=Acme machines"]
  }
}

identity "two_machines" {
  ## Those that are known one by one.
  certificate {
    fingerprints = ["7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"]
  }
}
