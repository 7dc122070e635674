# Secrets: missing, empty, in the wrong place, written out.
secret "missing" { env = "WICKETGATE_TEST_NOT_SET" }
secret "empty" { file = "empty.secret" }
secret "nowhere" {}
secret "both" {
  env  = "WICKETGATE_TEST_NOT_SET"
  file = "keys.json"
}
secret "literal" { value = "sk_live_51x" }
secret "gone" { file = "gone.secret" }
secret "folder" { file = "schemas" }

locals {
  header = "Bearer ${secret.missing}"
}
limit "all" {
  key = "${secret.missing}:${consumer.id}"
  quota "q" {
    requests = 1
    window   = "1s"
  }
}
integration "payments" {
  url     = "https://api.example"
  headers = { Authorization = secret.missing }
  auth "bearer" { token = "sk_live_51x" }
}
