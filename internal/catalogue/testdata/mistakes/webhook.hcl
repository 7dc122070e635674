secret "hook" { file = "hook.secret" }

upstream "shop" { servers = ["https://shop:8443"] }

webhook "empty" {}

webhook "words" {
  path     = "hooks"
  max_body = "26MiB"
  verify "strip" {
    secrets   = ["whsec_written_down"]
    tolerance = "2h"
  }
  verify "stripe" { secrets = [secret.hook] }
  dedupe { key = body.id }
  deliver {
    to    = upstream.shops
    path  = "internal"
    only  = []
    retry {}
  }
  delivery {}
}

webhook "standard" {
  path = "/hooks/a"
  verify "standard" { secrets = [secret.hook] }
  deliver {
    to   = upstream.shop
    path = "/a"
  }
}

webhook "same" {
  path = "/hooks/a"
  verify "twilio" { secrets = [secret.hook] }
  deliver {
    to   = upstream.shop
    path = "/a"
    only = ["a.*"]
    sign = secret.hook
  }
}

webhook "paypal" {
  path = "/hooks/paypal"
  verify "paypal" { secrets = [secret.hook] }
  deliver {
    to   = upstream.shop
    path = "/a"
  }
}

webhook "hmac" {
  path = "/hooks/hmac"
  verify "hmac" {
    secrets   = [secret.hook]
    timestamp = "X-Time"
  }
  deliver {
    to   = upstream.shop
    path = "/a"
  }
}

webhook "github" {
  path = "/hooks/github"
  verify "github" {
    secrets = [secret.hook]
    prefix  = "sha1="
  }
  deliver {
    to   = upstream.shop
    path = "/a"
  }
}
