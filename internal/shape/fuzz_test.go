package shape_test

import (
	"encoding/json"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// FuzzDerive runs all kinds of operations back over any schema: it ends, and what comes of it is JSON.
func FuzzDerive(f *testing.F) {
	for _, s := range []string{
		`true`, `{}`, `{"$ref":"#"}`, `{"$ref":"line.json#/properties/a"}`, `{"$id":"x/y.json","$ref":"../line.json"}`, `{"$defs":{"a":{"$anchor":"b"}},"$ref":"#b"}`,
		`{"type":"object","properties":{"a":{"type":["integer","null"]},"b":{"properties":{"c":{"enum":["x",1]},"v":{}},"required":["c"]},"d":{"type":"array","items":{"$ref":"#"}}},"required":["a"],"additionalProperties":false}`,
		`{"allOf":[{"properties":{"a":{}}},{"oneOf":[{"required":["a"]},{"required":["b"]}]}],"patternProperties":{"^a":{},"(":{}},"dependentRequired":{"a":["b"]},"propertyNames":{"maxLength":1}}`,
		`{"properties":[],"required":{},"allOf":{},"anyOf":1,"enum":2,"dependentRequired":[],"items":[],"prefixItems":{},"minProperties":"x","type":[1]}`,
		`{"$dynamicRef":"#a","properties":{"a":{"$id":"z","$ref":"%"}}}`,
	} {
		f.Add(s)
	}
	versions := [][]*change.Change{
		{on("order", rename("z", "a"), enum("a", `1`, `"x"`), wrap("a", "v"), unwrap("a", "v"))},
		{on("line", move("x", "b.c"), move("b.v", "y"), list("b"), unlist("b"))},
		{on("order", scale("a", 2, ""), cast("a", "string", "number"), split("s", " ", "b", "c"), join("d", " ", "e", "f"))},
		{on("order", add("b.c", `{"a":1}`), drop("b.e", `null`))},
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := files{"order.json": text, "line.json": `{"type":"object","properties":{"b":{"properties":{"c":{}}},"y":{}}}`}
		s, _ := files.derive([]string{"order", "line"}, []string{"order d[*] line", "order b line", "line b order"}, versions...)
		for i := range 5 {
			if out := s.Schema("order", i); out != nil && !json.Valid(out) {
				t.Fatalf("%s", out)
			}
		}
		s.Required("order", 0, "/d/0/a")
	})
}
