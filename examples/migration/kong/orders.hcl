# The service, its routes and its plugins.

variable "service" {}

upstream "orders" {
  servers      = [var.service]
  dial_timeout = "3s"    # connect_timeout
  timeout      = "5s"    # read_timeout
  retry { attempts = 2 } # retries: 1 more
}

# key-auth
identity "partners" {
  api_key {
    header = "apikey"
    query  = "apikey" # key_in_query
    keys   = "partners.keys"
  }
}

# rate-limiting
limit "per_consumer" {
  key = consumer.id # limit_by: consumer
  quota "minute" {
    requests = 5
    window   = "1m"
  }
  quota "hour" {
    requests = 100
    window   = "1h"
  }
}

api "orders" {
  hosts     = ["localhost"]
  base_path = "/shop"
  rewrite   = "/" # strip_path
  upstream  = upstream.orders
  identify  = [identity.partners]
  limits    = [limit.per_consumer]
  authorize = policy.orders # acl
  max_body  = "1MiB"        # request-size-limiting

  cors {
    origins = ["https://www.shop.example"]
    expose  = ["X-Total-Count"]
    max_age = "1h"
  }

  forward {
    header "X-Consumer-Username" { value = consumer.id }
  }

  route "GET /orders" {}
  route "GET /orders/{id}" {}
  route "POST /orders" {}
}
