package shape_test

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/schema"
	"github.com/wicketgate/wicketgate/internal/shape"
)

// files are the schemas of a test, by file name. Those of an object have the object's name.
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	if s, ok := f[path]; ok {
		return []byte(s), nil
	}
	return nil, fs.ErrNotExist
}

// derive derives the schemas of objects, held as "holder path held" says, through versions, oldest first.
func (f files) derive(objects []string, holds []string, versions ...[]*change.Change) (*shape.Shapes, hcl.Diagnostics) {
	known := make(map[string]*change.Object)
	newest := make(map[string]shape.Source)
	for _, name := range objects {
		known[name] = &change.Object{Name: name}
		if doc, ok := f[name+".json"]; ok {
			newest[name] = shape.Source{File: name + ".json", Doc: []byte(doc), Read: f.read}
		}
	}
	for _, h := range holds {
		words := strings.Fields(h)
		known[words[0]].Holds = append(known[words[0]].Holds, change.Held{Path: words[1], Object: words[2]})
	}
	return shape.Derive(newest, known, append([][]*change.Change{nil}, versions...))
}

func at(line int) hcl.Range {
	pos := hcl.Pos{Line: line, Column: 1}
	return hcl.Range{Filename: "a.hcl", Start: pos, End: pos}
}

func on(object string, ops ...change.Operation) *change.Change {
	for i := range ops {
		ops[i].Range = at(i + 1)
	}
	return &change.Change{Name: "c", On: object, Operations: ops}
}

func rename(path, to string) change.Operation {
	return change.Operation{Kind: change.Rename, Path: path, To: to}
}

func move(path, to string) change.Operation {
	return change.Operation{Kind: change.Move, Path: path, To: to}
}

func add(path, value string) change.Operation {
	return change.Operation{Kind: change.Add, Path: path, Value: json.RawMessage(value)}
}

func drop(path, value string) change.Operation {
	return change.Operation{Kind: change.Drop, Path: path, Value: json.RawMessage(value), Accept: "known"}
}

func enum(path string, pairs ...string) change.Operation {
	o := change.Operation{Kind: change.Enum, Path: path}
	for i := 0; i < len(pairs); i += 2 {
		o.Pairs = append(o.Pairs, change.Pair{Old: json.RawMessage(pairs[i]), New: json.RawMessage(pairs[i+1])})
	}
	return o
}

func wrap(path, in string) change.Operation {
	return change.Operation{Kind: change.Wrap, Path: path, Member: in}
}

func unwrap(path, from string) change.Operation {
	return change.Operation{Kind: change.Unwrap, Path: path, Member: from}
}

func list(path string) change.Operation { return change.Operation{Kind: change.List, Path: path} }

func unlist(path string) change.Operation { return change.Operation{Kind: change.Unlist, Path: path} }

func scale(path string, decimals int, as string) change.Operation {
	return change.Operation{Kind: change.Scale, Path: path, Decimals: decimals, As: as}
}

func cast(path, from, as string) change.Operation {
	return change.Operation{Kind: change.Cast, Path: path, From: from, As: as}
}

func split(path, separator string, parts ...string) change.Operation {
	return change.Operation{Kind: change.Split, Path: path, Separator: separator, Parts: parts}
}

func join(path, separator string, parts ...string) change.Operation {
	return change.Operation{Kind: change.Join, Path: path, Separator: separator, Parts: parts}
}

