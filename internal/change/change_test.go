package change_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// at is a range that is told apart by its line.
func at(line int) hcl.Range {
	return hcl.Range{Filename: "orders.hcl", Start: hcl.Pos{Line: line, Column: 1}, End: hcl.Pos{Line: line, Column: 9}}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func rename(path, to string) change.Operation {
	return change.Operation{Kind: change.Rename, Path: path, To: to, Range: at(11)}
}

func move(path, to string) change.Operation {
	return change.Operation{Kind: change.Move, Path: path, To: to, Range: at(12)}
}

func drop(path, restore string) change.Operation {
	return change.Operation{Kind: change.Drop, Path: path, Value: raw(restore), Accept: "unread", Range: at(13)}
}

func add(path, value string) change.Operation {
	return change.Operation{Kind: change.Add, Path: path, Value: raw(value), Range: at(14)}
}

func enum(path string, values ...string) change.Operation {
	o := change.Operation{Kind: change.Enum, Path: path, Range: at(15)}
	for i := 0; i+1 < len(values); i += 2 {
		o.Pairs = append(o.Pairs, change.Pair{Old: raw(values[i]), New: raw(values[i+1])})
	}
	return o
}

func wrap(path, in string) change.Operation {
	return change.Operation{Kind: change.Wrap, Path: path, Member: in, Range: at(16)}
}

func unwrap(path, from string) change.Operation {
	return change.Operation{Kind: change.Unwrap, Path: path, Member: from, Range: at(16)}
}

func list(path string) change.Operation {
	return change.Operation{Kind: change.List, Path: path, Range: at(16)}
}

func unlist(path string) change.Operation {
	return change.Operation{Kind: change.Unlist, Path: path, Range: at(16)}
}

func scale(path string, decimals int, as string) change.Operation {
	return change.Operation{Kind: change.Scale, Path: path, Decimals: decimals, As: as, Range: at(17)}
}

func cast(path, from, to string) change.Operation {
	return change.Operation{Kind: change.Cast, Path: path, From: from, As: to, Range: at(18)}
}

func split(path, separator string, into ...string) change.Operation {
	return change.Operation{Kind: change.Split, Path: path, Separator: separator, Parts: into, Range: at(19)}
}

func join(path, separator string, from ...string) change.Operation {
	return change.Operation{Kind: change.Join, Path: path, Separator: separator, Parts: from, Range: at(19)}
}

func on(object string, ops ...change.Operation) *change.Change {
	return &change.Change{Name: "on-" + object, On: object, Operations: ops, Range: at(10)}
}

func objects(holds ...string) map[string]*change.Object {
	m := map[string]*change.Object{"order": {Name: "order", Range: at(1)}, "line": {Name: "line", Range: at(2)}, "tax": {Name: "tax", Range: at(3)}}
	for i := 0; i+2 < len(holds); i += 3 {
		o := m[holds[i]]
		o.Holds = append(o.Holds, change.Held{Path: holds[i+1], Object: holds[i+2], Range: at(20 + i/3)})
	}
	return m
}

func compile(t testing.TB, chain []*change.Change, objects map[string]*change.Object, roots ...string) *change.Program {
	t.Helper()
	var held []change.Held
	for _, r := range roots {
		held = append(held, change.Held{Path: r, Object: "order"})
	}
	if diags := change.Validate(chain, objects); diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := change.Compile(chain, objects, held)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

func chain(changes ...*change.Change) []*change.Change { return changes }

func TestBothWays(t *testing.T) {
	customer := chain(on("order", move("customer_name", "customer.name"), move("customer_email", "customer.email")))
	words := chain(on("order", rename("verified", "status"), enum("status", `true`, `"verified"`, `false`, `"unverified"`)))
	lines := chain(on("line", rename("article", "sku"), drop("legacy_ref", "null")))
	for _, test := range []struct {
		name     string
		chain    []*change.Change
		holds    []string
		root     string
		old, new string
		back     string // what comes down, where that is not old
	}{
		{
			name: "a rename keeps everything else as it came", chain: chain(on("order", rename("a", "b"))),
			old: "\n{ \"x\" : 1.0e+2 ,\t\"a\" : {\"n\" :1234.50E-0 } , \"\\u0079\":\"\\u0061\\/\",\n \"z\" :[ ] }\r\n",
			new: "\n{ \"x\" : 1.0e+2 ,\t\"b\" : {\"n\" :1234.50E-0 } , \"\\u0079\":\"\\u0061\\/\",\n \"z\" :[ ] }\r\n",
		},
		{name: "nothing to rename", chain: chain(on("order", rename("a", "b"))), old: ` { } `, new: ` { } `},
		{name: "a name with an escape", chain: chain(on("order", rename("a", "b"))), old: `{"\u0061":1}`, new: `{"b":1}`, back: `{"a":1}`},
		{name: "a name that needs one", chain: chain(on("order", rename("a", `"`))), old: `{"a":1}`, new: `{"\"":1}`},
		{name: "a rename deep inside", chain: chain(on("order", rename("a.b.c", "d"))),
			old: `{"a":{"x":0,"b":{"c":1,"y":2}}}`, new: `{"a":{"x":0,"b":{"d":1,"y":2}}}`},
		{name: "null stands for no object", chain: chain(on("order", rename("a.b", "c"))), old: `{"a":null}`, new: `{"a":null}`},
		{name: "two names change places", chain: chain(on("order", rename("a", "t"), rename("b", "a"), rename("t", "b"))),
			old: `{"a":1,"b":2}`, new: `{"b":1,"a":2}`},

		{name: "into an object that is made", chain: customer,
			old: `{"customer_name":"Ada","customer_email":"ada@example.org","total":1}`,
			new: `{"customer":{"name":"Ada","email":"ada@example.org"},"total":1}`},
		{name: "one of two", chain: customer, old: `{"total": 1, "customer_email": "x"}`, new: `{"total": 1,"customer":{"email":"x"}}`,
			back: `{"total": 1,"customer_email":"x"}`},
		{name: "none of two", chain: customer, old: `{"total": 1}`, new: `{"total": 1}`},
		{name: "an empty object that nothing moves into", chain: customer, old: `{"customer":{}}`, new: `{"customer":{}}`},
		{name: "into an object that is there", chain: customer,
			old: `{"customer_name":"Ada","customer":{"id": 7}}`, new: `{"customer":{"id": 7,"name":"Ada"}}`,
			back: `{"customer":{"id": 7},"customer_name":"Ada"}`},
		{name: "out of an object that is emptied", chain: chain(on("order", move("a.b.c", "c"))),
			old: `{"x":0,"a":{"b":{"c":[1, 2]}},"y":1}`, new: `{"x":0,"c":[1, 2],"y":1}`},
		{name: "out of an object that is not", chain: chain(on("order", move("a.b.c", "c"))),
			old: `{"a":{"b":{"c":1},"d":2}}`, new: `{"a":{"d":2},"c":1}`, back: `{"a":{"d":2,"b":{"c":1}}}`},
		{name: "further into the same object", chain: chain(on("order", move("a.b", "a.c.d"))),
			old: `{"a":{"b":1}}`, new: `{"a":{"c":{"d":1}}}`},
		{name: "an object that was made moves on", chain: chain(on("order", move("n", "c.n")), on("order", rename("c", "d"), rename("d.n", "m"))),
			old: `{"n":1}`, new: `{"d":{"m":1}}`},

		{name: "words for booleans", chain: words, old: `{"verified": true ,"x":0}`, new: `{"status": "verified" ,"x":0}`},
		{name: "absent stays absent", chain: words, old: `{}`, new: `{}`},
		{name: "a value with escapes", chain: chain(on("order", enum("s", `"a/b"`, `1`))), old: `{"s":"\u0061\/b"}`, new: `{"s":1}`, back: `{"s":"a/b"}`},
		{name: "a number spelt otherwise", chain: chain(on("order", enum("s", `10`, `"ten"`, `null`, `0`))), old: `[{"s":1.0e+1},{"s":null}]`, root: "[*]",
			new: `[{"s":"ten"},{"s":0}]`, back: `[{"s":10},{"s":null}]`},
		{name: "a value that stays keeps its spelling", chain: chain(on("order", enum("s", `10`, `10`, `1`, `2`))), old: `{"s":1.0e1}`, new: `{"s":1.0e1}`},
		{name: "stacked enums", chain: chain(on("order", enum("s", `1`, `"a"`)), on("order", enum("s", `"a"`, `"b"`))), old: `{"s":1}`, new: `{"s":"b"}`},

		{name: "a constant is added", chain: chain(on("order", add("c", `{"k": [1]}`))), old: `{"a":1}`, new: `{"a":1,"c":{"k": [1]}}`},
		{name: "to an empty object", chain: chain(on("order", add("c", `7`))), old: `{ }`, new: `{"c":7}`, back: `{}`},
		{name: "not where its object is missing", chain: chain(on("order", add("a.c", `7`))), old: `{"a":null}`, new: `{"a":null}`},
		{name: "a member is dropped and restored", chain: chain(on("order", drop("x.old", `"?"`))),
			old: `{"x":{"old":"?"}}`, new: `{"x":{}}`},
		{name: "a constant goes through later changes", chain: chain(on("order", add("c", `{"k":1,"l":{"m":2}}`)), on("order", rename("c.k", "n"), move("c.l.m", "m"))),
			old: `{}`, new: `{"c":{"n":1},"m":2}`},
		{name: "a restored value goes through older changes",
			chain: chain(on("order", enum("x.k", `1`, `"one"`)), on("order", drop("x", `{"k":"one"}`))), old: `{"x":{"k":1}}`, new: `{}`},

		{name: "a list in the message", chain: words, root: "data[*]",
			old: `{"data":[ {"verified":true}, {"verified":false} ],"verified":7}`,
			new: `{"data":[ {"status":"verified"}, {"status":"unverified"} ],"verified":7}`},
		{name: "a list at the root", chain: words, root: "[*]", old: `[{"verified":true},null,{}]`, new: `[{"status":"verified"},null,{}]`},
		{name: "lists of lists", chain: words, root: "a[*][*].b", old: `{"a":[[{"b":{"verified":true}}],[],[{}]]}`, new: `{"a":[[{"b":{"status":"verified"}}],[],[{}]]}`},
		{name: "no list in the message", chain: words, root: "data[*]", old: `{"data":null,"x":[]}`, new: `{"data":null,"x":[]}`},

		{name: "held objects", chain: append(lines, words...), holds: []string{"order", "lines[*]", "line"},
			old: `{"verified":true,"lines":[{"article":"A","legacy_ref":null}, {"article":"B","legacy_ref":null,"article2":1}]}`,
			new: `{"status":"verified","lines":[{"sku":"A"}, {"sku":"B","article2":1}]}`,
			// What is dropped is put back at the end.
			back: `{"verified":true,"lines":[{"article":"A","legacy_ref":null}, {"article":"B","article2":1,"legacy_ref":null}]}`},
		{name: "held objects that moved", chain: append(lines, on("order", move("items", "content.lines"))), holds: []string{"order", "content.lines[*]", "line"},
			old: `{"items":[{"article":"A","legacy_ref":null}]}`, new: `{"content":{"lines":[{"sku":"A"}]}}`},
		{name: "held by what is held", chain: append(lines, on("tax", rename("rate", "percent"))),
			holds: []string{"order", "lines[*]", "line", "line", "tax", "tax"}, root: "data[*].order",
			old: `{"data":[{"order":{"lines":[{"article":1,"tax":{"rate":7},"legacy_ref":null}]}}]}`,
			new: `{"data":[{"order":{"lines":[{"sku":1,"tax":{"percent":7}}]}}]}`},
		{name: "only the held object changes", chain: chain(on("line", rename("article", "sku"))), holds: []string{"order", "lines[*]", "line"},
			old: `{"lines":[{"article":1}],"article":2}`, new: `{"lines":[{"sku":1}],"article":2}`},
		{name: "an older change reaches into what is held", holds: []string{"order", "top", "line"},
			chain: chain(on("order", move("name", "top.name")), on("line", rename("name", "title"), add("kind", `"x"`))),
			old:   `{"name":"N","top":{"x":1}}`, new: `{"top":{"x":1,"title":"N","kind":"x"}}`, back: `{"top":{"x":1},"name":"N"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, test.chain, objects(test.holds...), test.root)
			up, err := p.Up([]byte(test.old))
			if err != nil {
				t.Fatal(err)
			}
			if string(up) != test.new {
				t.Errorf("up:   %s\nwant: %s", up, test.new)
			}
			down, err := p.Down(up)
			if err != nil {
				t.Fatal(err)
			}
			if test.back == "" {
				test.back = test.old
			}
			if string(down) != test.back {
				t.Errorf("down: %s\nwant: %s", down, test.back)
			}
		})
	}
}

// In responses the upstream's other members do not stand in the way.
func TestMappedValueWinsInResponses(t *testing.T) {
	for _, test := range []struct {
		op       change.Operation
		new, old string
	}{
		{rename("a", "b"), `{"a":1,"b":2}`, `{"a":2}`},
		{rename("a", "b"), `{"a":1}`, `{"a":1}`},
		{move("n", "c.n"), `{"n":1,"c":{"n":2,"m":3}}`, `{"c":{"m":3},"n":2}`},
		{move("c.n", "n"), `{"n":1,"c":{"n":2,"m":3}}`, `{"c":{"m":3,"n":1}}`},
		{move("c.n", "n"), `{"n":1,"c":{}}`, `{"c":{"n":1}}`},
		{drop("a", "0"), `{"a" : {"b":1} }`, `{"a" : 0 }`},
		{enum("a", `1`, `"x"`, `2`, `"y"`), `{"a":"y"}`, `{"a":2}`},
	} {
		got, err := compile(t, chain(on("order", test.op)), objects(), "").Down([]byte(test.new))
		if err != nil || string(got) != test.old {
			t.Errorf("%s %s of %s: got %s, %v, want %s", test.op.Kind, test.op.Path, test.new, got, err, test.old)
		}
	}
}

func TestGuards(t *testing.T) {
	const newer, empty = "is not a member of this version but of a newer one", "must not be an empty object here; leave it out"
	for _, test := range []struct {
		name    string
		ops     []change.Operation
		old     string // goes up
		new     string // or comes down
		root    string
		pointer string
		detail  string
	}{
		{name: "target of a rename", ops: []change.Operation{rename("a", "b")}, old: `{"a":1,"b":2}`, pointer: "/b", detail: newer},
		{name: "target without its source", ops: []change.Operation{rename("a", "b")}, old: `{"b":2}`, pointer: "/b", detail: newer},
		{name: "target spelt with an escape", ops: []change.Operation{rename("a", "b")}, old: `{"\u0062":2}`, pointer: "/b", detail: newer},
		{name: "target of a move", ops: []change.Operation{move("n", "c.n")}, old: `{"c":{"n":1}}`, pointer: "/c/n", detail: newer},
		{name: "target of add", ops: []change.Operation{add("c", "1")}, old: `{"c":1}`, pointer: "/c", detail: newer},
		{name: "target in the caller's shape", ops: []change.Operation{rename("c", "d"), rename("d.n", "m")}, old: `{"c":{"m":1}}`, pointer: "/c/m", detail: newer},
		{name: "target in a list", ops: []change.Operation{rename("a", "b")}, root: "data[*]", old: `{"data":[{},{"b":2}]}`, pointer: "/data/1/b", detail: newer},
		{name: "an empty object in the way", ops: []change.Operation{move("n", "c.n")}, old: `{"n":1,"c":{ }}`, pointer: "/c", detail: empty},
		{name: "a string for an object", ops: []change.Operation{move("n", "c.n")}, old: `{"n":1,"c":"x"}`, pointer: "/c", detail: "must be an object"},
		{name: "a string for an object, nothing to move", ops: []change.Operation{move("n", "c.n")}, old: `{"c":"x"}`, pointer: "/c", detail: "must be an object"},
		{name: "null to move into", ops: []change.Operation{move("n", "c.n")}, old: `{"n":1,"c":null}`, pointer: "/c", detail: "must be an object"},
		{name: "a list for an object", ops: []change.Operation{rename("c.n", "m")}, old: `{"c":[]}`, pointer: "/c", detail: "must be an object"},
		{name: "a string to add to", ops: []change.Operation{add("c.n", "1")}, old: `{"c":""}`, pointer: "/c", detail: "must be an object"},
		{name: "a string to drop from", ops: []change.Operation{drop("c.n", "1")}, old: `{"c":""}`, pointer: "/c", detail: "must be an object"},
		{name: "a string to restore to", ops: []change.Operation{drop("c.n", "1")}, new: `{"c":""}`, pointer: "/c", detail: "must be an object"},
		{name: "no object at the root", ops: []change.Operation{rename("a", "b")}, old: `[]`, pointer: "", detail: "must be an object"},
		{name: "no list at the root", ops: []change.Operation{rename("a", "b")}, root: "[*]", old: `{}`, pointer: "", detail: "must be a list"},
		{name: "no object in a list", ops: []change.Operation{rename("a", "b")}, root: "[*]", old: `[{},7]`, pointer: "/1", detail: "must be an object"},
		{name: "no list in the message", ops: []change.Operation{rename("a", "b")}, root: "data[*]", new: `{"data":{}}`, pointer: "/data", detail: "must be a list"},
		{name: "no object on the way", ops: []change.Operation{rename("a", "b")}, root: "data.x", new: `{"data":1}`, pointer: "/data", detail: "must be an object"},
		{name: "a value in no pair", ops: []change.Operation{rename("v", "s"), enum("s", `true`, `"yes"`, `false`, `"no"`)}, old: `{"v":"true"}`, pointer: "/v", detail: "must be one of true, false"},
		{name: "an object in no pair", ops: []change.Operation{enum("s", `1`, `2`)}, old: `{"s":{"s":1}}`, pointer: "/s", detail: "must be one of 1"},
		{name: "a long value in no pair", ops: []change.Operation{enum("s", `"a"`, `2`)}, old: `{"s":"` + strings.Repeat("a", 1000) + `"}`, pointer: "/s", detail: `must be one of "a"`},
		{name: "a value in no newer pair", ops: []change.Operation{enum("s", `"a"`, `"b"`), enum("s", `"c"`, `"d"`)}, old: `{"s":"a"}`, pointer: "/s", detail: "has a value that this version does not know"},
		{name: "a response's value in no pair", ops: []change.Operation{enum("s", `"a"`, `"b"`)}, new: `{"s":"a"}`, pointer: "/s", detail: `must be one of "b"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, chain(on("order", test.ops...)), objects(), test.root)
			got, err := p.Up([]byte(test.old))
			if test.new != "" {
				got, err = p.Down([]byte(test.new))
			}
			var e *change.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %s, %v", got, err)
			}
			if e.Pointer != test.pointer || e.Detail != test.detail {
				t.Errorf("got %q %s\nwant %q %s", e.Pointer, e.Detail, test.pointer, test.detail)
			}
			if e.Change != "" && !strings.HasPrefix(e.Error(), "orders.hcl:1") {
				t.Errorf("the error does not say which operation: %v", e)
			}
		})
	}
}

