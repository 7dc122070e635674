# One API in three versions. The service knows the newest only; every operation a change can be made of is here.

variable "service" { default = "http://127.0.0.1:9081" }

upstream "contacts" { servers = [var.service] }

api "contacts" {
  hosts     = ["localhost"]
  base_path = "/api"
  upstream  = upstream.contacts
  identify  = [anonymous]
  authorize = public
  formats   = ["json", "xml"]

  cors {
    origins = ["https://crm.example"]
    max_age = "1h"
  }

  versioning {
    path       = true
    header     = "Contacts-Version"
    media_type = "application/vnd.contacts.{version}+json"
    query      = "api-version"
    default    = version.v1
  }

  object "contact" {
    schema = "schemas/contact.json"
    holds  = { "address" = object.address }
  }
  object "address" { schema = "schemas/address.json" }

  route "GET /contacts" { returns = { "data[*]" = object.contact } }
  route "GET /contacts/{id}" { returns = object.contact }
  route "POST /contacts" {
    accepts = object.contact
    returns = object.contact
  }
  route "PUT /contacts/{id}" {
    accepts = object.contact
    returns = object.contact
    merge   = true # a PUT in an older version keeps what that version cannot see
  }

  version "v1" {
    released   = "2022-03-01"
    deprecated = "2026-01-01"
    sunset     = "2030-01-01"
    docs       = "https://dev.contacts.example/leave-v1"
  }

  version "v2" {
    released = "2024-06-01"

    change "one-address" {
      summary = "There never was more than one address; addresses became address."
      on      = object.contact
      unlist "addresses" {}
      rename "addresses" { to = "address" }
    }
    change "text-zip" {
      summary = "Zip codes became texts."
      on      = object.address
      cast "zip" { to = "string" }
    }
    change "status-words" {
      summary = "active (true or false) became status."
      on      = object.contact
      rename "active" { to = "status" }
      enum "status" { pairs = [[true, "active"], [false, "archived"]] }
      param "active" { to = "status" }
    }
    change "no-fax" {
      summary = "Nobody has a fax number any more."
      on      = object.contact
      drop "fax" {
        restore = null
        accept  = "no fax has been sent since 2019"
      }
    }
  }

  version "2026-11-01" { # the label is the date
    change "two-names" {
      summary = "The name became a given name and a family name."
      on      = object.contact
      split "name" {
        into      = ["given_name", "family_name"]
        separator = " "
      }
    }
    change "cents" {
      summary = "The credit is an integer in cents, and part of the account."
      on      = object.contact
      scale "credit" { decimals = 2 }
      wrap "credit" { in = "amount" }
      move "credit" { to = "account.credit" }
      example {
        old = { credit = "12.30" }
        new = { account = { credit = { amount = 1230 } } }
      }
    }
    change "position" {
      summary = "Latitude and longitude became one position."
      on      = object.contact
      join "position" {
        from      = ["latitude", "longitude"]
        separator = ","
      }
    }
    change "newsletter" {
      summary = "Contacts say whether they want to be written to."
      on      = object.contact
      add "newsletter" { value = false }
    }
  }
}
