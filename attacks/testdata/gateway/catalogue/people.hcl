# Bodies in every form, checked by a schema, rules and a policy.

api "people" {
  base_path  = "/people"
  upstream   = upstream.service
  identify   = [identity.partners]
  authorize  = policy.attacks.people
  takes      = ["json", "form", "multipart", "xml"]
  compressed = ["gzip", "zstd"]
  max_body   = "64KiB"
  formats    = ["json", "xml"]
  object "person" { schema = "../schemas/person.json" }
  route "POST /" {
    accepts = object.person
    sanitize "name" { steps = ["strip", "trim", "nfc"] }
    rule "a name for an address" {
      when   = body.name != "" && email(body.email)
      detail = "people have a name and an address: ${body.name}"
    }
    multipart {
      max_parts = 5
      max_part  = "8KiB"
      file "picture" {
        types = ["image/png"]
        max   = "16KiB"
      }
    }
  }
}
