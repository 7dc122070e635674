## What the Caddyfile may set: `variable orders https://orders-2.acme.example:8443`.
variable "orders" { default = "https://orders-1.acme.example:8443" }

## What it must set.
variable "region" {}

locals {
  dev        = "https://dev.acme.example"
  currencies = ["EUR", "USD"]
  minute     = "1m"
}

## From the environment.
secret "stripe_key" { env = "STRIPE_SECRET_KEY" }

## From a file, such as a service manager lays beside a program.
secret "stripe_hook" { file = "stripe.secret" }

secret "introspection" { env = "INTROSPECTION_SECRET" }
secret "signing" { env = "SIGNING_SECRET" }
secret "signing_key" { file = "signing.pem" }
secret "partner_hook" { file = "partner.secret" }
secret "bearer" { env = "STRIPE_SECRET_KEY" }
secret "password" { env = "SIGNING_SECRET" }
