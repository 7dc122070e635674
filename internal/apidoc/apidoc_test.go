package apidoc

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

var update = flag.Bool("update", false, "write the expected files anew")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not current (-update writes it); got:\n%s", path, got)
	}
}

// Each document of testdata/mistakes has mistakes, or what cannot be used; beside it is what its author is shown.
func TestMistakes(t *testing.T) {
	for _, name := range []string{"document.yaml", "broken.yaml", "swagger.json", "alias.yaml", "twice.yaml", "absent.yaml"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata/mistakes", name)
			_, _, sources, diags := Read(path, filepath.Dir(path), os.ReadFile)
			if !diags.HasErrors() {
				t.Fatal("no mistake was found")
			}
			var out bytes.Buffer
			if err := diagnostic.Write(&out, diagnostic.Sort(diags), sources); err != nil {
				t.Fatal(err)
			}
			golden(t, path+".txt", out.String())
		})
	}
}

// inline reads a document that is no file.
func inline(t testing.TB, text string) (*Document, hcl.Diagnostics) {
	t.Helper()
	doc, _, _, diags := Read("/docs/api.yaml", "/docs", func(string) ([]byte, error) { return []byte(text), nil })
	return doc, diags
}

// TestDialects reads schemas of 3.0 and 3.1; what comes out is JSON Schema 2020-12.
func TestDialects(t *testing.T) {
	for _, c := range []struct{ name, version, in, want, warned string }{
		{"nullable", "3.0.3", `{type: string, nullable: true}`, `{"type":["string","null"]}`, ""},
		{"a nullable enum", "3.0.3", `{type: string, nullable: true, enum: [a, b]}`, `{"type":["string","null"],"enum":["a","b",null]}`, ""},
		{"nullable without a type", "3.0.3", `{nullable: true, allOf: [{type: object}]}`, `{"anyOf":[{"type":"null"},{"allOf":[{"type":"object"}]}]}`, ""},
		{"exclusive bounds", "3.0.3", `{type: number, minimum: 0, exclusiveMinimum: true, maximum: 1.50, exclusiveMaximum: false}`, `{"type":"number","exclusiveMinimum":0,"maximum":1.50}`, ""},
		{"an example", "3.0.3", `{example: {a: 1}}`, `{"examples":[{"a":1}]}`, ""},
		{"members of one direction", "3.0.3", `{required: [id, name, secret], properties: {id: {readOnly: true}, name: {}, secret: {writeOnly: true}}}`,
			`{"required":["name"],"properties":{"id":{"readOnly":true},"name":{},"secret":{"writeOnly":true}}}`, ""},
		{"int32", "3.0.3", `{type: integer, format: int32, minimum: 1}`, `{"type":"integer","maximum":2147483647,"minimum":1}`, ""},
		{"formats that say nothing", "3.0.3", `{type: string, format: password}`, `{"type":"string"}`, ""},
		{"extensions", "3.0.3", `{type: string, x-order: 3}`, `{"type":"string"}`, ""},
		{"a number as it is spelt", "3.0.3", `{multipleOf: 0.10, maximum: 12345678901234567890}`, `{"multipleOf":0.10,"maximum":12345678901234567890}`, ""},
		{"a date is a text", "3.0.3", `{enum: [2026-01-01]}`, `{"enum":["2026-01-01"]}`, ""},
		{"a pattern of another language", "3.0.3", `{type: string, pattern: "^(?=a)"}`, `{"type":"string"}`, "Not checked"},
		{"3.1 as it is", "3.1.0", `{type: [string, "null"], exclusiveMinimum: 3, if: {const: a}, then: {minLength: 1}, prefixItems: [{type: string}], unevaluatedProperties: false}`,
			`{"type":["string","null"],"exclusiveMinimum":3,"if":{"const":"a"},"then":{"minLength":1},"prefixItems":[{"type":"string"}],"unevaluatedProperties":false}`, ""},
		{"nullable in 3.1", "3.1.0", `{type: string, nullable: true}`, `{"type":"string"}`, "Not used"},
		{"a schema that is true", "3.1.0", `true`, `true`, ""},
		{"a discriminator", "3.1.0", `{oneOf: [{}], discriminator: {propertyName: kind}}`, `{"oneOf":[{}]}`, "Not used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, diags := inline(t, fmt.Sprintf(`{openapi: %s, info: {title: t, version: "1"}, paths: {/a: {post: {operationId: a, requestBody: {content: {application/json: {schema: %s}}}}}}}`, c.version, c.in))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			raw, _ := jsonspan.Get(doc.Schemas, "$defs", "a_request")
			if string(raw) != c.want {
				t.Errorf("got  %s\nwant %s", raw, c.want)
			}
			warned := ""
			if len(diags) > 0 {
				warned = diags[0].Summary
			}
			if warned != c.warned {
				t.Errorf("warned %q, want %q", warned, c.warned)
			}
		})
	}
}

