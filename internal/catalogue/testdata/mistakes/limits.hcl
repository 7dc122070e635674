upstream "orders" { servers = ["http://127.0.0.1:9000"] }

limit "nothing" {
  key = client.address
}

limit "plans" {
  concurrent = 0
  cost       = 1
  hidden     = "yes"
  quota "burst" {
    requests = 10
    window   = "1m"
  }
  quota "concurrent" {
    requests = 10
    window   = "1m"
  }
  plan "gold" {
    quota "brust" {
      requests = 100
      window   = "1m"
    }
    concurrent = 1000001
  }
  plan "gold" {}
  plan " silver" { concurrent = 5 }
  plan "bronze" {
    quota "burst" {
      requests = 61000000
      window   = "1m"
    }
    quota "burst" {
      requests = 1
      window   = "1m"
    }
    hidden = true
  }
}

api "orders" {
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  limits    = [limit.nothing, limit.plans]
  route "GET /orders" {}
}
