package gateway_test

import (
	"strings"
	"testing"
)

// people is an API of its own beside the shop's: open to everyone, with what a test writes in it. Its schema is beside it.
func people(lines ...string) func(*server) {
	return func(s *server) {
		s.write("examples/shop/schemas/person.json", `{
  "type": "object",
  "required": ["name"],
  "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "minLength": 1},
    "email": {"type": "string", "format": "email"},
    "age": {"type": "integer"},
    "member": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "home": {"type": "object", "properties": {"city": {"type": "string"}}}
  }
}`)
		s.write("examples/shop/people.hcl", `api "people" {
  hosts     = ["localhost"]
  base_path = "/people"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  object "person" { schema = "schemas/person.json" }
`+strings.Join(lines, "\n")+"\n}\n")
	}
}

// TestCompressedBodies sends bodies in content codings where they are taken off, and where they are not.
func TestCompressedBodies(t *testing.T) {
	s := start(t, people(
		`compressed = ["gzip"]`,
		`max_body = "1KiB"`,
		`route "POST /new" { accepts = object.person }`,
		`route "POST /plain" {`, `  accepts = object.person`, `  compressed = []`, `}`,
		`route "POST /raw" {}`))
	good := `{"name":"Ada","age":36}`
	for _, c := range []struct {
		name, path, body, coding string
		status                   int
		arrives                  string
	}{
		{"gzip", "/people/new", zipped(good), "gzip", 200, good},
		{"plain", "/people/new", good, "", 200, good},
		{"a bomb", "/people/new", zipped(strings.Repeat(" ", 10<<20) + good), "gzip", 413, ""},
		{"above the bound", "/people/new", zipped(strings.Repeat("x y ", 300)), "gzip", 413, ""},
		{"cut short", "/people/new", zipped(good)[:20], "gzip", 400, ""},
		{"two members", "/people/new", zipped(good) + zipped(good), "gzip", 400, ""},
		{"twice", "/people/new", zipped(zipped(good)), "gzip, gzip", 415, ""},
		{"another", "/people/new", good, "br", 415, ""},
		{"breaks the schema", "/people/new", zipped(`{"age":"36"}`), "gzip", 422, ""},
		{"where none is taken", "/people/plain", zipped(good), "gzip", 415, ""},
		{"where nobody reads it", "/people/raw", zipped(good), "gzip", 200, zipped(good)},
	} {
		before := s.upstream.count.Load()
		fields := []string{"Content-Type: application/json"}
		if c.coding != "" {
			fields = append(fields, "Content-Encoding: "+c.coding)
		}
		a := s.do(s.client(true), "POST", c.path, c.body, fields...)
		if a.status != c.status {
			t.Errorf("%s: got %d %s, want %d", c.name, a.status, a.body, c.status)
		}
		if reached := s.upstream.count.Load() > before; reached != (c.status == 200) {
			t.Errorf("%s: reached the service: %v", c.name, reached)
		}
		if saw, body := s.upstream.saw(); c.status == 200 && (body != c.arrives || (saw.Header.Get("Content-Encoding") != "") != (c.path == "/people/raw")) {
			t.Errorf("%s: the service got %q with %v", c.name, body, saw.Header)
		}
	}
}

