# Names that the table does not know, and those of other places.
upstrem "orders" {}

upstream "orders" {
  server  = ["http://orders"]
  servers = ["http://orders"]
  timout  = "5s"
  retry   = 3
  TIMEOUT = "5s"
  helth { path = "/" }
  quota "x" {}
}

limit "all" {
  quota = 5
}

authorize = public
