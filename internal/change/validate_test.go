package change_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
)

func TestMistakesInChanges(t *testing.T) {
	lossy := func(o change.Operation) change.Operation { o.Accept = ""; return o }
	accepted := func(o change.Operation) change.Operation { o.Accept = "known"; return o }
	for _, test := range []struct {
		name  string
		chain []*change.Change
		holds []string
		line  int    // of the diagnostic; 0 for none
		says  string // a part of its detail
	}{
		{"unknown object", chain(on("ordr")), nil, 10, `There is no object "ordr". Did you mean "order"?`},
		{"nothing near", chain(on("customer")), nil, 10, `There is no object "customer".`},
		{"unknown operation", chain(on("order", change.Operation{Kind: "renam", Path: "a", Range: at(16)})), nil, 16, `Did you mean "rename"?`},
		{"empty path", chain(on("order", rename("", "b"))), nil, 11, "The path is empty"},
		{"empty name in a path", chain(on("order", rename("a..b", "b"))), nil, 11, "has an empty name"},
		{"path into a list", chain(on("order", rename("lines[*].article", "b"))), nil, 11, "object of their own"},
		{"deep path", chain(on("order", move("a", strings.Repeat("b.", 40)+"c"))), nil, 12, "deeper than 32"},
		{"rename to a path", chain(on("order", rename("a", "b.c"))), nil, 11, `write move to bring "a" to "b.c"`},
		{"rename to nothing", chain(on("order", rename("a", ""))), nil, 11, "needs to"},
		{"rename to itself", chain(on("order", rename("x.a", "a"))), nil, 11, "has this name already"},
		{"move to itself", chain(on("order", move("x.a", "x.a"))), nil, 12, "is there already"},
		{"move into itself", chain(on("order", move("x", "x.a"))), nil, 12, "lie in each other"},
		{"move over what holds it", chain(on("order", move("x.a.b", "x.a"))), nil, 12, "lie in each other"},
		{"drop without a reason", chain(on("order", lossy(drop("a", "1")))), nil, 13, "loses what callers of older versions send"},
		{"drop without an inverse", chain(on("order", drop("a", ""))), nil, 13, "No inverse"},
		{"add without a constant", chain(on("order", change.Operation{Kind: change.Add, Path: "a", Range: at(14)})), nil, 14, "needs value"},
		{"a constant that is not JSON", chain(on("order", add("a", `{"b":1,"b":2}`))), nil, 14, "two members of the same name"},
		{"add needs no reason", chain(on("order", add("a", `1`))), nil, 0, ""},
		{"enum without pairs", chain(on("order", enum("a"))), nil, 15, "needs pairs"},
		{"enum of objects", chain(on("order", enum("a", `{}`, `1`))), nil, 15, "{} is none of them"},
		{"two old values are one", chain(on("order", enum("a", `1`, `"x"`, `2`, `"x"`))), nil, 15, "the way back is not known"},
		{"two old values are one, for a reason", chain(on("order", accepted(enum("a", `1`, `"x"`, `2`, `"x"`)))), nil, 0, ""},
		{"one old value is two", chain(on("order", enum("a", `10`, `"x"`, `1e1`, `"y"`))), nil, 15, "the way up is not known"},
		{"operation on what was renamed", chain(on("order", rename("verified", "status"), enum("verified", `1`, `2`))), nil, 15, `it is "status" then`},
		{"operation in what was moved", chain(on("order", move("a", "b.c"), rename("a.x", "y"))), nil, 11, `it is "b.c.x" then`},
		{"operation on what was dropped", chain(on("order", drop("a", "1"), rename("a", "b"))), nil, 11, "it is gone then"},
		{"a name that is used again", chain(on("order", rename("a", "b"), rename("c", "a"), rename("a", "d"))), nil, 0, ""},
		{"a member of another change", chain(on("order", drop("a", "1")), on("order", rename("a", "b"))), nil, 0, ""},

		{"unknown held object", nil, []string{"order", "lines[*]", "lines"}, 20, `There is no object "lines". Did you mean "line"?`},
		{"malformed held path", nil, []string{"order", "lines[0]", "line"}, 20, "The path is malformed"},
		{"malformed end", nil, []string{"order", "lines[*].", "line"}, 20, "The path is malformed"},
		{"an object is no list", nil, []string{"order", "[*]", "line"}, 20, "begins with a name"},
		{"an object is not its own member", nil, []string{"order", "", "line"}, 20, "begins with a name"},
		{"objects in objects", nil, []string{"order", "a", "line", "order", "a.b", "tax"}, 21, "one lies in the other"},
		{"a list and an object", nil, []string{"order", "a[*]", "line", "order", "a.b", "tax"}, 21, "one goes into a list"},
		{"side by side", nil, []string{"order", "a.b[*]", "line", "order", "a.c", "tax", "order", "ab", "tax"}, 0, ""},
		{"an object that holds itself", chain(on("line", rename("parts", "pieces"), wrap("name", "text"))), []string{"line", "pieces[*]", "line"}, 0, ""},
		{"objects that hold each other", nil, []string{"line", "tax", "tax", "tax", "of", "order", "order", "lines[*]", "line"}, 0, ""},
		{"an object that reaches into itself", chain(on("line", rename("parent.a", "b"))), []string{"line", "parent", "line"}, 11, "has older changes of its own"},
		{"an object that makes itself", chain(on("line", add("parent", `{"a":{}}`))), []string{"line", "parent", "line"}, 14, "has older changes of its own"},
		{"an object that makes itself out of a text", chain(on("line", wrap("parent", "name"))), []string{"line", "parent", "line"}, 16, "has older changes of its own"},
		{"an object that reaches into itself through another", chain(on("order", move("name", "first.name")), on("line", rename("a", "b"))),
			[]string{"order", "first", "line", "line", "of", "order"}, 12, "has older changes of its own"},
		{"held twice is no circle", nil, []string{"order", "a", "line", "order", "b[*]", "line", "line", "t", "tax"}, 0, ""},

		{"a newer change reaches into what is held", chain(on("line", rename("a", "b")), on("order", move("top.b", "b"))), []string{"order", "top", "line"}, 12, "has older changes of its own"},
		{"a newer change reaches into what was held elsewhere", chain(on("line", rename("a", "b")), on("order", add("old.x", "1"), rename("old", "top"))), []string{"order", "top", "line"}, 14, "has older changes of its own"},
		{"a newer change adds what is held", chain(on("line", rename("a", "b")), on("order", add("lines", `[{"b":1}]`))), []string{"order", "lines[*]", "line"}, 14, "has older changes of its own"},
		{"a newer change adds an empty list", chain(on("line", rename("a", "b")), on("order", add("lines", `[]`))), []string{"order", "lines[*]", "line"}, 0, ""},
		{"a newer change moves what is held", chain(on("line", rename("a", "b")), on("order", move("l", "x.lines"))), []string{"order", "x.lines[*]", "line"}, 0, ""},
		{"an older change reaches into what is held", chain(on("order", move("b", "top.a")), on("line", rename("a", "b"))), []string{"order", "top", "line"}, 0, ""},
		{"a newer change reaches into what what is held holds", chain(on("tax", rename("a", "b")), on("order", move("top.tax.b", "b"))), []string{"order", "top", "line", "line", "tax", "tax"}, 12, "has older changes of its own"},

		{"an enum of what is held", chain(on("order", enum("old", `1`, `2`), rename("old", "top"))), []string{"order", "top.lines[*]", "line"}, 15, `enum "old" makes "old" a plain value`},
		{"holds not in the newest shape", chain(on("order", rename("lines", "items"))), []string{"order", "lines[*]", "line"}, 20, `takes that away, to "items"`},
		{"holds of what is dropped", chain(on("order", drop("x", "1"))), []string{"order", "x.lines[*]", "line"}, 20, "takes that away"},

		{"wrap in a path", chain(on("order", wrap("total", "a.b"))), nil, 16, `"a.b" is no name without dots`},
		{"wrap in nothing", chain(on("order", wrap("total", ""))), nil, 16, `needs the name of the only member`},
		{"unwrap from a list", chain(on("order", unwrap("total", "a[*]"))), nil, 16, `"a[*]" is no name`},
		{"scale by nothing", chain(on("order", scale("total", 0, "string"))), nil, 17, "-18 to 18, not 0"},
		{"scale by too much", chain(on("order", scale("total", 19, "string"))), nil, 17, "-18 to 18, not 0"},
		{"scale of something else", chain(on("order", scale("total", 2, "float"))), nil, 17, `a "string" or a "number", not "float"`},
		{"cast to something else", chain(on("order", cast("zip", "string", "integer"))), nil, 18, `not from "string" to "integer"`},
		{"cast to the same", chain(on("order", cast("zip", "string", "string"))), nil, 18, `one of both must be "string"`},
		{"cast without a string", chain(on("order", cast("zip", "number", "boolean"))), nil, 18, `one of both must be "string"`},
		{"split into one", chain(on("order", split("name", " ", "first"))), nil, 19, "2 to 16 members"},
		{"split into paths", chain(on("order", split("name", " ", "a.b", "c"))), nil, 19, `"a.b" is no name`},
		{"split into the same twice", chain(on("order", split("name", " ", "a", "a"))), nil, 19, `has "a" twice`},
		{"split into itself", chain(on("order", split("x.name", " ", "name", "b"))), nil, 19, "one of the parts has the name of the text"},
		{"join without a separator", chain(on("order", join("name", "", "a", "b"))), nil, 19, "needs separator"},

		{"operation on what was wrapped", chain(on("order", wrap("total", "amount"), scale("total", 2, ""))), nil, 17, `it is "total.amount" then`},
		{"operation in what was wrapped", chain(on("order", wrap("c", "d"), rename("c.x", "y"))), nil, 11, `it is "c.d.x" then`},
		{"operation beside what was wrapped", chain(on("order", wrap("c", "d"), move("x", "c.x"), rename("c.d.y", "z"), rename("c.x", "e"))), nil, 0, ""},
		{"operation on what was unwrapped", chain(on("order", unwrap("total", "amount"), scale("total.amount", 2, ""))), nil, 17, `it is "total" then`},
		{"operation on what was listed", chain(on("order", list("tags"), cast("tags", "string", "number"))), nil, 18, `it is an item of a list then`},
		{"operation in what was listed", chain(on("order", list("tags"), rename("tags.x", "y"))), nil, 11, `it is an item of a list then`},
		{"wrapped and unwrapped", chain(on("order", wrap("a", "b"), unwrap("a", "b"), list("a"), unlist("a"), cast("a", "string", "number"))), nil, 0, ""},
		{"wrapped twice", chain(on("order", wrap("a", "b"), wrap("a", "c"), list("a"), wrap("a", "d"))), nil, 0, ""},
		{"operation on what was split", chain(on("order", split("name", " ", "a", "b"), rename("name", "c"))), nil, 11, `it is divided then`},
		{"operation on what was joined", chain(on("order", join("name", " ", "a", "b"), rename("a", "c"))), nil, 11, `it is a part of "name" then`},
		{"a join of what was renamed", chain(on("order", rename("x.a", "z"), join("x.name", " ", "a", "b"))), nil, 19, `it is "x.z" then`},
		{"a split whose parts are used", chain(on("order", split("name", " ", "a", "b"), rename("a", "name"), cast("b", "string", "number"))), nil, 0, ""},

		{"what is held is wrapped", chain(on("line", rename("a", "b")), on("order", wrap("customer", "x"))), []string{"order", "customer.x", "line"}, 0, ""},
		{"what is held is a wrapper", chain(on("order", wrap("customer", "x")), on("line", rename("x", "b"))), []string{"order", "customer", "line"}, 0, ""},
		{"what is held is a newer wrapper", chain(on("line", rename("a", "b")), on("order", wrap("customer", "x"))), []string{"order", "customer", "line"}, 16, "has older changes of its own"},
		{"what is held is beside a wrapper", chain(on("order", wrap("customer", "x"))), []string{"order", "customer.y", "line"}, 20, `takes that away, to "customer.x"`},
		{"what is held was moved beside a wrapped value", chain(on("order", wrap("customer", "x"), move("l", "customer.y"))), []string{"order", "customer.y", "line"}, 0, ""},
		{"what is held is unwrapped", chain(on("line", rename("a", "b")), on("order", unwrap("customer", "x"), rename("customer", "buyer"))), []string{"order", "buyer", "line"}, 0, ""},
		{"an operation in what is unwrapped", chain(on("line", rename("a", "b")), on("order", rename("customer.x.a", "c"), unwrap("customer", "x"))), []string{"order", "customer", "line"}, 11, "has older changes of its own"},
		{"what is held is listed", chain(on("line", rename("a", "b")), on("order", list("lines"))), []string{"order", "lines[*]", "line"}, 0, ""},
		{"what is held is listed, but not said to be", chain(on("order", list("lines"))), []string{"order", "lines", "line"}, 20, `takes that away, to "lines[*]"`},
		{"what is held is listed and renamed", chain(on("order", list("lines"), rename("lines", "all"), wrap("all", "list"), unlist("x"))), []string{"order", "all.list[*].of", "line", "order", "x.y[*]", "tax"}, 0, ""},
		{"scale of what is held", chain(on("order", scale("top", 2, ""))), []string{"order", "top", "line"}, 17, `scale "top" makes "top" a plain value`},
		{"what is held is made of a text", chain(on("order", split("n", " ", "a", "b"))), []string{"order", "b", "line"}, 19, `makes "b" a plain value`},
		{"what is held is split", chain(on("order", split("n", " ", "a", "b"))), []string{"order", "n.x", "line"}, 20, `takes that away`},
		{"what is held is joined", chain(on("order", join("n", " ", "a", "b"))), []string{"order", "b", "line"}, 20, `takes that away`},
		{"what is held is added, and something else was there", chain(on("order", enum("x", `1`, `2`), drop("x", `1`)), on("order", add("x", `[]`))), []string{"order", "x[*]", "line"}, 0, ""},
		{"malformed parameter", chain(&change.Change{On: "order", Params: []change.Param{{Name: "a", Range: at(17)}}}), nil, 17, "new name in to"},
		{"parameter to itself", chain(&change.Change{On: "order", Params: []change.Param{{Name: "a", To: "a", Range: at(17)}}}), nil, 17, "has this name already"},
		{"one parameter becomes two", chain(params("order", "a", "b", "a", "c")), nil, 22, `it is "b" then`},
		{"two parameters become one", chain(params("order", "a", "b", "c", "b")), nil, 22, `"b" is what an older param makes of "a"`},
		{"two parameters become one in another version", chain(params("order", "a", "b"), params("order", "c", "b")), nil, 21, `"b" is what an older param makes of "a"`},
		{"a parameter is renamed again", chain(params("order", "a", "b"), params("order", "b", "c", "d", "b"), params("order", "b", "a", "x", "b")), nil, 0, ""},
		{"a parameter's name is used again", chain(params("order", "a", "b"), params("order", "a", "c")), nil, 0, ""},
		{"parameters of two objects", chain(params("order", "a", "b"), params("line", "c", "b")), nil, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			diags := change.Validate(test.chain, objects(test.holds...))
			if test.line == 0 {
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				return
			}
			if !diags.HasErrors() {
				t.Fatal("no mistake found")
			}
			d := diags[0]
			if d.Subject == nil || d.Subject.Start.Line != test.line || !strings.Contains(d.Summary+": "+d.Detail, test.says) {
				t.Errorf("got %v %s: %s\nwant line %d, %s", d.Subject, d.Summary, d.Detail, test.line, test.says)
			}
			if p, diags := change.Compile(test.chain, objects(test.holds...), []change.Held{{Object: "order"}, {Path: "x", Object: "order"}}); p != nil || !diags.HasErrors() {
				t.Error("compiled all the same")
			}
		})
	}
}

