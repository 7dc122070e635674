# Descriptions whose path is another's, and words for nobody.

upstream "u" { servers = ["https://u.example"] }

api "own" {
  base_path = "/own"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  describe  = "callers"
  route "GET /openapi.json" {}
}

api "parameter" {
  base_path = "/parameter"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  describe  = "everyone"
  route "PUT /{name}" {}
}

api "label" {
  base_path = "/label"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  describe  = "everyone"
  versioning { path = true }
  route "GET /orders" {}
  version "OpenAPI.json" { released = "2026-01-01" }
}

api "word" {
  base_path = "/word"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  describe  = "everybody"
  route "GET /orders" {}
}

api "given_way" {
  base_path = "/given_way"
  upstream  = upstream.u
  identify  = [anonymous]
  authorize = public
  route "GET /openapi.json" {}
}

api "strangers" {
  base_path = "/strangers"
  upstream  = upstream.u
  authorize = public
  describe  = "callers"
  route "GET /orders" { identify = [anonymous] }
}
