package schema

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// reader serves files from memory, below /gw.
func reader(files map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		rel, err := filepath.Rel("/gw", path)
		if err != nil {
			return nil, err
		}
		text, ok := files[filepath.ToSlash(rel)]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return []byte(text), nil
	}
}

func load(t testing.TB, schema string) *Schema {
	t.Helper()
	s, _, diags := Load("/gw/order.json", "/gw", reader(map[string]string{"order.json": schema}))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return s
}

func told(diags hcl.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		fmt.Fprintf(&b, "%s:%d:%d-%d: %s: %s\n", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column, d.Subject.End.Column, d.Summary, d.Detail)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		told  string
	}{
		{"no file", nil, `/gw/order.json:1:1-1: Invalid schema: There is no such file in the schema's folder.`},
		{"not JSON", map[string]string{"order.json": "{\n  \"type\": \"object\",\n}"}, `/gw/order.json:3:1-2: Broken schema file: A member's name in double quotes was expected.`},
		{"a name twice", map[string]string{"order.json": "{\n  \"type\": \"object\",\n  \"type\": \"array\"\n}"}, `/gw/order.json:3:3-4: Broken schema file: An object has two members of the same name.`},
		{"too large", map[string]string{"order.json": strings.Repeat(" ", maxFile) + "{}"}, `/gw/order.json:1:1-2: Broken schema file: A schema file may have at most 1 MiB.`},
		{"another draft", map[string]string{"order.json": "{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\"}"}, `/gw/order.json:2:14-55: Unknown version of JSON Schema: Expected JSON Schema 2020-12, "https://json-schema.org/draft/2020-12/schema".`},
		{
			"keywords of the wrong type", map[string]string{"order.json": "{\n  \"type\": \"objekt\",\n  \"properties\": {\n    \"qty\": {\"minimum\": \"1\", \"required\": true}\n  }\n}"},
			`/gw/order.json:4:24-27: Invalid schema: "minimum" must be of type number.
/gw/order.json:4:41-45: Invalid schema: "required" must be of type array.
/gw/order.json:2:11-19: Invalid schema: "type" must be one of "array", "boolean", "integer", "null", "number", "object", "string".`,
		},
		{"a broken pattern of names", map[string]string{"order.json": "{\n  \"properties\": {\"x\": {\n    \"patternProperties\": {\"a(\": true},\n    \"minLength\": 1}}\n}"}, `/gw/order.json:3:33-37: Invalid schema: "a(" has a name that is not allowed.`},
		{"a broken pattern", map[string]string{"order.json": "{\n  \"pattern\": \"a(\"\n}"}, `/gw/order.json:2:14-18: Invalid schema: "pattern" must be a valid regex.`},
		{"a pattern of another dialect", map[string]string{"order.json": "{\n  \"pattern\": \"(?=a)b\"\n}"}, `/gw/order.json:2:14-22: Invalid schema: "pattern" must be a valid regex.`},
		{"a reference to nowhere", map[string]string{"order.json": "{\n  \"properties\": {\"a\": {\"$ref\": \"#/$defs/line\"}}\n}"}, `/gw/order.json:2:32-46: Reference leads nowhere: There is nothing at this place of the schema.`},
		{"an anchor that is not there", map[string]string{"order.json": "{\n  \"$ref\": \"#line\"\n}"}, `/gw/order.json:2:11-18: Reference leads nowhere: There is no $anchor of this name.`},
		{"a file that is not there", map[string]string{"order.json": "{\n  \"items\": {\"$ref\": \"line.json\"}\n}"}, `/gw/order.json:2:21-32: Reference leads nowhere: There is no such file in the schema's folder.`},
		{"a file of the machine", map[string]string{"order.json": "{\n  \"$ref\": \"file:///etc/passwd\"\n}"}, `/gw/order.json:2:11-31: Reference leads nowhere: A schema may refer to files in its own folder only, not to addresses.`},
		{"an address", map[string]string{"order.json": "{\n  \"$ref\": \"https://evil.example/line.json\"\n}"}, `/gw/order.json:2:11-43: Reference leads nowhere: A schema may refer to files in its own folder only, not to addresses.`},
		{"an address by $id", map[string]string{"order.json": "{\n  \"$id\": \"https://acme.example/order.json\",\n  \"$ref\": \"line.json\"\n}", "line.json": "{}"}, `/gw/order.json:3:11-22: Reference leads nowhere: A schema may refer to files in its own folder only, not to addresses.`},
		{"a mistake in another file", map[string]string{"order.json": `{"$ref": "parts/line.json"}`, "parts/line.json": "{\n  \"minimum\": true\n}"}, `/gw/parts/line.json:2:14-18: Invalid schema: "minimum" must be of type number.`},
		{"another file is broken", map[string]string{"order.json": `{"$ref": "parts/line.json"}`, "parts/line.json": "{\n  \"minimum\": 1"}, `/gw/parts/line.json:2:15-15: Broken schema file: The document ends in the middle of a value.`},
		{"a format misspelt", map[string]string{"order.json": "{\n  \"properties\": {\"format\": {\"format\": \"emial\"}}, \"const\": {\"format\": \"x\"}\n}"}, `/gw/order.json:2:39-46: Format is not checked: "emial" is not a format that is checked. Did you mean "email"? The formats are date, date-time, duration, email, hostname, ipv4, ipv6, iri, iri-reference, json-pointer, period, regex, relative-json-pointer, semver, time, uri, uri-reference, uri-template, uuid.`},
		{"no mistake", map[string]string{"order.json": `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "parts/line.json#/$defs/a"}`, "parts/line.json": `{"$defs": {"a": {"$ref": "../other.json"}}}`, "other.json": "true"}, ""},
	} {
		s, files, diags := Load("/gw/order.json", "/gw", reader(c.files))
		if got := told(diags); got != c.told {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.told)
		}
		if (s == nil) != diags.HasErrors() {
			t.Errorf("%s: schema is %v", c.name, s)
		}
		if files[0] != filepath.FromSlash("/gw/order.json") {
			t.Errorf("%s: files are %v", c.name, files)
		}
	}
	if _, _, diags := Load("/etc/order.json", "/gw", reader(nil)); !diags.HasErrors() {
		t.Error("a schema outside of the folder was loaded")
	}
	_, files, _ := Load("/gw/order.json", "/gw", reader(map[string]string{"order.json": `{"$ref": "line.json"}`}))
	if !slices.Equal(files, []string{"/gw/order.json", "/gw/line.json"}) {
		t.Errorf("a file that was looked for is not watched: %v", files)
	}
}

