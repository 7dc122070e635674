# Values of the wrong kind or out of bounds.
identity "staff" {
  jwt {
    issuer     = ""
    keys       = "keys.json"
    audience   = "orders"
    algorithms = ["RS256", "none", "rs384", "RS256"]
    leeway     = "10m"
  }
}
identity "partners" {
  api_key {
    header = "X-Forwarded-For"
    keys   = 7
  }
}
limit "all" {
  quota "none" {
    requests = 0
    window   = "1.5s"
  }
  quota "fast" {
    requests = 100000000
    window   = "1s"
  }
  quota "long" {
    requests = 1.5
    window   = "9000h"
  }
  quota "a b" {
    requests = "5"
    window   = 60
  }
}
upstream "orders" {
  servers = ["http://a", "https://b", "ftp://c", "http://d/path", "http://u:p@e", "http://f?x", "http://", "http://a"]
  timeout = "5"
  retry {
    attempts = 1
    on       = ["404", "connect", "timeout"]
  }
  health { interval = "1ms" }
}
upstream "plain" {
  servers = ["http://plain"]
  ca_file = "keys.json"
}
