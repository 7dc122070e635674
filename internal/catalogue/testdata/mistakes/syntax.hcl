# A mistake of syntax hides nothing of the rest, and what it may hide is not asked for.
upstream "orders" {
  servers = ["http://orders"
  timeout = "5s"
}

upstream "more" {
  server = "http://more"
}

api "orders" {
  upstream  = upstream.oders
  authorize = public
  identify  = [anonymous]
  fromats   = ["json"]
}