func TestFailures(t *testing.T) {
	const order = `{
	  "type": "object",
	  "required": ["currency", "total"],
	  "additionalProperties": false,
	  "properties": {
	    "currency": {"enum": ["EUR", "USD"]},
	    "total": {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer", "minimum": 1, "maximum": 10.5, "multipleOf": 0.5}}},
	    "email": {"type": "string", "format": "email", "maxLength": 20},
	    "code": {"type": ["string", "null"], "pattern": "^[A-Z]+$", "minLength": 1},
	    "lines": {"type": "array", "minItems": 1, "maxItems": 3, "uniqueItems": true, "items": {"type": "object", "properties": {"qty": {"exclusiveMinimum": 0}}, "dependentRequired": {"qty": ["sku"]}}},
	    "kind": {"const": "order"},
	    "pay": {"oneOf": [
	      {"properties": {"by": {"const": "card"}, "number": {"type": "string"}}, "required": ["by", "number"]},
	      {"properties": {"by": {"const": "bank"}, "iban": {"type": "string"}}, "required": ["by", "iban"]}
	    ]},
	    "any": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "integer"}]},
	    "not": {"not": {"type": "string"}},
	    "has": {"contains": {"const": 1}, "maxContains": 1},
	    "names": {"propertyNames": {"pattern": "^[a-z]+$"}, "maxProperties": 2},
	    "closed": {"properties": {"a": true}, "unevaluatedProperties": false},
	    "never": false
	  }
	}`
	s := load(t, order)
	for _, c := range []struct{ doc, told string }{
		{`{"currency": "EUR", "total": {"amount": 3}}`, ""},
		{`{}`, "/currency required: is missing\n/total required: is missing"},
		{`[]`, " type: must be of type object"},
		{`{"currency": "GBP", "total": {"amount": "3"}, "ROLE": "admin"}`, "/ROLE additionalProperties: is not a known member\n/currency enum: must be one of \"EUR\", \"USD\"\n/total/amount type: must be of type integer"},
		{`{"currency": "EUR", "total": {"amount": 0}}`, "/total/amount minimum: must be at least 1"},
		{`{"currency": "EUR", "total": {"amount": 11}}`, "/total/amount maximum: must be at most 10.5"},
		{`{"currency": "EUR", "total": {"amount": 1}, "email": "nobody", "code": "a1"}`, "/code pattern: must match the pattern \"^[A-Z]+$\"\n/email format: must be a valid email"},
		{`{"currency": "EUR", "total": {"amount": 1}, "code": null, "email": "ada.lovelace@example.org"}`, "/email maxLength: must have at most 20 characters"},
		{`{"currency": "EUR", "total": {"amount": 1}, "lines": []}`, "/lines minItems: must have at least 1 item"},
		{`{"currency": "EUR", "total": {"amount": 1}, "lines": [{"qty": 0}, {}, {}]}`, "/lines uniqueItems: has the same item twice, at 1 and 2\n/lines/0/qty exclusiveMinimum: must be more than 0\n/lines/0/sku dependentRequired: is missing, but needed where \"qty\" is given"},
		{`{"currency": "EUR", "total": {"amount": 1}, "kind": "offer"}`, `/kind const: must be "order"`},
		{`{"currency": "EUR", "total": {"amount": 1}, "pay": {"by": "bank"}}`, `/pay/iban required: is missing`},
		{`{"currency": "EUR", "total": {"amount": 1}, "pay": {"by": "cash"}}`, `/pay oneOf: matches none of the allowed forms`},
		{`{"currency": "EUR", "total": {"amount": 1}, "any": "a"}`, `/any minLength: must have at least 3 characters`},
		{`{"currency": "EUR", "total": {"amount": 1}, "any": true}`, `/any anyOf: matches none of the allowed forms`},
		{`{"currency": "EUR", "total": {"amount": 1}, "not": "a"}`, `/not not: has a form that is not allowed`},
		{`{"currency": "EUR", "total": {"amount": 1}, "has": [2, 3]}`, `/has contains: has no item of the form it must have`},
		{`{"currency": "EUR", "total": {"amount": 1}, "has": [1, 1]}`, `/has maxContains: must have at most 1 item of the form asked for`},
		{`{"currency": "EUR", "total": {"amount": 1}, "names": {"a/B": 1}}`, `/names/a~1B propertyNames: has a name that is not allowed`},
		{`{"currency": "EUR", "total": {"amount": 1}, "closed": {"a": 1, "b": 2}}`, `/closed/b unevaluatedProperties: is not allowed`},
		{`{"currency": "EUR", "total": {"amount": 1}, "never": 1}`, `/never properties: is not allowed`},
		{`{"currency": "EUR"`, " : is not well-formed JSON"},
	} {
		for range 3 { // the order is always the same
			var b strings.Builder
			for _, f := range bothWays(t, s, []byte(c.doc)) {
				fmt.Fprintf(&b, "%s %s: %s\n", f.Pointer, f.Keyword, f.Message)
			}
			if got := strings.TrimSuffix(b.String(), "\n"); got != c.told {
				t.Errorf("%s\n got %s\nwant %s", c.doc, got, c.told)
			}
		}
	}
}

