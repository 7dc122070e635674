# What cannot be said of forms.

upstream "a" { servers = ["https://a"] }

api "things" {
  upstream  = upstream.a
  identify  = [anonymous]
  authorize = public
  takes     = ["json", "urlencoded"]

  object "thing" { schema = "schemas/order.json" }

  route "GET /things" { takes = ["form"] }
  route "PATCH /things" {
    accepts = object.thing
    takes   = ["form"]
  }
  route "PUT /things" {
    accepts = object.thing
    takes   = ["form", "form"]
    multipart {}
  }
  route "PUT /things/{id}" {
    accepts = object.thing
    takes   = ["json", "xml"]
    merge   = true
  }
  route "POST /things" {
    accepts = object.thing
    takes   = ["multipart"]
    multipart {
      max_parts = 0
      max_part  = "1TiB"
      file "photo" {}
      file "photo" { types = ["png"] }
      file "a\"b" { types = ["image/*"] }
    }
    query "limit" {
      type     = "integer"
      sanitize = ["trim"]
    }
    query "q" { sanitize = ["upper"] }
  }
}
