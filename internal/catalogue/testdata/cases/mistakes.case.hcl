# What may be wrong with cases.
locals {
  body = { a = 1 }
}

case "misspelt" {
  att = "2026-11-01"
  requst "GET /orders" {}
  expects { status = 200 }
}

case "without a request" {
  expect { status = 200 }
}

case "both" {
  request "GET /orders" {}
  step "one" {
    request "GET /orders" {}
    expect { status = 200 }
  }
}

case "without expectation" {
  request "GET /orders" {}
}

case "steps without expectation" {
  step "one" {
    request "GET /orders" {}
  }
  step "one" {}
  upstream {}
}

case "unsuitable" {
  at = "yesterday"
  as { consumer = " acme" }
  request "get orders" {
    address = "localhost"
    host    = "a b"
    times   = 0
    headers = { "Accept" = 1, "X y" = "z", "Null" = null }
    body    = local.bodies
    text    = "x"
  }
  upstream { status = 99 }
  expect {
    status    = "200"
    problem   = ""
    stage     = "authorise"
    allow     = "yes"
    reasons   = "none"
    includes  = [1]
    headers   = { "Accept" = [] }
    body_file = "nowhere.json"
    forwarded = false
    upstream "GET /orders" {
      txt = ""
    }
  }
}

case "misspelt" {
  request "GET /orders" {}
  expect {}
}