// However much is wrong, a few short failures are told, the first in the document's order.
func TestFailuresAreBounded(t *testing.T) {
	s := load(t, `{"type": "array", "items": {"type": "object", "additionalProperties": false}}`)
	name := strings.Repeat("ä", 10_000)
	doc := "[" + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"%s": 1},`, name), 40), ",") + "]"
	failures := bothWays(t, s, []byte(doc))
	if len(failures) != maxFailures {
		t.Errorf("%d failures", len(failures))
	}
	for i, f := range failures {
		if !strings.HasPrefix(f.Pointer, fmt.Sprintf("/%d/ä", i)) || len(f.Pointer) > maxQuoted+20 {
			t.Errorf("failure %d: %d bytes: %.20s", i, len(f.Pointer), f.Pointer)
		}
	}
}

// Each name that is not allowed is told where it stands.
func TestPlaceOfNames(t *testing.T) {
	s := load(t, `{"properties": {"a": {"items": {"propertyNames": {"maxLength": 1}}}, "b": {"type": "array"}}}`)
	for _, c := range []struct{ doc, pointers string }{
		{`{"a": [{"x": 1}, {"long": 1}], "b": [{"y": 1}, {"z": 1}]}`, "/a/1/long"},
		{`{"a": [{"x": 1}, {"long": 1}, {"long": 2}], "b": []}`, "/a/1/long /a/2/long"},
	} {
		var pointers []string
		for _, f := range bothWays(t, s, []byte(c.doc)) {
			pointers = append(pointers, f.Pointer)
		}
		if got := strings.Join(pointers, " "); got != c.pointers {
			t.Errorf("%s: got %s, want %s", c.doc, got, c.pointers)
		}
	}
}

// A schema that refers to itself without end refuses everything, and ends.
func TestEndlessSchema(t *testing.T) {
	s := load(t, `{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}`)
	if failures := s.Validate([]byte(`{}`)); len(failures) != 1 {
		t.Errorf("got %v", failures)
	}
}

// The bound of numbers is exact beyond what a float64 tells apart.
func TestExactNumbers(t *testing.T) {
	s := load(t, `{"maximum": 9007199254740992}`)
	if len(s.Validate([]byte(`9007199254740992`))) != 0 || len(s.Validate([]byte(`9007199254740993`))) != 1 {
		t.Error("9007199254740992 and 9007199254740993 are taken for the same")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"pattern": "^a"}}}`), []byte(`{"a": "b"}`))
	f.Add([]byte(`{"$id": "a/b", "$anchor": "c", "allOf": [{"$ref": "#c"}], "$dynamicRef": "#d"}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, schema, doc []byte) {
		s, _, diags := Load("/gw/a.json", "/gw", reader(map[string]string{"a.json": string(schema)}))
		for _, d := range diags {
			if d.Subject == nil || d.Detail == "" || d.Subject.Start.Byte > len(schema) {
				t.Errorf("%q: %+v", schema, d)
			}
		}
		if s == nil != diags.HasErrors() {
			t.Errorf("%q: %v", schema, diags)
		}
		if s != nil && len(doc) < 1<<10 {
			s.Validate(doc)
		}
	})
}
