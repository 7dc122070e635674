package shape_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/shape"
)

func TestHeld(t *testing.T) {
	line := `{"title":"Line","type":"object","properties":{"sku":{"type":"string"}},"required":["sku"]}`
	older := `{"title":"Line","type":"object","properties":{"article":{"type":"string"}},"required":["article"]}`
	changes := []*change.Change{on("line", rename("article", "sku"))}
	for _, test := range []struct {
		name  string
		files files
		holds []string
		want  string
	}{
		{"by reference", files{"line.json": line, "order.json": `{"properties":{"lines":{"items":{"$ref":"line.json"}}}}`},
			[]string{"order lines[*] line"},
			`{"properties":{"lines":{"items":{"$ref":"#/$defs/line"}}},"$defs":{"line":` + older + `}}`},
		{"inline", files{"line.json": line, "order.json": `{"properties":{"lines":{"items":` + line + `}}}`},
			[]string{"order lines[*] line"},
			`{"properties":{"lines":{"items":` + older + `}}}`},
		{"without a schema of its own", files{"order.json": `{"properties":{"lines":{"items":{"$ref":"#/$defs/row"}},"spare":{"$ref":"#/$defs/row"}},"$defs":{"row":` + line + `}}`},
			[]string{"order lines[*] line"},
			`{"properties":{"lines":{"items":{"$ref":"#/$defs/row_2"}},"spare":{"$ref":"#/$defs/row"}},"$defs":{"row":` + line + `,"row_2":` + older + `}}`},
		{"or null", files{"line.json": line, "order.json": `{"properties":{"top":{"anyOf":[{"$ref":"line.json"},{"type":"null"}]}}}`},
			[]string{"order top line"},
			`{"properties":{"top":{"anyOf":[{"$ref":"#/$defs/line"},{"type":"null"}]}},"$defs":{"line":` + older + `}}`},
		{"where nothing is held it stays", files{"line.json": line, "order.json": `{"properties":{"a":{"$ref":"line.json"},"b":{"$ref":"line.json"}}}`},
			[]string{"order a line"},
			`{"properties":{"a":{"$ref":"#/$defs/line"},"b":{"$ref":"#/$defs/line_2"}},"$defs":{"line":` + older + `,"line_2":` + line + `}}`},
		{"constants around it", files{"line.json": line, "order.json": `{"properties":{"lines":{"default":[{"sku":"x"}],"items":{"$ref":"line.json"}}}}`},
			[]string{"order lines[*] line"},
			`{"properties":{"lines":{"items":{"$ref":"#/$defs/line"}}},"$defs":{"line":` + older + `}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := test.files.derive([]string{"order", "line"}, test.holds, changes)
			if len(diags) > 0 {
				t.Error(diags.Errs())
			}
			same(t, s.Schema("order", 0), test.want)
			if _, ok := test.files["line.json"]; ok {
				same(t, s.Schema("line", 0), older)
				same(t, s.Schema("line", 1), line)
			}
		})
	}
}

// A place that the newest schema does not have is a mistake even where nothing that is held there has changed: what
// lies elsewhere would never be looked at.
func TestHeldNowhere(t *testing.T) {
	for _, test := range []struct{ holds, says string }{
		{"linez[*]", `the schema has no member "linez" there; there are lines, top, qty, either, open, pair. Did you mean "lines"?`},
		{"lines", `the schema has it of type array: an object in each item is at "lines[*]".`},
		{"top[*]", `the schema has "top" of type object, no list.`},
		{"top.a", `the schema has no member "a" there; there are sku.`},
		{"qty", `the schema has it of type integer.`},
		{"qty.of", `the schema has "qty" of type integer, which has no member "of".`},
		{"lines[*].sku", `the schema has it of type string.`},
		{"lines[*]", ``},
		{"top", ``},
		{"either", ``},
		{"either[*]", ``},
		{"open.a.b[*]", ``},
		{"pair[*]", ``},
	} {
		f := files{"line.json": `{"type":"object","properties":{"sku":{"type":"string"}}}`, "order.json": `{"type":"object","properties":{
			"lines":{"type":"array","items":{"$ref":"line.json"}},"top":{"$ref":"line.json"},"qty":{"type":"integer"},
			"either":{"anyOf":[{"$ref":"line.json"},{"type":"array","items":{"$ref":"line.json"}}]},"open":{},
			"pair":{"type":"array","prefixItems":[{"type":"string"},{"$ref":"line.json"}],"items":false}}}`}
		_, diags := f.derive([]string{"order", "line"}, []string{"order " + test.holds + " line"})
		switch {
		case test.says == "" && len(diags) > 0:
			t.Errorf("%s: %v", test.holds, diags.Errs())
		case test.says != "" && (len(diags) != 1 || !strings.HasSuffix(diags[0].Detail, test.says)):
			t.Errorf("%s: got %v\nwant %s", test.holds, diags.Errs(), test.says)
		}
	}
}

func TestExamples(t *testing.T) {
	f := files{
		"order.json": `{"title":"Order","default":{"customer":{"name":"Ada"}},"examples":[{"customer":{"name":"Ada"},"lines":[{"sku":"A"}]},{"status":"other"}],"properties":{
			"customer":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false},
			"status":{"enum":["yes"]},"lines":{"items":{"$ref":"line.json"}}},"required":["customer","lines"],"additionalProperties":false}`,
		"line.json": `{"examples":[{"sku":"A"}],"properties":{"sku":{"type":"string"}}}`,
	}
	lines := on("line", rename("article", "sku"))
	orders := on("order", move("name", "customer.name"), enum("status", `true`, `"yes"`))
	derive := func(old, new string) (*shape.Shapes, hcl.Diagnostics) {
		orders.Examples = []change.Example{{Old: json.RawMessage(old), New: json.RawMessage(new), Range: at(9)}}
		return f.derive([]string{"order", "line"}, []string{"order lines[*] line"}, []*change.Change{orders, lines})
	}
	s, diags := derive(`{"name":"Bob","lines":[{"x":1}]}`, `{"customer":{"name":"Bob"},"lines":[{"x":1}]}`)
	if len(diags) > 0 {
		t.Error(diags.Errs())
	}
	same(t, s.Schema("order", 0), `{"title":"Order","default":{"name":"Ada"},"examples":[{"name":"Ada","lines":[{"article":"A"}]}],"properties":{
		"name":{"type":"string"},"status":{"enum":[true],"type":"boolean"},"lines":{"items":{"$ref":"#/$defs/line"}}},"required":["lines","name"],"additionalProperties":false,
		"$defs":{"line":{"examples":[{"article":"A"}],"properties":{"article":{"type":"string"}}}}}`)

	for _, test := range []struct{ old, new, says string }{
		{`{}`, `{"customer":{"name":1}}`, `The new value at /customer/name must be of type string: so says the schema of object "order" after this change.`},
		{`{}`, `{"customer":{"nam":"x"}}`, `The new value at /customer/nam is not a known member`},
		{`{"status":"yes"}`, `{}`, `The old value at /status must be of type boolean: so says the schema of object "order" before this change.`},
		{`{"customer":{}}`, `{}`, `The old value at /customer is not a known member`},
		{`[]`, `{}`, ``},
	} {
		_, diags := derive(test.old, test.new)
		told := ""
		for _, d := range diags {
			told += d.Detail
			if d.Subject.Start.Line != 9 {
				t.Errorf("at %s", d.Subject)
			}
		}
		if (told == "") != (test.says == "") || !strings.Contains(told, test.says) {
			t.Errorf("%s %s: %q\nwant %q", test.old, test.new, told, test.says)
		}
	}
}

// An object that holds itself, by whatever reference, is followed once.
func TestCycles(t *testing.T) {
	for name, newest := range map[string]string{
		"the root":           `{"properties":{"b":{},"parts":{"items":{"$ref":"#"}}}}`,
		"the file":           `{"properties":{"b":{},"parts":{"items":{"$ref":"line.json"}}}}`,
		"a part":             `{"$ref":"#/$defs/l","$defs":{"l":{"properties":{"b":{},"parts":{"items":{"$ref":"#/$defs/l"}}}}}}`,
		"two parts":          `{"$ref":"#/$defs/l","$defs":{"l":{"properties":{"b":{},"parts":{"items":{"$ref":"#/$defs/m"}}}},"m":{"properties":{"b":{},"parts":{"items":{"$ref":"#/$defs/l"}}}}}}`,
		"itself in place":    `{"allOf":[{"$ref":"#"}],"properties":{"b":{}}}`,
		"each other":         `{"properties":{"b":{}},"$ref":"#/$defs/x","$defs":{"x":{"$ref":"#/$defs/y"},"y":{"allOf":[{"$ref":"#/$defs/x"}]}}}`,
		"conditionally":      `{"properties":{"b":{}},"anyOf":[{"$ref":"#"},{"not":{"$ref":"#"}}]}`,
		"a member of itself": `{"properties":{"b":{"$ref":"#"},"parts":{"$ref":"#/properties/parts"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := files{"line.json": newest}.derive([]string{"line"}, []string{"line parts[*] line"}, []*change.Change{on("line", rename("a", "b"), move("a", "parts.b"))})
			if got := s.Schema("line", 0); !json.Valid(got) {
				t.Errorf("%s", got)
			}
		})
	}
}

// Schemas whose references double at each step end with a diagnostic.
func TestBounds(t *testing.T) {
	var defs strings.Builder
	for i := range 40 {
		fmt.Fprintf(&defs, `"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	newest := `{"$ref":"#/$defs/d0","$defs":{` + defs.String() + `"d40":{"properties":{"b":{}}}}}`
	_, diags := files{"order.json": newest}.derive([]string{"order"}, nil, []*change.Change{on("order", rename("a", "b"))})
	if !diags.HasErrors() {
		t.Error("no diagnostic")
	}
}
