# A receiver of each scheme, and of two of them with the same secret.

secret "hook" { env = "ATTACKED_HOOK" }
secret "standard" { file = "../standard.secret" }
secret "public" { file = "../public.key" }

webhook "stripe" {
  path     = "/hooks/stripe"
  max_body = "16KiB"
  verify "stripe" { secrets = [secret.hook] }
  deliver {
    to   = upstream.service
    path = "/hooked/stripe"
  }
}

webhook "github" {
  path = "/hooks/github"
  verify "github" { secrets = [secret.hook] }
  deliver {
    to   = upstream.service
    path = "/hooked/github"
  }
}

webhook "slack" {
  path = "/hooks/slack"
  verify "slack" { secrets = [secret.hook] }
  deliver {
    to   = upstream.service
    path = "/hooked/slack"
  }
}

webhook "shopify" {
  path = "/hooks/shopify"
  verify "shopify" { secrets = [secret.hook] }
  deliver {
    to   = upstream.service
    path = "/hooked/shopify"
  }
}

webhook "twilio" {
  path = "/hooks/twilio"
  verify "twilio" { secrets = [secret.hook] }
  deliver {
    to   = upstream.service
    path = "/hooked/twilio"
  }
}

webhook "standard" {
  path = "/hooks/standard"
  verify "standard" { secrets = [secret.standard] }
  deliver {
    to   = upstream.service
    path = "/hooked/standard"
  }
}

webhook "other" {
  path = "/hooks/other"
  verify "standard" { secrets = [secret.standard] }
  deliver {
    to   = upstream.service
    path = "/hooked/other"
  }
}

webhook "carrier" {
  path = "/hooks/carrier"
  verify "hmac" {
    secrets   = [secret.hook]
    signature = "X-Carrier-Signature"
    prefix    = "v1="
    encoding  = "base64"
    timestamp = "X-Carrier-Time"
    id        = "X-Carrier-Id"
    signed    = "{id}.{timestamp}.{body}"
  }
  deliver {
    to   = upstream.service
    path = "/hooked/carrier"
  }
}

webhook "discord" {
  path = "/hooks/discord"
  verify "ed25519" { secrets = [secret.public] }
  deliver {
    to   = upstream.service
    path = "/hooked/discord"
  }
}

# Judged, too: what is verified is strict JSON of a schema, and of nobody's.
webhook "judged" {
  path      = "/hooks/judged"
  schema    = "../schemas/event.json"
  authorize = policy.attacks.events
  verify "hmac" { secrets = [secret.hook] }
  deliver {
    to   = upstream.service
    path = "/hooked/judged"
  }
}