// params renames query parameters, each at a line of its own from 21 on.
func params(object string, names ...string) *change.Change {
	ch := &change.Change{On: object}
	for i := 0; i < len(names); i += 2 {
		ch.Params = append(ch.Params, change.Param{Name: names[i], To: names[i+1], Range: at(21 + i/2)})
	}
	return ch
}

func TestAllMistakesAtOnce(t *testing.T) {
	diags := change.Validate(chain(on("ordr", rename("a", "a")), on("line", drop("b", "1"), add("c", "{"))), objects("order", "x[", "line"))
	var lines []int
	for _, d := range diags {
		lines = append(lines, d.Subject.Start.Line)
	}
	if len(lines) != 4 {
		t.Errorf("mistakes in lines %v: %v", lines, diags.Errs())
	}
}

func TestMistakesInRoots(t *testing.T) {
	for _, roots := range [][]change.Held{
		{{Path: "", Object: "lin"}},
		{{Path: "", Object: "line"}, {Path: "data", Object: "order"}},
		{{Path: "data[", Object: "line"}},
	} {
		if p, diags := change.Compile(nil, objects(), roots); p != nil || !diags.HasErrors() {
			t.Errorf("%v compiled", roots)
		}
	}
}

func TestExamples(t *testing.T) {
	ops := []change.Operation{rename("verified", "status"), enum("status", `true`, `"verified"`, `false`, `"unverified"`)}
	for _, test := range []struct {
		old, new string
		says     []string
	}{
		{`{"verified": true, "n": 1.0, "l": [1, {"a":2}]}`, `{"l":[1.0,{"a":2}],"n":1e0,"status":"verified"}`, nil},
		{`{"verified":true}`, `{"status":"unverified"}`, []string{
			`The old value becomes {"status":"verified"}, which is not the new value: at /status it has "verified" where "unverified" was expected.`,
			`The new value becomes {"verified":false}, which is not the old value: at /verified it has false where true was expected.`}},
		{`{"verified":true,"l":[1]}`, `{"status":"verified","l":[1,2]}`, []string{"at /l/1 it has nothing where 2 was expected", "at /l/1 it has 2 where nothing was expected"}},
		{`{"verified":true,"x":{}}`, `{"status":"verified"}`, []string{"at /x it has {} where nothing was expected", "at /x it has nothing where {} was expected"}},
		{`{"verified":"yes"}`, `{}`, []string{"The old value cannot be carried to the other version: at /verified must be one of true, false.", "at /verified it has nothing"}},
		{`{"verified":true,}`, `[]`, []string{"The old value is not valid", "as a whole, must be an object"}},
	} {
		ch := on("order", ops...)
		ch.Examples = []change.Example{{Old: json.RawMessage(test.old), New: json.RawMessage(test.new), Range: at(40)}}
		// The other object's changes take no part.
		diags := change.Validate(chain(on("line", rename("a", "b")), ch), objects("order", "l[*]", "line"))
		if len(diags) != len(test.says) {
			t.Errorf("%s: %v", test.old, diags.Errs())
			continue
		}
		for i, d := range diags {
			if d.Severity != hcl.DiagError || d.Subject.Start.Line != 40 || !strings.Contains(d.Detail, test.says[i]) {
				t.Errorf("%s:\ngot  %s\nwant %s", test.old, d.Detail, test.says[i])
			}
		}
	}
}

func TestLaws(t *testing.T) {
	for _, test := range []struct {
		op   change.Operation
		r, s bool
	}{
		{rename("a", "b"), true, true}, {move("a", "b.c"), true, true}, {add("a", "1"), true, false}, {drop("a", "1"), false, true},
		{wrap("a", "b"), true, true}, {unwrap("a", "b"), true, true}, {list("a"), true, true}, {unlist("a"), true, true},
		{scale("a", 2, ""), true, true}, {cast("a", "string", "number"), true, true}, {split("a", " ", "b", "c"), true, false}, {join("a", " ", "b", "c"), true, true},
		{enum("a", `1`, `2`, `2`, `1`), true, true}, {enum("a", `1`, `2`, `3`, `2`), false, true}, {enum("a", `1`, `2`, `1`, `3`), true, false},
	} {
		if r, s := test.op.Laws(); r != test.r || s != test.s {
			t.Errorf("%s %v: %v, %v", test.op.Kind, test.op.Pairs, r, s)
		}
	}
}
