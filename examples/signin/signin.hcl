# A shop whose callers, a browser or an app on a telephone, sign in at an OpenID provider and then show its access tokens.

variable "issuer" { default = "https://id.shop.example" }
variable "audience" { default = "https://api.shop.example" } # what the provider calls this API
variable "ca" { default = "/etc/ssl/certs/ca-certificates.crt" }
variable "service" { default = "http://127.0.0.1:9087" }

secret "client" { env = "SIGNIN_CLIENT_SECRET" }

# The provider's keys are found by its address (OpenID Connect Discovery).
identity "people" {
  jwt {
    issuer   = var.issuer
    ca_file  = var.ca
    audience = [var.audience]
    type     = "at+jwt" # an ID token, which is for the app, does not pass
    scopes   = ["orders:read"]
  }
}

upstream "shop" { servers = [var.service] }

# The warehouse trusts the same provider, and knows the shop, not its customers: the gateway calls it with a token of its own.
integration "warehouse" {
  url           = var.service
  allow_private = true
  ca_file       = var.ca
  auth "oauth2_client_credentials" {
    token_url     = "${var.issuer}/token"
    client_id     = "shop"
    client_secret = secret.client
    scopes        = ["orders:read"]
    parameters    = { resource = var.audience }
  }
  error "no-such-article" {
    when   = response.status == 404
    status = 404
    title  = "There is no such article"
  }
}

api "shop" {
  hosts     = ["localhost"]
  base_path = "/shop"
  upstream  = upstream.shop
  identify  = [identity.people]
  authorize = public

  # What the services are told of who calls, in the place of the token.
  forward {
    header "X-Consumer-Id" { value = consumer.id }
    header "X-App" { value = claims.client_id }
  }

  route "GET /me" {}

  route "GET /stock/{article}" {
    integration = integration.warehouse
    send        = "GET /warehouse/{article}"
    answer {
      set "for" { value = consumer.id }
    }
  }
}
