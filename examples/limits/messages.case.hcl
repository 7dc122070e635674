# What the limits let through: caddy gateway test --config examples/limits/Caddyfile

case "a batch costs its messages" {
  as { consumer = "acme" }
  request "POST /api/messages" {
    body = { messages = [{ to = "ada", text = "1" }, { to = "bob", text = "2" }, { to = "eve", text = "3" }] }
  }
  expect {
    status  = 204
    headers = { RateLimit = "\"hourly\";r=5;t=600, \"concurrent\";r=1, \"daily\";r=7;t=8640" }
  }
}

case "a batch that never fits" {
  as { consumer = "acme" }
  request "POST /api/messages" {
    body = { messages = [
      { to = "a", text = "1" }, { to = "a", text = "2" }, { to = "a", text = "3" }, { to = "a", text = "4" },
      { to = "a", text = "5" }, { to = "a", text = "6" }, { to = "a", text = "7" }, { to = "a", text = "8" },
      { to = "a", text = "9" }, { to = "a", text = "10" }, { to = "a", text = "11" },
    ] }
  }
  expect {
    status  = 429
    problem = "quota-exceeded"
    detail  = "the request costs 11 and the quota daily allows 10 in 24h"
  }
}

case "a batch that says nothing costs 1" {
  as { consumer = "acme" }
  request "POST /api/messages" { body = { messages = "all" } }
  expect {
    status  = 422
    headers = { RateLimit = "\"hourly\";r=5;t=600, \"concurrent\";r=1, \"daily\";r=9;t=8640" }
  }
}

case "gold has more of everything" {
  as {
    consumer = "globex"
    plan     = "gold"
  }
  request "POST /api/messages" { body = { messages = [{ to = "ada", text = "1" }] } }
  expect {
    status  = 204
    headers = { RateLimit-Policy = "\"hourly\";q=6000;w=3600, \"concurrent\";q=20;qu=\"concurrent-requests\", \"daily\";q=50000;w=86400" }
  }
}

case "places are given back, and the quota is not" {
  as { consumer = "acme" }
  request "GET /api/messages" { times = 7 }
  expect {
    status  = 429
    detail  = "the quota hourly allows 6 in 1h"
    headers = { Retry-After = "600" }
  }
}

case "gold is not above abuse" {
  as {
    consumer = "globex"
    plan     = "gold"
  }
  request "GET /api/messages" { times = 31 }
  expect {
    status  = 429
    problem = "too-many-requests"
  }
}
