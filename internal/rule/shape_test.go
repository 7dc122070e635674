package rule

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What a schema says of names and types, and what it leaves open.
func TestShape(t *testing.T) {
	const self = `{"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#"}}}`
	for _, c := range []struct{ schema, text, told string }{
		{`{"properties": {"a": {"type": "string"}}}`, `body.b == 1`, `Unknown field: The schema has no member "b" here. Did you mean "a"? It has a.`},
		{`{"properties": {"a": {"type": "string"}}, "additionalProperties": true}`, `body.b == 1`, ""},
		{`{"properties": {"a": {"type": "string"}}, "patternProperties": {"^b": {}}}`, `body.b == 1`, ""},
		{`{"properties": {"a": {"type": "string"}}, "if": {}}`, `body.b == 1`, ""},
		{`{"properties": {"a": {"type": "string"}}, "required": ["b"]}`, `body.b == 1`, ""},
		{`{"type": "object"}`, `body.b == 1`, ""},
		{`{"type": "object", "additionalProperties": false}`, `body.b == 1`, `Unknown field: The schema has no member "b" here.`},
		{`{"properties": {"a": {"type": ["string", "null"]}}}`, `body.a == nil || body.a > 1`, "Invalid expression: Invalid operation: > (mismatched types string and int)."},
		{`{"properties": {"a": {"type": ["string", "integer"]}}}`, `body.a > 1`, ""},
		{`{"properties": {"a": {"type": ["number", "integer"]}}}`, `body.a > 1.5`, ""},
		{`{"properties": {"a": {"enum": ["x", "y"]}}}`, `body.a > 1`, "Invalid expression: Invalid operation: > (mismatched types string and int)."},
		{`{"properties": {"a": {"const": 1}}}`, `body.a == "x"`, "Invalid expression: Invalid operation: == (mismatched types number and string)."},
		{`{"properties": {"a": {"type": "boolean"}}}`, `body.a + 1 > 0`, "Invalid expression: Invalid operation: + (mismatched types bool and int)."},
		{`{"properties": {"a": {"type": "number"}}}`, `body.a % 2 == 0`, "Invalid expression: Invalid operation: % (mismatched types number and int)."},
		{`{"properties": {"a": {"type": "string"}}}`, `all(body.a, # == 1)`, "Invalid expression: Builtin all takes only array (got string)."},
		{`{"properties": {"a": {"items": {"properties": {"b": {"type": "string"}}}}}}`, `body.a[0].c == 1`, `Unknown field: The schema has no member "c" here. Did you mean "b"? It has b.`},
		{`{"properties": {"a": {"items": {"type": "string"}}}}`, `body.a == []`, ""},
		{`{"properties": {"a": {"prefixItems": [{"type": "string"}], "items": {"type": "number"}}}}`, `body.a[0] == "x"`, ""},
		{`{"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"properties": {"c": {"type": "string"}}}}}`, `body.a.d == 1`, `Unknown field: The schema has no member "d" here. Did you mean "c"? It has c.`},
		{`{"properties": {"a": {"$ref": "other.json"}}}`, `body.a.d == 1`, ""},
		{`{"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {"type": "string"}}}]}`, `body.a == 1 && body.b == "" && body.c == 1`, `Unknown field: The schema has no member "c" here. Did you mean "a"? It has a, b.`},
		{`{"oneOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "number"}, "b": {}}}]}`, `body.a == 1 && body.b == "" && body.c == 1`, `Unknown field: The schema has no member "c" here. Did you mean "a"? It has a, b.`},
		{`{"anyOf": [{"type": "null"}, {"properties": {"a": {"type": "string"}}}]}`, `body.a > 1`, "Invalid expression: Invalid operation: > (mismatched types string and int)."},
		{self, `body.next.next.next.nam == ""`, `Unknown field: The schema has no member "nam" here. Did you mean "name"? It has name, next.`},
		{self, `(body?.next ?? body).next.next.nam == ""`, `Unknown field: The schema has no member "nam" here. Did you mean "name"? It has name, next.`},
		{`{"$ref": "#"}`, `body.a == 1`, ""},
		{`true`, `body.a == 1`, ""},
	} {
		_, diags := fromText(c.text, Environment{Roots: All, Body: ShapeOf([]byte(c.schema))}, Bool)
		got := ""
		for _, d := range diags {
			got += d.Summary + ": " + d.Detail
		}
		if got != c.told {
			t.Errorf("%s by %s\n got %s\nwant %s", c.text, c.schema, got, c.told)
		}
	}
}

// Schemas that contain themselves many times over are read as far as the bounds go.
func TestShapesAreBounded(t *testing.T) {
	var members []string
	for i := range 50 {
		members = append(members, fmt.Sprintf(`"m%d": {"$ref": "#/$defs/%d"}`, i, i%2))
	}
	object := `{"type": "object", "properties": {` + strings.Join(members, ", ") + `}}`
	text := `{"allOf": [{"$ref": "#/$defs/0"}, {"$ref": "#/$defs/1"}], "$defs": {"0": ` + object + `, "1": ` + strings.Replace(object, "m1", "n1", 1) + `}}`
	began := time.Now()
	s := Either([]*Shape{ShapeOf([]byte(text)), ShapeOf([]byte(text))})
	if _, diags := fromText(`body.m0.m1.m2 == body`, Environment{Roots: All, Body: s}, Bool); diags.HasErrors() {
		t.Error(diags)
	}
	if took := time.Since(began); took > 10*time.Second { // without bounds it never ends
		t.Errorf("took %s", took)
	}
}