// TestReportOnly lets pass, and counts, what validation would refuse.
func TestReportOnly(t *testing.T) {
	s := start(t, people(
		`report_only = true`,
		`route "POST /new" { accepts = object.person }`,
		`route "POST /strict" {`, `  accepts = object.person`, `  report_only = false`, `}`))
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/people/new", `{"name":"Ada"}`, 200},
		{"/people/new", `{"name":7}`, 200},
		{"/people/new", `{"name":`, 200},
		{"/people/strict", `{"name":7}`, 422},
		{"/people/new", `{"name":"` + strings.Repeat("a", 1<<20) + `"}`, 413},
	} {
		a := s.do(s.client(true), "POST", c.path, c.body, "Content-Type: application/json")
		if a.status != c.status {
			t.Errorf("%s %.40s: got %d %s", c.path, c.body, a.status, a.body)
		}
		if _, body := s.upstream.saw(); c.status == 200 && body != c.body {
			t.Errorf("the service got %s", body)
		}
	}
	for _, kind := range []string{"invalid-body", "invalid-content"} {
		name := `caddy_api_gateway_validation_reports_total{api="people",problem="` + kind + `"}`
		if got := s.metric(name); got != "1" {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// TestSanitize has texts tidied before anything looks at them, and the service get what was looked at.
func TestSanitize(t *testing.T) {
	s := start(t, people(`route "POST /new" {`, `  accepts = object.person`,
		`  sanitize "name" { steps = ["strip", "nfc", "trim"] }`, `  sanitize "email" { steps = ["trim", "lower"] }`, `  sanitize "tags[*]" { steps = ["lower"] }`,
		`  rule "one of ours" {`, `    when   = body.email == null || body.email == "ada@example.org"`, `    detail = "only Ada"`, `    at = "/email"`, `  }`, `}`))
	for _, c := range []struct {
		name, body string
		status     int
		arrives    string
	}{
		{"nothing to do", `{ "name" : "Ada" , "age": 3.60e1}`, 200, `{ "name" : "Ada" , "age": 3.60e1}`},
		{"all of it", "{ \"name\" : \" Ade\u0301le\\u0000\\t\", \"email\":\" ADA@Example.org\", \"tags\":[\"A\",\"b\"], \"age\": 3.60e1 }", 200,
			"{ \"name\" : \"Ad\u00e9le\", \"email\":\"ada@example.org\", \"tags\":[\"a\",\"b\"], \"age\": 3.60e1 }"},
		{"too short once it is trimmed", `{"name": " \u0000 "}`, 422, ""},
		{"what the rule says of the tidied text", `{"name": "Eve", "email": "EVE@example.org "}`, 422, ""},
		{"what is no text", `{"name": [" "]}`, 422, ""},
		{"what is no JSON", `{"name": " `, 400, ""},
	} {
		before := s.upstream.count.Load()
		a := s.do(s.client(true), "POST", "/people/new", c.body, "Content-Type: application/json")
		if a.status != c.status {
			t.Errorf("%s: got %d %s, want %d", c.name, a.status, a.body, c.status)
		}
		if reached := s.upstream.count.Load() > before; reached != (c.status == 200) {
			t.Errorf("%s: reached the service: %v", c.name, reached)
		}
		if _, body := s.upstream.saw(); c.status == 200 && body != c.arrives {
			t.Errorf("%s: the service got %q", c.name, body)
		}
	}
}

// TestSanitizeQuery has values of the query tidied before they are looked at, and the service get what was looked at.
func TestSanitizeQuery(t *testing.T) {
	s := start(t, people(`route "GET /found" {`, `  unknown_query = "refuse"`,
		`  query "q" {`, `    sanitize = ["strip", "trim", "lower"]`, `    enum = ["ada", "eve"]`, `  }`,
		`  query "ids" {`, `    sanitize = ["trim"]`, `    list = "comma"`, `    max_length = 2`, `  }`,
		`  rule "not Eve" {`, `    when   = query.q != "eve"`, `    detail = "Eve is not found"`, `  }`, `}`))
	for _, c := range []struct {
		query   string
		status  int
		arrives string
	}{
		{"q=ada&ids=1,2", 200, "q=ada&ids=1,2"},
		{"q=+ADA+&ids=1,+2", 200, "q=ada&ids=1,2"},
		{"%71=+Ada", 200, "%71=ada"},
		{"q=EVE", 422, ""},
		{"q=Bob", 422, ""},
		{"q=+ada&q=ADA", 400, ""},
		{"q=ada&ids=100", 422, ""},
	} {
		before := s.upstream.count.Load()
		a := s.do(s.client(true), "GET", "/people/found?"+c.query, "")
		if a.status != c.status || (s.upstream.count.Load() > before) != (c.status == 200) {
			t.Errorf("%s: got %d %s, want %d", c.query, a.status, a.body, c.status)
		}
		if saw, _ := s.upstream.saw(); c.status == 200 && saw.URL.RawQuery != c.arrives {
			t.Errorf("%s: the service was asked for %s", c.query, saw.URL.RawQuery)
		}
	}
}
