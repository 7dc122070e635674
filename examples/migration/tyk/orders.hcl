# The API definition, and the two policies as plans.

variable "service" {}

upstream "orders" { servers = [var.service] }

identity "partners" {
  api_key {
    header = "X-API-Key"
    keys   = "partners.keys" # each says its consumer's plan
  }
}

# rate and per, quota_max and quota_renewal_rate
limit "standard" {
  key = consumer.id
  quota "rate" {
    requests = 5
    window   = "1m"
  }
  quota "quota" {
    requests = 100
    window   = "24h"
  }
  plan "gold" {
    quota "rate" {
      requests = 500
      window   = "1m"
    }
    quota "quota" {
      requests = 100000
      window   = "24h"
    }
  }
}

# global_rate_limit: all callers together
limit "everyone" {
  key = api.name
  quota "second" {
    requests = 1000
    window   = "1s"
  }
}

api "orders" {
  base_path = "/shop"
  rewrite   = "/" # strip_listen_path
  upstream  = upstream.orders
  identify  = [identity.partners]
  limits    = [limit.everyone, limit.standard]
  authorize = public

  versioning {
    header  = "X-Api-Version"
    default = version.v1
  }
  version "v0" {
    released = "2021-01-01"
    sunset   = "2024-02-01" # expires
  }
  version "v1" {
    released = "2022-01-01"
    sunset   = "2099-01-01"
  }
  version "v2" {
    released = "2025-01-01"
    # In the place of a template for each endpoint of v1: what changed, once, both ways.
    change "customer" {
      summary = "The customer's name moved into a customer object."
      on      = object.order
      move "customer_name" { to = "customer.name" }
    }
  }

  object "order" { schema = "order.json" } # validate_json

  # white_list: what is not written is not there
  route "GET /orders/{id}" { returns = object.order }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
  }
}
