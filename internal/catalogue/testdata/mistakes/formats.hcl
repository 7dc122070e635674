upstream "orders" { servers = ["http://127.0.0.1:9000"] }

api "orders" {
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  formats   = ["xml"] # JSON is always one of them
  route "GET /orders" {}
}

api "lines" {
  base_path = "/lines"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  formats   = ["xml", "json"]
  route "GET /lines" {}
}
