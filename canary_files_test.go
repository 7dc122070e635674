package wicketgate_test

// The files of a gateway that has secrets of every kind.

const canaryCatalogue = `
variable "service" {}
variable "third" {}
secret "introspection" { env = "CANARY_INTROSPECTION" }
secret "client" { env = "CANARY_CLIENT" }
secret "bearer" { env = "CANARY_BEARER" }
secret "password" { env = "CANARY_PASSWORD" }
secret "parameter" { env = "CANARY_PARAMETER" }
secret "signing" { env = "CANARY_SIGNING" }
secret "hook" { env = "CANARY_HOOK" }
secret "deliver" { env = "CANARY_DELIVER" }
identity "partners" {
  api_key {
    keys   = "partners.keys"
    query  = "api_key"
    bearer = true
  }
}
identity "staff" {
  jwt {
    issuer     = "https://id.example"
    keys       = "staff.json"
    audience   = ["shop"]
    algorithms = ["HS256"]
    dpop {}
  }
}
identity "apps" {
  introspection {
    url           = "${var.third}/introspect"
    ca_file       = "ca.pem"
    client_id     = "gateway"
    client_secret = secret.introspection
  }
}
limit "callers" {
  quota "burst" {
    requests = 100000
    window   = "1m"
  }
}
upstream "shop" {
  servers = [var.service]
  retry {
    attempts = 2
    on       = ["connect", "503"]
  }
}
integration "token" {
  url           = "${var.third}"
  ca_file       = "ca.pem"
  allow_private = true
  auth "oauth2_client_credentials" {
    token_url     = "${var.third}/token"
    client_id     = "gateway"
    client_secret = secret.client
  }
  sign "hmac" {
    key    = secret.signing
    header = "X-Signature"
  }
}
integration "bearer" {
  url           = "${var.third}"
  ca_file       = "ca.pem"
  allow_private = true
  auth "bearer" { token = secret.bearer }
}
integration "basic" {
  url           = "${var.third}"
  ca_file       = "ca.pem"
  allow_private = true
  auth "basic" {
    username = "gateway"
    password = secret.password
  }
}
integration "query" {
  url           = "${var.third}"
  ca_file       = "ca.pem"
  allow_private = true
  auth "query" {
    name  = "key"
    value = secret.parameter
  }
}
integration "away" {
  url           = "https://127.0.0.1:1"
  ca_file       = "ca.pem"
  allow_private = true
  auth "query" {
    name  = "key"
    value = secret.parameter
  }
}
webhook "hooks" {
  path = "/hooks/them"
  verify "hmac" { secrets = [secret.hook] }
  deliver {
    to   = upstream.shop
    path = "/hooked"
    sign = secret.deliver
  }
}
api "shop" {
  base_path = "/shop"
  upstream  = upstream.shop
  identify  = [identity.partners, identity.staff, identity.apps]
  limits    = [limit.callers]
  authorize = policy.canary.shop
  object "order" { schema = "order.json" }
  route "GET /orders/{id}" {}
  route "GET /token/{id}" {
    integration = integration.token
    send        = "GET /asked/{id}"
  }
  route "GET /bearer/{id}" {
    integration = integration.bearer
    send        = "GET /asked/{id}"
  }
  route "GET /basic/{id}" {
    integration = integration.basic
    send        = "GET /asked/{id}"
  }
  route "GET /query/{id}" {
    integration = integration.query
    send        = "GET /asked/{id}"
  }
  route "GET /away" {
    integration = integration.away
    send        = "GET /"
  }
  route "POST /orders" {
    accepts = object.order
    idempotency { keep = "24h" }
    rule "few" {
      when   = body.amount < 100
      detail = "at most 99"
    }
  }
}
`

const canaryPolicy = `package canary.shop

default allow := false

allow if input.request.path != "/shop/orders/denied"

drop contains "/hidden"

reasons contains "card" if input.request.body.card == ""
`

const canaryCaddyfile = `{
	admin {$ADMIN}
	http_port {$HTTP_PORT}
	https_port {$HTTPS_PORT}
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system {$DATA}
	log default {
		output file {$CANARY_LOGS}/default.log {
			roll_disabled
		}
		level DEBUG
		format api_gateway
	}
	metrics
	api_gateway {
		catalogue shop.hcl
		policies policies {
			limit 10s
		}
		variable service {$CANARY_SERVICE}
		variable third {$CANARY_THIRD}
		counters redis redis://127.0.0.1:1 {
			password {env.CANARY_REDIS}
			on_error local
		}
		ledger embedded {
			folder ledger
		}
		decision_log logs/decisions.log {
			mask input.request.body.card
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_access_log {
		output file {$CANARY_LOGS}/own.log {
			roll_disabled
		}
		headers User-Agent X-API-Key Cookie Authorization DPoP X-Signature Accept
	}
	api_tracing
	log {
		output file {$CANARY_LOGS}/access.log {
			roll_disabled
		}
		level DEBUG
		format api_gateway
	}
	handle /alone/* {
		api_auth {
			introspection {$CANARY_THIRD}/introspect {
				client gateway {env.CANARY_INTROSPECTION}
				ca_file ca.pem
			}
		}
		reverse_proxy {$CANARY_SERVICE}
	}
	handle {
		api_gateway
	}
}
`
