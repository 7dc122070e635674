variable "shop" {}

secret "github" { file = "github.secret" }
secret "stripe" { file = "stripe.secret" }
secret "partner" { file = "partner.secret" }

upstream "shop" {
  servers = [var.shop]
  timeout = "5s"
}

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
webhook "github" {
  path = "/hooks/github"
  verify "github" { secrets = [secret.github] }
  deliver {
    to   = upstream.shop
    path = "/internal/github"
    retry { for = "72h" }
  }
}

# https://docs.stripe.com/webhooks/signature
webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" {
    secrets   = [secret.stripe]
    tolerance = "5m"
  }
  dedupe {
    key  = body.id
    keep = "72h"
  }
  deliver {
    to    = upstream.shop
    path  = "/internal/stripe"
    only  = ["payment_intent.*", "charge.dispute.*"]
    order = body.data.object.id # one at a time per object
    sign  = secret.partner
    retry { for = "72h" }
  }
}

# https://www.standardwebhooks.com
webhook "partner" {
  path = "/hooks/partner"
  verify "standard" { secrets = [secret.partner] }
  deliver {
    to   = upstream.shop
    path = "/internal/partner"
  }
}
