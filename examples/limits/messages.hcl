variable "service" { default = "http://127.0.0.1:9083" }

identity "partners" {
  api_key { keys = "partners.keys" }
}

# What every partner may ask, and what those of the plan "gold" may.
limit "requests" {
  concurrent = 2
  quota "hourly" {
    requests = 6
    window   = "1h"
  }
  plan "gold" {
    concurrent = 20
    quota "hourly" {
      requests = 6000
      window   = "1h"
    }
  }
}

# A message costs as much alone as in a batch.
limit "messages" {
  cost = len(body.messages)
  quota "daily" {
    requests = 10
    window   = "24h"
  }
  plan "gold" {
    quota "daily" {
      requests = 50000
      window   = "24h"
    }
  }
}

# Against abuse, by address, whoever it is; callers are told nothing of it.
limit "abuse" {
  key    = client.address
  hidden = true
  quota "burst" {
    requests = 30
    window   = "24h"
  }
}

upstream "messages" { servers = [var.service] }

api "messages" {
  base_path = "/api"
  upstream  = upstream.messages
  identify  = [identity.partners]
  authorize = public
  limits    = [limit.abuse, limit.requests]

  object "batch" { schema = "schemas/batch.json" }

  route "GET /messages" {}
  route "POST /messages" {
    accepts = object.batch
    limits  = [limit.messages]
  }
}
