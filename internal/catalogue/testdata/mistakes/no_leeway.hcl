# No leeway is none that could be told from the default.
identity "staff" {
  jwt {
    issuer   = "https://id.acme.example"
    audience = ["orders"]
    leeway   = "0s"
  }
}
