# What the shop hears from GitHub, so that there is a ledger to watch.
secret "github" { file = "../webhooks/github.secret" }

webhook "github" {
  path = "/hooks/github"
  verify "github" { secrets = [secret.github] }
  deliver {
    to   = upstream.orders
    path = "/healthz"
  }
}