// What is not JSON is an error, and never passed on.
func TestBrokenMessages(t *testing.T) {
	p := compile(t, chain(on("order", rename("a", "b"), move("c.d", "e"))), objects(), "data[*]")
	for _, doc := range []string{``, ` `, `{`, `{"data"`, `{"data":`, `{"data":[`, `{"data":[{`, `{"data":[{"a":1`, `{"data":[{"a":1}`,
		`{"data":[{"a":1},`, `{"data":[{"a":1},]}`, `{"data":[{"a":1}}]`, `{"data":[]} {}`, `{"data":[{"c":{"d"}}]}`, `{"data":[{"a":1,}]}`, `{"data":[{"a":1 "x":2}]}`} {
		if got, err := p.Up([]byte(doc)); err == nil {
			t.Errorf("%s became %s", doc, got)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	p := compile(t, nil, objects("order", "lines[*]", "line"), "")
	if !p.Empty() {
		t.Error("not empty")
	}
	p = compile(t, chain(on("tax", rename("a", "b"))), objects("order", "lines[*]", "line"), "")
	if !p.Empty() {
		t.Error("a change of an object that does not travel is something to do")
	}
	doc := []byte(`whatever this is`)
	if got, err := p.Up(doc); err != nil || &got[0] != &doc[0] {
		t.Error("touched")
	}
	p = compile(t, chain(on("order", rename("a", "b"))), objects(), "")
	doc = []byte(` {"x":{"a":1}} `)
	if got, err := p.Up(doc); err != nil || &got[0] != &doc[0] {
		t.Error("copied without need")
	}
}

// A program serves many messages at once, each with state of its own.
func TestManyAtOnce(t *testing.T) {
	p := compile(t, chain(on("order", move("n", "c.n")), on("line", rename("a", "b"))), objects("order", "l[*]", "line"), "[*]")
	var all sync.WaitGroup
	for k := range 8 {
		all.Go(func() {
			for i := range 200 {
				old := fmt.Sprintf(`[{"n":%d,"l":[{"a":%d}]}]`, k, i)
				want := fmt.Sprintf(`[{"c":{"n":%d},"l":[{"b":%d}]}]`, k, i)
				up, err := p.Up([]byte(old))
				if err != nil || string(up) != want {
					t.Errorf("%s became %s, %v", old, up, err)
				}
				if _, err := p.Up([]byte(`[{"n":1,"c":7}]`)); err == nil {
					t.Error("wrong shape accepted")
				}
				if down, err := p.Down(up); err != nil || string(down) != old {
					t.Errorf("%s came down as %s, %v", want, down, err)
				}
			}
		})
	}
	all.Wait()
}

func TestPointer(t *testing.T) {
	p := compile(t, chain(
		on("order", move("customer_name", "customer.name"), move("customer_email", "customer.email")),
		on("line", rename("article", "sku")),
		on("order", rename("lines", "items"), rename("customer", "buyer"), move("a.b.c", "d"), rename("a.x", "y")),
	), objects("order", "items[*]", "line"), "data[*]", "one")
	for newest, want := range map[string]string{
		"/one/buyer/email":       "/one/customer_email",
		"/one/buyer/name/0/x~1y": "/one/customer_name/0/x~1y",
		"/one/buyer":             "/one",
		"/one/buyer/phone":       "/one/customer/phone",
		"/one/d":                 "/one/a/b/c",
		"/one/a":                 "/one/a",
		"/one/a/y":               "/one/a/x",
		"/one/items/3/sku":       "/one/lines/3/article",
		"/one/items/3":           "/one/lines/3",
		"/data/7/items/3/sku":    "/data/7/lines/3/article",
		"/data":                  "/data",
		"/other/items":           "/other/items",
		"":                       "",
	} {
		if got := p.Pointer(newest); got != want {
			t.Errorf("%s is %s, not %s", newest, got, want)
		}
	}
}

func TestQuery(t *testing.T) {
	param := func(object string, names ...string) *change.Change {
		ch := on(object)
		for i := 0; i+1 < len(names); i += 2 {
			ch.Params = append(ch.Params, change.Param{Name: names[i], To: names[i+1], Range: at(30)})
		}
		return ch
	}
	c := chain(param("order", "customer_email", "customer.email", "q", "söme name"), param("line", "customer.email", "buyer"), param("tax", "x", "y"))
	q, diags := change.CompileQuery(c, objects("order", "lines[*]", "line"), []change.Held{{Object: "order"}})
	if diags.HasErrors() || q.Empty() {
		t.Fatal(diags)
	}
	for raw, want := range map[string]string{
		"":                                    "",
		"a=1&b=%41+":                          "a=1&b=%41+",
		"a=1&customer_email=x%40y&b":          "a=1&buyer=x%40y&b",
		"customer%5Femail=1&customer_email=2": "buyer=1&buyer=2",
		"q&x=1":                               "s%C3%B6me+name&x=1",
	} {
		if got, err := q.Up(raw); err != nil || got != want {
			t.Errorf("%s: got %s, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"customer.email=1", "buyer=1", "customer_email=1&b%75yer=2"} {
		var e *change.Error
		if got, err := q.Up(raw); !errors.As(err, &e) {
			t.Errorf("%s: got %s", raw, got)
		}
	}
}

// The members of an object in the query go where it goes, and those of nothing else.
func TestQueryOfObjects(t *testing.T) {
	ch := on("order")
	for _, names := range [][2]string{{"filter", "where"}, {"page", "sheet"}, {"where", "match"}} {
		ch.Params = append(ch.Params, change.Param{Name: names[0], To: names[1], Range: at(30)})
	}
	plain, diags := change.CompileQuery(chain(ch), objects("order"), []change.Held{{Object: "order"}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	q := plain.With([]string{"match"})
	if name := q.Down("match"); name != "filter" || plain.With(nil) != plain {
		t.Errorf("match was %s", name)
	}
	for raw, want := range map[string]string{
		"filter[age]=7&filter=1":        "match[age]=7&match=1",
		"filter[a%62][]=%37&x":          "match[a%62][]=%37&x",
		"f%69lter%5Bage%5D=7":           "match%5Bage%5D=7",
		"filters[age]=7&filter.a=1":     "filters[age]=7&filter.a=1",
		"page[size]=1&page=2&filter[b]": "page[size]=1&sheet=2&match[b]",
	} {
		if got, err := q.Up(raw); err != nil || got != want {
			t.Errorf("%s: got %s, %v", raw, got, err)
		}
	}
	if got, err := plain.Up("filter[age]=7"); err != nil || got != "filter[age]=7" {
		t.Errorf("without objects: %s, %v", got, err)
	}
	for _, raw := range []string{"match[age]=1", "match=1", "filter[age]=1&m%61tch%5Bage%5D=2", "where[x]=1&filter[x]=1"} {
		var e *change.Error
		if got, err := q.Up(raw); !errors.As(err, &e) {
			t.Errorf("%s: got %s", raw, got)
		}
	}
}

func check(t testing.TB, doc []byte) {
	t.Helper()
	if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", doc, err))
	}
}
