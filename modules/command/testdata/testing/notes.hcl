upstream "notes" { servers = ["http://notes.example"] }

identity "partners" {
  api_key { keys = "partners.keys" }
}

api "notes" {
  hosts     = ["notes.example"]
  upstream  = upstream.notes
  identify  = [identity.partners]
  authorize = policy.notes
  versioning {
    path    = true
    default = version.v2
  }
  object "note" { schema = "note.json" }
  route "GET /notes/{id}" { returns = object.note }
  route "GET /public/{id}" {
    identify  = [anonymous]
    authorize = public
  }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "text" {
      summary = "body is called text."
      on      = object.note
      rename "body" { to = "text" }
      example {
        old = { body = "a" }
        new = { text = "a" }
      }
    }
  }
}
