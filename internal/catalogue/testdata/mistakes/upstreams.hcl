# A service speaks one version.
upstream "old" { servers = ["http://old"] }
upstream "new" { servers = ["http://new"] }
upstream "reports" { servers = ["http://reports"] }
api "shop" {
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  route "GET /orders" {}
  route "GET /reports" { upstream = upstream.reports }
  route "GET /figures" {
    upstream = upstream.reports
    since    = version.v3
  }
  version "v1" { released = "2024-01-01" }
  version "v2" {
    released = "2025-01-01"
    upstream = upstream.old
  }
  version "v3" {
    released = "2026-01-01"
    upstream = upstream.new
  }
}
