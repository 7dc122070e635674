upstream "orders" {
  servers      = [var.orders, "https://orders-2.acme.example:8443"]
  ca_file      = "ca.pem"
  timeout      = "5s"
  dial_timeout = "1s"
  retry {
    attempts = 2
    on       = ["connect", "503"]
  }
  health {
    path     = "/healthz"
    interval = "5s"
  }
  breaker {
    failures = 10
    within   = "10s"
    open_for = "15s"
  }
}

upstream "old_orders" { servers = ["http://10.0.0.7:8080"] }
