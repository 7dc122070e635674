# Little of everything.

limit "few" {
  key    = client.address
  hidden = true
  quota "burst" {
    requests = 3
    window   = "24h"
  }
}

limit "ten" {
  key = consumer.id
  quota "daily" {
    requests = 10
    window   = "24h"
  }
}

limit "costly" {
  key  = consumer.id
  cost = body == null ? 1 : len(body.items)
  quota "daily" {
    requests = 10
    window   = "24h"
  }
}

limit "tenants" {
  key = header.branch
  quota "daily" {
    requests = 3
    window   = "24h"
  }
}

limit "once" {
  key        = consumer.id
  concurrent = 2
}

api "few" {
  base_path = "/few"
  upstream  = upstream.service
  identify  = [identity.partners, anonymous]
  limits    = [limit.few]
  authorize = public
  route "GET /" {}
}

api "ten" {
  base_path = "/ten"
  upstream  = upstream.service
  identify  = [identity.partners]
  limits    = [limit.ten]
  authorize = public
  route "GET /" {}
}

api "costly" {
  base_path = "/costly"
  upstream  = upstream.service
  identify  = [identity.partners]
  limits    = [limit.costly]
  authorize = public
  route "POST /" {}
}

api "tenants" {
  base_path = "/tenants"
  upstream  = upstream.service
  identify  = [identity.partners]
  limits    = [limit.tenants]
  authorize = public
  route "GET /" {}
}

api "once" {
  base_path = "/once"
  upstream  = upstream.service
  identify  = [identity.partners]
  limits    = [limit.once]
  authorize = public
  route "GET /{name}" {}
}