// same compares schemas. The order of members does not count, but that of required.
func same(t *testing.T, got []byte, want string) {
	t.Helper()
	if _, diags := schema.Parse("derived.json", got); diags.HasErrors() {
		t.Errorf("%s\nis no schema: %v", got, diags)
	}
	var a, b map[string]any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	delete(a, "$schema")
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestOlder undoes operations in the schema of one object.
func TestOlder(t *testing.T) {
	const str, num = `{"type":"string"}`, `{"type":"integer"}`
	closed := func(properties, rest string) string {
		return `{"type":"object","properties":{` + properties + `},"additionalProperties":false` + rest + `}`
	}
	for _, test := range []struct {
		name        string
		ops         []change.Operation
		newest, old string
	}{
		{"nothing", nil, closed(`"a":`+str, ``), closed(`"a":`+str, ``)},
		{"rename", []change.Operation{rename("a", "b")},
			closed(`"b":`+str+`,"c":`+num, `,"required":["c","b"],"dependentRequired":{"b":["c"],"c":["b"]}`),
			closed(`"a":`+str+`,"c":`+num, `,"required":["c","a"],"dependentRequired":{"a":["c"],"c":["a"]}`)},
		{"rename inside", []change.Operation{rename("x.a", "b")},
			closed(`"x":`+closed(`"b":`+str, `,"required":["b"]`), ``),
			closed(`"x":`+closed(`"a":`+str, `,"required":["a"]`), ``)},
		{"rename twice", []change.Operation{rename("a", "b"), rename("b", "c")}, closed(`"c":`+str, ``), closed(`"a":`+str, ``)},
		{"rename in alternatives", []change.Operation{rename("a", "b")},
			`{"properties":{"b":{}},"oneOf":[{"required":["b"]},{"required":["c"]}],"not":{"properties":{"b":{"const":1}}},"if":{"required":["b"]},"then":{"required":["c"]}}`,
			`{"properties":{"a":{}},"oneOf":[{"required":["a"]},{"required":["c"]}],"not":{"properties":{"a":{"const":1}}},"if":{"required":["a"]},"then":{"required":["c"]}}`},
		{"rename through a reference", []change.Operation{rename("x.a", "b")},
			`{"properties":{"x":{"$ref":"#/$defs/x"},"y":{"$ref":"#/$defs/x"}},"$defs":{"x":{"title":"X","properties":{"b":{}}}}}`,
			`{"properties":{"x":{"title":"X","properties":{"a":{}}},"y":{"$ref":"#/$defs/x"}},"$defs":{"x":{"title":"X","properties":{"b":{}}}}}`},
		{"rename through all of", []change.Operation{rename("a", "b")},
			`{"allOf":[{"$ref":"#/$defs/x"},{"required":["b"]}],"$defs":{"x":{"properties":{"b":{}}}}}`,
			`{"allOf":[{"properties":{"a":{}}},{"required":["a"]}]}`},
		{"rename in what may be null", []change.Operation{rename("x.a", "b")},
			`{"properties":{"x":{"anyOf":[{"type":"null"},{"type":"object","properties":{"b":{}}}]}}}`,
			`{"properties":{"x":{"anyOf":[{"type":"null"},{"type":"object","properties":{"a":{}}}]}}}`},
		{"rename drops constants that have the member", []change.Operation{rename("x.a", "b")},
			`{"properties":{"x":{"default":{"b":1},"properties":{"b":{}}},"y":{"default":1}}}`,
			`{"properties":{"x":{"properties":{"a":{}}},"y":{"default":1}}}`},
		{"two members into an object of their own", []change.Operation{move("customer_name", "customer.name"), move("customer_email", "customer.email")},
			closed(`"id":`+str+`,"customer":`+closed(`"name":`+str+`,"email":`+num, `,"required":["name","email"]`), `,"required":["customer"]`),
			closed(`"id":`+str+`,"customer_email":`+num+`,"customer_name":`+str, `,"required":["customer_email","customer_name"]`)},
		{"of an object that need not be there", []change.Operation{move("customer_name", "customer.name"), move("customer_email", "customer.email")},
			closed(`"customer":`+closed(`"name":`+str+`,"email":`+num, `,"required":["name","email"]`), ``),
			closed(`"customer_email":`+num+`,"customer_name":`+str, `,"dependentRequired":{"customer_email":["customer_name"],"customer_name":["customer_email"]}`)},
		{"of which one must be there", []change.Operation{move("customer_name", "customer.name"), move("customer_email", "customer.email")},
			closed(`"customer":`+closed(`"name":`+str+`,"email":`+num, `,"required":["name"]`), ``),
			closed(`"customer_email":`+num+`,"customer_name":`+str, `,"dependentRequired":{"customer_email":["customer_name"]}`)},
		{"an object that is still needed", []change.Operation{move("name", "customer.name")},
			closed(`"customer":`+closed(`"name":`+str+`,"email":`+num, `,"required":["name","email"]`), `,"required":["customer"]`),
			closed(`"customer":`+closed(`"email":`+num, `,"required":["email"]`)+`,"name":`+str, `,"required":["customer","name"]`)},
		{"out of an object", []change.Operation{move("customer.name", "name")},
			closed(`"name":`+str, `,"required":["name"]`),
			closed(`"customer":`+closed(`"name":`+str, `,"required":["name"]`), `,"required":["customer"]`)},
		{"two out of an object", []change.Operation{move("c.a", "a"), move("c.b", "b")},
			closed(`"a":`+str+`,"b":`+num, `,"required":["b"]`),
			closed(`"c":`+closed(`"b":`+num+`,"a":`+str, `,"required":["b"]`), `,"required":["c"]`)},
		{"between objects", []change.Operation{move("a.x", "b.c.y")},
			closed(`"a":`+closed(`"z":`+num, ``)+`,"b":`+closed(`"c":`+closed(`"y":`+str, ``), ``), ``),
			closed(`"a":`+closed(`"z":`+num+`,"x":`+str, ``), ``)},
		{"into a closed part of all of", []change.Operation{move("x", "c.x")},
			`{"properties":{"c":{"type":"object","properties":{"x":{}},"additionalProperties":false}},"allOf":[{"properties":{"c":true},"additionalProperties":false}]}`,
			`{"properties":{"x":{}},"allOf":[{"properties":{"x":true},"additionalProperties":false}]}`},
		{"add", []change.Operation{add("a", `"x"`)},
			closed(`"a":`+str+`,"b":`+num, `,"required":["a"],"minProperties":1`),
			closed(`"b":`+num, ``)},
		{"drop", []change.Operation{drop("a", `null`)}, closed(`"b":`+num, `,"maxProperties":1`),
			closed(`"b":`+num+`,"a":{"description":"No longer kept: what requests have here is not read, and answers have null.","deprecated":true}`, `,"maxProperties":2`)},
		{"an object without names", []change.Operation{rename("a", "b"), move("c", "d.e"), add("f", `1`), drop("g", `1`)}, `{"type":"object"}`, `{"type":"object"}`},
		{"anything", []change.Operation{rename("a", "b"), add("c.d", `1`)}, `true`, `{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := files{"order.json": test.newest}.derive([]string{"order"}, nil, []*change.Change{on("order", test.ops...)})
			for _, d := range diags {
				t.Errorf("%s: %s", d.Summary, d.Detail)
			}
			same(t, s.Schema("order", 0), test.old)
		})
	}
}

// TestOlderValue undoes operations on the value of one member, a, of an object.
func TestOlderValue(t *testing.T) {
	for _, test := range []struct {
		name        string
		op          change.Operation
		newest, old string
		warns       string
	}{
		{"enum", enum("a", `true`, `"verified"`, `false`, `"unverified"`), `{"title":"Status","enum":["verified","unverified"],"default":"verified","examples":["unverified","other"]}`,
			`{"title":"Status","type":"boolean","default":true,"examples":[false]}`, ""},
		{"enum by reference", enum("a", `1`, `"x"`, `null`, `"y"`), `{"$ref":"#/$defs/s"}`, `{"enum":[1,null]}`, ""},
		{"enum of some values", enum("a", `"old"`, `"x"`, `"older"`, `"x"`), `{"const":"x"}`, `{"type":"string","enum":["old","older"]}`, ""},
		{"enum of open text", enum("a", `"old"`, `"new"`), `{"type":"string","maxLength":5}`, `{"type":"string","enum":["old"]}`, ""},
		{"wrap", wrap("a", "amount"), `{"type":"object","description":"Total","properties":{"amount":{"type":"integer","minimum":1}},"required":["amount"],"additionalProperties":false}`,
			`{"type":"integer","minimum":1,"description":"Total"}`, ""},
		{"wrap of what has more", wrap("a", "amount"), `{"properties":{"amount":{"type":"integer"},"tax":{}}}`, `{"type":"integer"}`, `where it has "tax" too`},
		{"wrap of what may be null", wrap("a", "amount"), `{"type":["object","null"],"properties":{"amount":{"type":"integer"}}}`, `{"type":"integer"}`, `where it is of type null`},
		{"unwrap", unwrap("a", "amount"), `{"type":"integer"}`,
			`{"type":"object","properties":{"amount":{"type":"integer"}},"required":["amount"],"additionalProperties":false}`, ""},
		{"list", list("a"), `{"type":"array","items":{"type":"string"},"maxItems":1}`, `{"type":"string"}`, ""},
		{"list of a place", list("a"), `{"type":"array","prefixItems":[{"type":"string"}],"items":false,"minItems":1,"maxItems":1}`, `{"type":"string"}`, ""},
		{"list of several", list("a"), `{"type":"array","items":{"type":"string"},"minItems":1}`, `{"type":"string"}`, "not exactly one item"},
		{"unlist", unlist("a"), `{"type":"string"}`, `{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":1}`, ""},
		{"scale", scale("a", 2, ""), `{"type":"integer","minimum":0,"default":1230,"title":"Cents"}`, `{"title":"Cents","type":"string","pattern":"^-?(0|[1-9][0-9]*)\\.[0-9]{2}$","default":"12.30"}`, ""},
		{"scale of what may be null", scale("a", 3, "string"), `{"type":["integer","null"]}`, `{"type":["null","string"],"pattern":"^-?(0|[1-9][0-9]*)\\.[0-9]{3}$"}`, ""},
		{"scale to a number", scale("a", 2, "number"), `{"type":"integer","minimum":5,"exclusiveMaximum":12345}`, `{"type":"number","minimum":0.05,"exclusiveMaximum":123.45,"multipleOf":0.01}`, ""},
		{"scale from a number", scale("a", -1, "number"), `{"type":"number","minimum":0.5,"multipleOf":0.1}`, `{"type":"integer","minimum":5}`, ""},
		{"scale from text", scale("a", -2, "string"), `{"type":"string","pattern":"^[0-9.]+$","enum":["1.00","2.50"]}`, `{"type":"integer","enum":[100,250]}`, ""},
		{"cast to a number", cast("a", "string", "number"), `{"type":"integer","default":7}`, `{"type":"string","pattern":"^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?$","default":"7"}`, ""},
		{"cast to a text", cast("a", "number", "string"), `{"type":["string","null"],"maxLength":9}`, `{"type":["null","number"]}`, ""},
		{"cast to a boolean", cast("a", "string", "boolean"), `{"type":"boolean"}`, `{"type":"string","pattern":"^(true|false)$"}`, ""},
		{"cast of a boolean", cast("a", "boolean", "string"), `{"enum":["true","false"]}`, `{"type":"boolean","enum":[true,false]}`, ""},
		{"through all of", wrap("a", "v"), `{"allOf":[{"properties":{"v":{"type":"integer"}}},{"properties":{"v":{"minimum":3}}}]}`, `{"allOf":[{"type":"integer"},{"minimum":3}]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := files{"order.json": `{"type":"object","properties":{"id":{},"a":` + test.newest + `,"z":{}},"required":["a"],"additionalProperties":false,"$defs":{"s":{"enum":["x","y"]}}}`}
			s, diags := f.derive([]string{"order"}, nil, []*change.Change{on("order", test.op)})
			same(t, s.Schema("order", 0), `{"type":"object","properties":{"id":{},"a":`+test.old+`,"z":{}},"required":["a"],"additionalProperties":false}`)
			told := ""
			for _, d := range diags {
				if told += d.Detail; d.Severity == hcl.DiagError {
					t.Error(d)
				}
			}
			if (told == "") != (test.warns == "") || !strings.Contains(told, test.warns) {
				t.Errorf("told %q, want %q", told, test.warns)
			}
		})
	}
}

func TestParts(t *testing.T) {
	closed := func(properties, rest string) string {
		return `{"type":"object","properties":{` + properties + `},"additionalProperties":false` + rest + `}`
	}
	const str = `{"type":"string"}`
	for _, test := range []struct {
		name        string
		op          change.Operation
		newest, old string
	}{
		{"split", split("name", " ", "first", "last"), closed(`"id":{},"first":`+str+`,"last":`+str+`,"z":{}`, `,"required":["first"]`), closed(`"id":{},"name":`+str+`,"z":{}`, `,"required":["name"]`)},
		{"split into what must be there", split("name", ".", "first", "last"), closed(`"first":`+str+`,"last":`+str, `,"required":["first","last"]`),
			closed(`"name":{"type":"string","pattern":"\\.[\\s\\S]*"}`, `,"required":["name"]`)},
		{"split into what may be null", split("name", " ", "first", "last"), closed(`"first":`+str+`,"last":{"type":["string","null"]}`, ``), closed(`"name":{"type":["null","string"]}`, ``)},
		{"join", join("name", " ", "first", "last"), closed(`"id":{},"name":`+str+`,"z":{}`, `,"required":["name"]`),
			closed(`"id":{},"first":`+str+`,"last":`+str+`,"z":{}`, `,"required":["first"],"dependentRequired":{"last":["first"]}`)},
		{"join of what may be null", join("name", " ", "first", "last"), closed(`"name":{"type":["string","null"]}`, `,"required":["name"]`),
			closed(`"first":`+str+`,"name":{"type":"null"},"last":`+str, `,"dependentRequired":{"last":["first"]}`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := files{"order.json": test.newest}.derive([]string{"order"}, nil, []*change.Change{on("order", test.op)})
			if len(diags) > 0 {
				t.Error(diags.Errs())
			}
			same(t, s.Schema("order", 0), test.old)
		})
	}
}

// TestRelaxed undoes operations where the schema says what has no counterpart: it is left out, with a warning.
func TestRelaxed(t *testing.T) {
	for _, test := range []struct {
		name        string
		op          change.Operation
		newest, old string
		says        string
	}{
		{"alternatives", add("b", `1`), `{"properties":{"b":{},"c":{}},"oneOf":[{"required":["b"]},{"required":["c"]}],"unevaluatedProperties":false}`, `{"properties":{"c":{}}}`,
			`What the schema says of "b" in oneOf in object "order" cannot be run backwards through add: the older versions' schema leaves it out.`},
		{"conditions", wrap("b", "v"), `{"properties":{"b":{"properties":{"v":{}}},"c":{}},"if":{"properties":{"b":{"required":["v"]}}},"then":{"required":["c"]},"anyOf":[{"required":["b"]},{"required":["c"]}]}`,
			`{"properties":{"b":{},"c":{}},"anyOf":[{"required":["b"]},{"required":["c"]}]}`, `"b" in if`},
		{"patterns", rename("a", "x_b"), `{"properties":{"x_b":{}},"patternProperties":{"^x_":{"type":"string"}},"additionalProperties":false}`,
			`{"properties":{"a":{}},"patternProperties":{"^x_":true},"additionalProperties":false}`, `"x_b" or "a" in patternProperties`},
		{"names", rename("a", "b"), `{"properties":{"b":{}},"propertyNames":{"pattern":"^[bc]$"}}`, `{"properties":{"a":{}}}`, `propertyNames`},
		{"dependent schemas", add("b", `1`), `{"properties":{"b":{},"c":{}},"dependentSchemas":{"b":{"required":["c"]},"c":{"maxProperties":3},"d":{"required":["c"]}}}`,
			`{"properties":{"c":{}},"dependentSchemas":{"d":{"required":["c"]}}}`, `dependentSchemas`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := files{"order.json": test.newest}.derive([]string{"order"}, nil, []*change.Change{on("order", test.op)})
			if len(diags) != 1 || diags[0].Severity != hcl.DiagWarning || !strings.Contains(diags[0].Detail, test.says) {
				t.Errorf("got %v, want %s", diags.Errs(), test.says)
			}
			same(t, s.Schema("order", 0), test.old)
		})
	}
}

func TestMistakes(t *testing.T) {
	const order = `{"type":"object","properties":{"status":{"enum":["a","b"]},"total":{"type":"integer"},"customer":{"type":"object","properties":{"name":{},"email":{}}},"open":{}}}`
	for _, test := range []struct {
		ops  []change.Operation
		line int
		says string
	}{
		{[]change.Operation{rename("verified", "statu")}, 1, `There is no member "statu" in object "order" at this point; there are status, total, customer, open. Did you mean "status"?`},
		{[]change.Operation{rename("verified", "x"), rename("x", "status")}, 0, ``},
		{[]change.Operation{rename("verified", "status"), rename("x", "status")}, 1, `There is no member "status" in object "order" at this point; there are x, total`},
		{[]change.Operation{move("name", "customer.nam")}, 1, `There is no member "nam" in "customer" of object "order" at this point; there are name, email. Did you mean "name"?`},
		{[]change.Operation{move("name", "total.name")}, 1, `"total" is of type integer here, so it has no member "name" in object "order"`},
		{[]change.Operation{rename("total", "status")}, 1, `There is a member "total" in object "order" already`},
		{[]change.Operation{move("total", "status")}, 1, `There is a member "total" in object "order" already`},
		{[]change.Operation{move("total.x", "status")}, 1, `"total" is of type integer here`},
		{[]change.Operation{add("tier", `1`)}, 1, `There is no member "tier"`},
		{[]change.Operation{add("total", `"x"`)}, 1, `add "total" gives requests of older versions "x", which the schema does not accept: it must be of type integer.`},
		{[]change.Operation{add("status", `"x"`)}, 1, `it must be one of "a", "b"`},
		{[]change.Operation{drop("total", `1`)}, 1, `There is a member "total" in object "order" already`},
		{[]change.Operation{drop("custome.x", `1`)}, 1, `Did you mean "customer"?`},
		{[]change.Operation{rename("open.x", "y")}, 0, ``},
		{[]change.Operation{enum("status", `1`, `"a"`)}, 1, `The schema lets "status" in object "order" be "b", for which enum "status" has no older value`},
		{[]change.Operation{enum("status", `1`, `"a"`, `2`, `"b"`, `3`, `"c"`)}, 1, `enum "status" has values of older callers become "c", which the schema does not let "status" be in object "order".`},
		{[]change.Operation{enum("customer", `1`, `"a"`)}, 1, `"customer" is of type object in object "order"`},
		{[]change.Operation{wrap("total", "amount")}, 1, `wrap makes "total" an object with the only member "amount", but the schema has it of type integer`},
		{[]change.Operation{wrap("customer", "nam")}, 1, `but the schema does not have that in "customer" of object "order"; there are name, email. Did you mean "name"?`},
		{[]change.Operation{list("total")}, 1, `list makes "total" a list of one item, but the schema has it of type integer`},
		{[]change.Operation{scale("status", 2, "")}, 1, `scale "status" makes it of type integer, but the schema has it of type string`},
		{[]change.Operation{cast("total", "number", "string")}, 1, `cast "total" makes it of type string, but the schema has it of type integer`},
		{[]change.Operation{split("x", " ", "total", "status")}, 1, `split makes texts of "x", but the schema has "total" of type integer`},
		{[]change.Operation{split("x", " ", "status", "y")}, 1, `There is no member "y"`},
		{[]change.Operation{split("total", " ", "status", "status")}, 1, `There is a member "total" in object "order" already`},
		{[]change.Operation{join("total", " ", "a", "b")}, 1, `join makes "total" a text, but the schema has it of type integer`},
		{[]change.Operation{join("status", " ", "a", "total")}, 1, `There is a member "total" in object "order" already`},
		{[]change.Operation{cast("status", "number", "string")}, 1, `The schema lets "status" in object "order" be "a", "b", for which cast "status" has no older value`},
		{[]change.Operation{unwrap("statu", "v")}, 1, `Did you mean "status"?`},
		{[]change.Operation{unlist("statu")}, 1, `Did you mean "status"?`},
	} {
		_, diags := files{"order.json": order}.derive([]string{"order"}, nil, []*change.Change{on("order", test.ops...)})
		if test.line == 0 {
			if len(diags) > 0 {
				t.Errorf("%v: %v", test.ops, diags.Errs())
			}
			continue
		}
		if len(diags) != 1 || diags[0].Subject.Start.Line != test.line || !strings.Contains(diags[0].Detail, test.says) {
			t.Errorf("got  %v\nwant line %d: %s", diags.Errs(), test.line, test.says)
		}
	}
}