// TestParameters reads how parameters are written and what they are.
func TestParameters(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{name: a, in: query, schema: {type: integer}}`, `query a integer "" {"type":"integer"}`},
		{`{name: a, in: query, schema: {$ref: "#/components/schemas/Status"}}`, `query a string "" {"enum":["x","y"]}`},
		{`{name: a, in: query, schema: {type: array, items: {$ref: "#/components/schemas/Status"}}}`, `query a string "repeat" {"type":"array","items":{"enum":["x","y"]}}`},
		{`{name: a, in: query, explode: false, schema: {type: array, items: {type: number}}}`, `query a number "comma" {"type":"array","items":{"type":"number"}}`},
		{`{name: a, in: query, style: spaceDelimited, schema: {type: array}}`, `query a string "space" {"type":"array"}`},
		{`{name: a, in: query, style: pipeDelimited, explode: false, schema: {type: array}}`, `query a string "pipe" {"type":"array"}`},
		{`{name: "a[]", in: query, schema: {type: array}}`, `query a[] string "repeat" {"type":"array"}`},
		{`{name: a, in: query, schema: {oneOf: [{type: integer}, {enum: [all]}]}}`, `query a integer,string "" {"oneOf":[{"type":"integer"},{"enum":["all"]}]}`},
		{`{name: a, in: query, allowEmptyValue: true, required: true, schema: {type: boolean}}`, `query a boolean "" required empty {"type":"boolean"}`},
		{`{name: a, in: query, style: deepObject, schema: {type: object}}`, `query a string "" open {"type":"object"}`},
		{`{name: a, in: query, schema: {type: object, properties: {b: {}, c: {}}}}`, `query b string "" ; query c string "" `},
		{`{name: X-A, in: header, schema: {type: array, items: {type: string}}}`, `header X-A string "comma" {"type":"array","items":{"type":"string"}}`},
		{`{name: Authorization, in: header, schema: {type: string}}`, ``},
		{`{name: order-id, in: path, schema: {type: integer}}`, `path order_id integer "" required {"type":"integer"}`},
		{`{name: a, in: query}`, `query a string "" `},
	} {
		doc, diags := inline(t, fmt.Sprintf(`{openapi: 3.1.0, info: {title: t, version: "1"}, paths: {"/{order-id}": {get: {parameters: [%s]}}}, components: {schemas: {Status: {enum: [x, y]}}}}`, c.in))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		var all []string
		for _, p := range doc.Operations[0].Parameters {
			text := fmt.Sprintf("%s %s %s %q ", p.In, p.Name, strings.Join(p.Types, ","), p.List)
			for _, flag := range []struct {
				set  bool
				name string
			}{{p.Required, "required "}, {p.Empty, "empty "}, {p.Open, "open "}} {
				if flag.set {
					text += flag.name
				}
			}
			all = append(all, text+string(p.Schema))
		}
		if got := strings.Join(all, "; "); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
		}
	}
}

// TestObjects finds the objects that operations reach, and those in each other.
func TestObjects(t *testing.T) {
	doc, diags := inline(t, `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /orders:
    get:
      operationId: list
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, properties: {data: {type: array, items: {$ref: "#/components/schemas/Order"}}}}}}}
components:
  schemas:
    Order:
      type: object
      properties:
        parent: {$ref: "#/components/schemas/Order"}
        status: {$ref: "#/components/schemas/Status"}
        lines: {$ref: "#/components/schemas/Lines"}
    Lines: {type: array, items: {$ref: "#/components/schemas/Line.Item"}}
    Line.Item: {type: object}
    Status: {enum: [a]}
    Unused: {type: object}
