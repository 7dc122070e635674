upstream "orders" { servers = ["http://localhost:1"] }
identity "partners" {
  api_key {
    header = "X-Partner"
    query  = "key"
    keys   = "partners.keys"
  }
}
api "orders" {
  upstream      = upstream.orders
  identify      = [identity.partners]
  authorize     = public
  unknown_query = "drop"
  versioning {
    header = "Acme-Version"
    query  = "v"
  }
  version "v1" { released = "2024-01-01" }
  version "v2" { released = "2025-01-01" }
  route "GET /orders/{id}" {
    path "ident" { type = "integer" }
    query "v" { type = "string" }
    query "key" { type = "string" }
    query "a b" { type = "string" }
    query "limit" {
      type       = "int"
      minimum    = "1"
      min_length = 3
    }
    query "limit" { max_length = 2 }
    query "status" {
      enum      = ["open", 3]
      max_items = 2
      pattern   = "("
    }
    query "page" {
      type       = "integer"
      max_length = 3
      enum       = [1, 1.5]
      format     = "uid"
    }
    query "text" {
      minimum    = 1
      min_length = 5
      max_length = 4
      since      = version.v2
      until      = version.v1
    }
    query "amount" {
      type    = "number"
      minimum = 1.50
      maximum = -3
    }
    query "list" {
      list      = "tab"
      min_items = 3
    }
    header "X-Partner" { required = true }
    header "acme-version" { required = true }
    header "Content-Type" { required = true }
    header "X-Trace" { list = "repeat" }
    header "x-trace" { list = "comma" }
  }
}
