case "good" {
  as { consumer = "acme" }
  request "GET /v1/notes/1" {}
  upstream {
    body = { text = "hello", internal = { cost = 3 } }
  }
  expect {
    status = 200
    body   = { body = "hello" }
  }
}

case "another body" {
  as { consumer = "acme" }
  request "GET /v1/notes/1" {}
  upstream {
    headers = { "Etag" = "\"1\"" }
    body    = { text = "hello" }
  }
  expect {
    status  = 200
    headers = { "Content-Type" = "text/plain", "X-Powered-By" = null }
    body    = { text = "hello" }
    upstream "GET /v2/notes/1" {}
    upstream "GET /notes/2" {}
  }
}

case "denied" {
  as { consumer = "globex" }
  request "GET /notes/1" {}
  upstream {}
  expect {
    allow   = true
    problem = "forbiden"
    reasons = ["unknown"]
    body    = { text = "hello" }
  }
}

case "unexpected problem" {
  request "GET /notes/1" {}
  expect {
    allow = true
    body  = {}
  }
}

case "nobody asks" {
  as { consumer = "acme" }
  request "GET /public/1" {}
  expect {
    consumer  = "acme"
    forwarded = false
  }
}

case "a misspelt identity" {
  as {
    consumer = "acme"
    identity = "partner"
  }
  request "GET /notes/1" {}
  expect { status = 200 }
}

case "steps" {
  step "first" {
    request "GET /public/1" {}
    expect { status = 204 }
  }
  step "second" {
    request "GET /public/2" { times = 2 }
    upstream { down = true }
    expect { forwarded = false }
  }
}
