# What this version does not run is checked all the same.
integration "payments" {
  url     = "api.stripe.com"
  timout  = "10s"
  auth "digest" { token = secret.key }
  breaker { failures = 10 }
}
