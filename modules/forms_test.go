package modules_test

import (
	"strings"
	"testing"
)

const tallPolicy = `package tall

default allow := false

allow if input.request.body.height < 300
`

// TestValidateForms has api_validate read forms and XML without a catalogue. What comes behind it sees JSON, and the
// service gets what came.
func TestValidateForms(t *testing.T) {
	const schema = `{"type":"object","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string"},"height":{"type":"number"},"photo":{"type":"object"}}}`
	g, s, _ := alone(t, map[string]string{"schemas/person.json": schema, "policies/tall.rego": tallPolicy}, `
	api_gateway {
		policies policies
	}`, `
	api_validate /form {
		body form
		schema schemas/person.json
		sanitize name trim
	}
	api_policy /form data.tall
	api_transform /form {
		request {
			rename height size
		}
	}
	api_validate /xml {
		body xml
		schema schemas/person.json
		sanitize name trim
	}
	api_policy /xml data.tall
	api_validate /upload {
		body multipart max 1KiB {
			max_parts 3
			max_part 64B
			file photo image/png
		}
		schema schemas/person.json
		rule "body.photo.size < 40" "must be small"
	}
	api_validate /free {
		body form
		rule "body.name != 'Eve'" "is not let in"
	}
	{PROXY}`)
	const form, xml, multipart = "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/xml", "Content-Type: multipart/form-data; boundary=b"
	const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	photo := func(size int) string {
		return "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n" +
			"\x89PNG\r\n\x1a\n" + strings.Repeat("x", size) + "\r\n--b--\r\n"
	}
	is(t, "a form, which goes on", g.Do("POST", "/form", "name=+Ada&height=180", form), 200, "name=Ada&size=180")
	is(t, "XML, which goes on", g.Do("POST", "/xml", "<person><name> Ada</name><height>180</height></person>", xml), 200, xmlHead+"<person><name>Ada</name><height>180</height></person>")
	is(t, "a file, which goes on", g.Do("POST", "/upload", photo(10), multipart), 200, "filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG")
	is(t, "a form of anything", g.Do("POST", "/free", "name=Ada&a=b", form), 200, "name=Ada&a=b")
	n, _, _, _ := s.saw()

	is(t, "a form that the policy denies", g.Do("POST", "/form", "name=Ada&height=400", form), 403, "")
	is(t, "XML that the policy denies", g.Do("POST", "/xml", "<person><name>Ada</name><height>400</height></person>", xml), 403, "")
	is(t, "a form that breaks the schema", g.Do("POST", "/form", "height=180", form), 422, `"pointer":"/name"`)
	is(t, "XML that breaks the schema", g.Do("POST", "/xml", "<person><height>tall</height></person>", xml), 422, `"pointer":"/height"`)
	is(t, "XML of another root", g.Do("POST", "/xml", "<order><name>Ada</name></order>", xml), 422, "the root element must be person")
	is(t, "JSON where a form is taken", g.Do("POST", "/form", `{"name":"Ada"}`, "Content-Type: application/json"), 415, "")
	is(t, "a large file", g.Do("POST", "/upload", photo(64), multipart), 422, "must be small")
	is(t, "a form of anything against a rule", g.Do("POST", "/free", "name=Eve", form), 422, "is not let in")
	is(t, "a form of anything with a name twice", g.Do("POST", "/free", "name=Ada&name=Eve", form), 422, "takes one value")
	if after, _, _, _ := s.saw(); after != n || n != 4 {
		t.Errorf("%d and %d requests reached the service, want 4", n, after)
	}
}
