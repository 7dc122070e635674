# Versions and their dates.
upstream "orders" { servers = ["http://orders"] }
api "orders" {
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning {
    header  = "Shop-Version"
    default = version.v1
  }
  route "GET /orders" {}
  route "GET /late" {
    since = version.v3
    until = version.v2
  }
  version "v1" {
    released   = "2020-01-01"
    deprecated = "2019-01-01"
    sunset     = "2018-01-01"
  }
  version "v2" {
    released = "2021-01-01"
    sunset   = "2020-06-01"
    brownout {
      from = "2020-05-31T23:50:00Z"
      for  = "15m"
    }
  }
  version "v3" {
    released = "2022-01-01"
    sunset   = "2030-01-01"
    brownout {
      from = "2029-12-31T23:50:00Z"
      for  = "15m"
    }
  }
  version "v4" { released = "2022-01-01T00:00:00Z" }
  version "v5" { released = "2022-13-01" }
  version "v6" { released = "last week" }
  version "v7" {}
  version "V1" { released = "2023-01-01" }
  version "v 8" { released = "2024-01-01" }
}
api "preview" {
  base_path = "/preview"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning {
    query   = "v"
    default = version.beta
  }
  route "GET /" {}
  version "beta" {
    released = "2024-01-01"
    preview  = true
  }
}
