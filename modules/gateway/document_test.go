package gateway_test

import (
	"strings"
	"testing"
	"time"
)

// peopleDocument describes an API whose bodies are forms, files and XML.
const peopleDocument = `openapi: 3.0.3
info: {title: People, version: "1"}
paths:
  /form:
    post:
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/person'}}
      responses: {"200": {description: fine}}
  /upload:
    post:
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              required: [photo]
              properties:
                name: {type: string, maxLength: 10}
                photo: {type: string, format: binary}
                more: {type: array, items: {type: string, format: binary}}
            encoding: {photo: {contentType: 'image/png, image/jpeg'}}
      responses: {"200": {description: fine}}
  /both:
    post:
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/person'}}
          application/xml: {schema: {$ref: '#/components/schemas/person'}}
      responses: {"200": {description: fine}}
  /odd:
    post:
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/odd'}}
          application/xml: {schema: {$ref: '#/components/schemas/odd'}}
      responses: {"200": {description: fine}}
  /find:
    get:
      parameters:
        - name: filter
          in: query
          style: deepObject
          schema: {type: object, additionalProperties: false, properties: {age: {type: integer, minimum: 0}, home: {type: object, properties: {city: {type: string}}}}}
      responses: {"200": {description: fine}}
components:
  schemas:
    person:
      type: object
      required: [name]
      additionalProperties: false
      xml: {name: Person}
      properties:
        name: {type: string}
        age: {type: integer, minimum: 0}
        tags: {type: array, items: {type: string}}
        metadata: {type: object, additionalProperties: {type: string}}
    odd:
      type: object
      properties: {a b: {type: string}}
`

// TestDocumentForms serves what an OpenAPI document says of forms, files and XML, and what it says once it has changed.
func TestDocumentForms(t *testing.T) {
	s := start(t, func(s *server) {
		s.write("examples/shop/people.yaml", peopleDocument)
		s.write("examples/shop/people.hcl", "api \"people\" {\n  hosts = [\"localhost\"]\n  base_path = \"/people\"\n  upstream = upstream.orders\n  identify = [anonymous]\n  authorize = public\n  openapi = \"people.yaml\"\n}\n")
	})
	for _, c := range []struct {
		name, path, kind, body string
		status                 int
		told, arrives          string
	}{
		{"a form", "form", asForm, "name=Ada&age=36&metadata[a]=b", 200, "", "name=Ada&age=36&metadata%5Ba%5D=b"},
		{"a form that breaks the schema", "form", asForm, "name=Ada&age=-1", 422, `"pointer":"/age","keyword":"minimum"`, ""},
		{"a form that says more", "form", asForm, "name=Ada&role=admin", 422, `"/role"`, ""},
		{"JSON for a form", "form", "Content-Type: application/json", `{"name":"Ada"}`, 415, "", ""},
		{"a file", "upload", inParts, parts(field("name", "Ada"), file("photo", "a.png", "image/png", picture)), 200, "", picture},
		{"files of any type", "upload", inParts, parts(file("photo", "a.png", "image/png", picture), file("more", "a.txt", "text/plain", "x"), file("more", "b.txt", "text/plain", "y")), 200, "", `filename="b.txt"`},
		{"a file of another type", "upload", inParts, parts(file("photo", "a.gif", "image/gif", "GIF89a")), 415, "not taken", ""},
		{"no file", "upload", inParts, parts(field("name", "Ada")), 422, `"/photo"`, ""},
		{"a long name", "upload", inParts, parts(field("name", "Ada Lovelace"), file("photo", "a.png", "image/png", picture)), 422, `"maxLength"`, ""},
		{"XML", "both", asXML, "<Person><name>Ada</name><age>36</age></Person>", 200, "", "<Person><name>Ada</name><age>36</age></Person>"},
		{"JSON where XML is taken, too", "both", "Content-Type: application/json", `{"name":"Ada"}`, 200, "", `{"name":"Ada"}`},
		{"XML that breaks the schema", "both", asXML, "<Person><age>36</age></Person>", 422, `"/name"`, ""},
		{"what has no form in XML", "odd", asXML, "<odd/>", 415, "", ""},
		{"the same in JSON", "odd", "Content-Type: application/json", `{"a b":"x"}`, 200, "", `{"a b":"x"}`},
	} {
		before := s.upstream.count.Load()
		a := s.do(s.client(true), "POST", "/people/"+c.path, c.body, c.kind)
		if a.status != c.status || !strings.Contains(a.body, c.told) || (s.upstream.count.Load() > before) != (c.status == 200) {
			t.Errorf("%s: got %d %s, want %d %s", c.name, a.status, a.body, c.status, c.told)
		}
		if _, body := s.upstream.saw(); c.status == 200 && !strings.Contains(body, c.arrives) {
			t.Errorf("%s: the service got %s", c.name, body)
		}
	}
	for query, status := range map[string]int{
		"filter[age]=7&filter[home][city]=Paris": 200, "": 200,
		"filter[age]=old": 422, "filter[age]=-1": 422, "filter[role]=admin": 422, "filter[age]=1&filter%5Bage%5D=2": 400, "filter=x": 422, "filter[age]=1&filter=x": 422,
		"filter[age=1": 422, "filter[home]=x": 422, "filter[home][city][x]=1": 422, "filter[age]=%ff": 400,
	} {
		before := s.upstream.count.Load()
		a := s.do(s.client(true), "GET", "/people/find?"+query, "")
		if a.status != status || (s.upstream.count.Load() > before) != (status == 200) {
			t.Errorf("%s: got %d %s, want %d", query, a.status, a.body, status)
		}
		if saw, _ := s.upstream.saw(); status == 200 && saw.URL.RawQuery != query {
			t.Errorf("%s: the service was asked for %s", query, saw.URL.RawQuery)
		}
	}
	post := func() int { return s.do(s.client(true), "POST", "/people/form", "name=Ada&age=7", asForm).status }
	s.replace("examples/shop/people.yaml", "minimum: 0}\n", "minimum: 18}\n")
	s.within(10*time.Second, "the document's new bound holds", func() bool { return post() == 422 })
	s.replace("examples/shop/people.yaml", "minimum: 18}\n", "minimum: 5}\n")
	s.within(10*time.Second, "the bound after that holds", func() bool { return post() == 200 })
	s.write("examples/shop/people.yaml", "openapi: 3.0.3\npaths: [\n")
	s.within(10*time.Second, "the mistake is known", func() bool {
		e := s.status().Error
		return e != nil && len(e.Mistakes) > 0 && strings.HasSuffix(e.Mistakes[0].File, "people.yaml")
	})
	if got := post(); got != 200 {
		t.Errorf("a broken document in the place of the last good one: %d", got)
	}
}
