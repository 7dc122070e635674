# One contact in three versions: caddy gateway test --config examples/versions/Caddyfile

case "the newest version gets what the service says" {
  request "GET /api/2026-11-01/contacts/7" {}
  upstream { body_file = "service/api/contacts/7.json" }
  expect {
    status    = 200
    version   = "2026-11-01"
    body_file = "service/api/contacts/7.json"
    upstream "GET /api/contacts/7" {}
  }
}

case "v2 knows one name, and credit as a text" {
  request "GET /api/v2/contacts/7" {}
  upstream { body_file = "service/api/contacts/7.json" }
  expect {
    status = 200
    body = {
      id        = 7
      name      = "Ada King Lovelace"
      status    = "active"
      address   = { street = "Unter den Linden 1", zip = "10117", city = "Berlin" }
      credit    = "12.30"
      latitude  = "51.50"
      longitude = "-0.14"
    }
  }
}

case "v1 has a list of addresses, zip codes that are numbers, and fax" {
  at = "2026-11-28"
  request "GET /api/v1/contacts/7" {}
  upstream { body_file = "service/api/contacts/7.json" }
  expect {
    status  = 200
    headers = { "Deprecation" = "@1767225600" }
    includes = {
      active    = true
      addresses = [{ street = "Unter den Linden 1", zip = 10117, city = "Berlin" }]
      fax       = null
    }
  }
}

case "a contact written in v1 arrives in the newest shape" {
  request "POST /api/v1/contacts" {
    body = {
      name      = "Ada King Lovelace"
      active    = true
      addresses = [{ street = "Unter den Linden 1", zip = 10117, city = "Berlin" }]
      credit    = "12.30"
      latitude  = "51.50"
      longitude = "-0.14"
      fax       = null
    }
  }
  upstream {
    status    = 201
    body_file = "service/api/contacts/7.json"
  }
  expect {
    status = 201
    upstream "POST /api/contacts" {
      body = {
        given_name  = "Ada"
        family_name = "King Lovelace"
        status      = "active"
        address     = { street = "Unter den Linden 1", zip = "10117", city = "Berlin" }
        account     = { credit = { amount = 1230 } }
        position    = "51.50,-0.14"
        newsletter  = false
      }
    }
  }
}

case "a request may name its version once" {
  request "GET /api/v1/contacts/7" {
    headers = { "Contacts-Version" = "v2" }
  }
  expect {
    problem   = "version-conflict"
    forwarded = false
  }
}

case "a version's media type" {
  request "GET /api/contacts/7" {
    headers = { "Accept" = "application/vnd.contacts.v2+json" }
  }
  upstream { body_file = "service/api/contacts/7.json" }
  expect {
    status  = 200
    version = "v2"
    headers = { "Content-Type" = "application/vnd.contacts.v2+json" }
  }
}

case "parameters change their names with the version" {
  request "GET /api/v1/contacts?active=false" {}
  upstream {
    body = { data = [] }
  }
  expect {
    body = { data = [] }
    upstream "GET /api/contacts?status=false" {}
  }
}

case "v1 ends" {
  at = "2030-01-01"
  request "GET /api/v1/contacts/7" {}
  expect {
    status  = 410
    problem = "version-retired"
  }
}
