# Who may call, and who answers, must be written.
upstream "orders" { servers = ["http://orders"] }
api "nothing" {
  base_path = "/nothing"
  route "GET /a" {}
  route "GET /b" {}
}
api "partly" {
  base_path = "/partly"
  upstream  = upstream.orders
  route "GET /a" {
    identify  = [anonymous]
    authorize = public
  }
  route "GET /b" { identify = [anonymous] }
}
api "versions" {
  base_path = "/versions"
  identify  = [anonymous]
  authorize = public
  max_body  = "1 MiB"
  versioning { path = true }
  route "GET /a" {}
  route "GET /b" { until = version.v2 }
  version "v1" {
    released = "2025-01-01"
    upstream = upstream.orders
  }
  version "v2" { released = "2026-01-01" }
}