`)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var all []string
	for _, o := range doc.Objects {
		text := o.Name + ":"
		for _, h := range o.Holds {
			text += " " + h.Path + "=" + h.Object
		}
		all = append(all, text)
	}
	want := "list_200: data[*]=Order; Order: parent=Order lines[*]=Line_Item; Line_Item:"
	if got := strings.Join(all, "; "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !json.Valid(doc.Schemas) || strings.Contains(string(doc.Schemas), "Unused") {
		t.Errorf("%s", doc.Schemas)
	}
}

// Aliases within aliases grow without end in a few lines. They are counted before anybody goes through them.
func TestAliases(t *testing.T) {
	text := "openapi: 3.1.0\na: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
	for i := 1; i < 12; i++ {
		text += fmt.Sprintf("a%d: &a%d [", i, i) + strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9) + "]\n"
	}
	if _, diags := inline(t, text); len(diags) != 1 || diags[0].Summary != "Document too large" {
		t.Error(diags)
	}
}

// large is a document of about 10,000 lines: 100 operations, 200 schemas.
func large() string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.3\ninfo:\n  title: Large\n  version: '1'\npaths:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  /things%d/{id}:\n    post:\n      operationId: make%d\n      parameters:\n", i, i)
		b.WriteString("        - name: id\n          in: path\n          required: true\n          schema:\n            type: integer\n")
		for k := range 4 {
			fmt.Fprintf(&b, "        - name: p%d\n          in: query\n          schema:\n            type: string\n            maxLength: 20\n", k)
		}
		fmt.Fprintf(&b, "      requestBody:\n        content:\n          application/json:\n            schema:\n              $ref: '#/components/schemas/Thing%d'\n", i)
		fmt.Fprintf(&b, "      responses:\n        '200':\n          description: ok\n          content:\n            application/json:\n              schema:\n                $ref: '#/components/schemas/Thing%d'\n", i+100)
	}
	b.WriteString("components:\n  schemas:\n")
	for i := range 200 {
		fmt.Fprintf(&b, "    Thing%d:\n      type: object\n      required:\n        - a\n      properties:\n        a:\n          type: string\n        next:\n          $ref: '#/components/schemas/Thing%d'\n", i, (i+7)%200)
		for k := range 7 {
			fmt.Fprintf(&b, "        m%d:\n          type: integer\n          format: int64\n          minimum: 1\n          description: Number %d.\n", k, k)
		}
	}
	return b.String()
}

func TestLarge(t *testing.T) {
	doc, diags := inline(t, large())
	if len(diags) > 0 || len(doc.Operations) != 100 || len(doc.Objects) != 200 {
		t.Errorf("%v: %d operations, %d objects", diags, len(doc.Operations), len(doc.Objects))
	}
}

func BenchmarkRead(b *testing.B) {
	text := large()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, diags := inline(b, text); len(diags) > 0 {
			b.Fatal(diags)
		}
	}
}

// FuzzRead: no document brings the reader down, and whatever it makes of schemas is strict JSON.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"testdata/mistakes/document.yaml", "../../examples/openapi/orders.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"openapi": "3.1.0", "paths": {"/{a}": {"get": {"parameters": [{"name": "a", "in": "path", "schema": {"$ref": "#/x"}}]}}}, "x": {"$ref": "#/x"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, _ := inline(t, text)
		if doc == nil || doc.Schemas == nil {
			return
		}
		if !json.Valid(doc.Schemas) {
			t.Fatalf("%s", doc.Schemas)
		}
		for _, o := range doc.Operations {
			for _, p := range o.Parameters {
				if p.Schema != nil && !json.Valid(p.Schema) {
					t.Fatalf("%s", p.Schema)
				}
			}
		}
	})
}
