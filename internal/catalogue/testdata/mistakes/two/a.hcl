upstream "orders" { servers = ["http://a"] }
limit "all" {
  quota "q" {
    requests = 1
    window   = "1s"
  }
  quota "q" {
    requests = 1
    window   = "1s"
  }
}
