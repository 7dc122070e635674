# An API for each way to say who calls.

secret "introspection" { env = "ATTACKED_INTROSPECTION" }

# Keys in other places than a field of their own.
identity "tills" {
  api_key {
    header = "X-Till-Key"
    query  = "api_key"
    bearer = true
    keys   = "../partners.keys"
  }
}

# Tokens by a secret that is shared.
identity "legacy" {
  jwt {
    issuer     = "https://legacy.shop.example"
    keys       = "../legacy.json"
    audience   = ["legacy"]
    algorithms = ["HS256"]
  }
}

# Access tokens alone, of few algorithms, that grant something.
identity "strict" {
  jwt {
    issuer     = "https://id.shop.example"
    keys       = "../staff.json"
    audience   = ["orders"]
    algorithms = ["ES256"]
    type       = "at+jwt"
    scopes     = ["orders:read"]
    required   = ["client_id"]
    leeway     = "1s"
    consumer   = claims.client_id
  }
}

# Tokens that are bound to a key.
identity "holders" {
  jwt {
    issuer   = "https://id.shop.example"
    keys     = "../staff.json"
    audience = ["orders"]
    bound    = ["dpop"]
    dpop {
      algorithms = ["ES256", "EdDSA"]
    }
  }
}

# The same, with proofs that hold what the gateway has told.
identity "told" {
  jwt {
    issuer   = "https://id.shop.example"
    keys     = "../staff.json"
    audience = ["orders"]
    bound    = ["dpop"]
    dpop { nonce = true }
  }
}

# Tokens that their issuer is asked about.
identity "apps" {
  introspection {
    url           = "${var.third}/introspect"
    ca_file       = "../third.pem"
    client_id     = "gateway"
    client_secret = secret.introspection
    audience      = ["apps"]
    scopes        = ["orders:read"]
    timeout       = "2s"
  }
}

identity "devices" {
  certificate {
    trusted_ca_file = "../devices.pem"
    issuers         = ["CN=Shop Devices"]
  }
}

api "tills" {
  base_path = "/tills"
  upstream  = upstream.service
  identify  = [identity.tills]
  authorize = public
  route "GET /" {}
}

api "legacy" {
  base_path = "/legacy"
  upstream  = upstream.service
  identify  = [identity.legacy]
  authorize = public
  route "GET /" {}
}

api "strict" {
  base_path = "/strict"
  upstream  = upstream.service
  identify  = [identity.strict]
  authorize = public
  route "GET /" {}
}

api "holders" {
  base_path = "/holders"
  upstream  = upstream.service
  identify  = [identity.holders]
  authorize = public
  route "GET /" {}
}

api "fresh" {
  base_path = "/fresh"
  upstream  = upstream.service
  identify  = [identity.told]
  authorize = public
  route "GET /" {}
}

api "apps" {
  base_path = "/apps"
  upstream  = upstream.service
  identify  = [identity.apps]
  authorize = public
  route "GET /" {}
}

api "devices" {
  base_path = "/devices"
  upstream  = upstream.service
  identify  = [identity.devices]
  authorize = public
  route "GET /" {}
}
