package change_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func obligations(t testing.TB, drop, mask []string, filters ...change.Filter) *change.Obligations {
	t.Helper()
	o, err := change.NewObligations(drop, mask, filters)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func on1(t testing.TB, o *change.Obligations, p *change.Program) *change.Program {
	t.Helper()
	joined, err := o.On(p)
	if err != nil {
		t.Fatal(err)
	}
	return joined
}

// filter keeps items of a list whose members are equal to JSON values: filter("/data", "owner", `"ada"`).
func filter(list string, members ...string) change.Filter {
	f := change.Filter{List: list}
	for i := 0; i < len(members); i += 2 {
		f.Equals = append(f.Equals, change.Condition{Member: members[i], Value: json.RawMessage(members[i+1])})
	}
	return f
}

// What is hidden of messages without changes. All the rest keeps its bytes.
func TestObligations(t *testing.T) {
	for _, test := range []struct {
		name       string
		drop, mask []string
		filters    []change.Filter
		doc, want  string // "" for an error
		wrong      string
	}{
		{name: "a member", drop: []string{"/card/number"}, doc: `{ "id":1.50, "card": {"number":"4111","x" : 1e2}, "z":[ ]}`, want: `{ "id":1.50, "card": {"x" : 1e2}, "z":[ ]}`},
		{name: "the only member", drop: []string{"/a"}, doc: `{"a":1}`, want: `{}`},
		{name: "the last member", drop: []string{"/b"}, doc: `{"a":1 ,"b":2 }`, want: `{"a":1 }`},
		{name: "under an escaped name", drop: []string{"/number"}, doc: `{"n\u0075mber":1,"a":2}`, want: `{"a":2}`},
		{name: "names with a slash and a tilde", drop: []string{"/a~1b", "/m~0n", "/~01"}, doc: `{"a/b":1,"m~n":2,"~1":3,"k":4}`, want: `{"k":4}`},
		{name: "what is not there", drop: []string{"/a/b", "/c"}, mask: []string{"/d/e"}, doc: `{"a":{"c":1},"x":2}`, want: `{"a":{"c":1},"x":2}`},
		{name: "null on the way", drop: []string{"/a/b", "/c/*/d"}, doc: `{"a":null,"c":null}`, want: `{"a":null,"c":null}`},
		{name: "in items", drop: []string{"/data/*/email"}, doc: `{"data":[{"email":1,"id":1}, {"id":2} ,null,{"email":3}]}`, want: `{"data":[{"id":1}, {"id":2} ,null,{}]}`},
		{name: "items", drop: []string{"/tags/*"}, doc: `{"tags":[ 1, 2 ],"a":1}`, want: `{"tags":[],"a":1}`},
		{name: "in a list that is the message", drop: []string{"/*/a"}, doc: ` [{"a":1},{"b":1}] `, want: ` [{},{"b":1}] `},
		{name: "in lists in lists", drop: []string{"/*/*/a"}, doc: `[[{"a":1},{"a":2,"b":3}],[]]`, want: `[[{},{"b":3}],[]]`},
		{name: "masks", mask: []string{"/s", "/n", "/t", "/o", "/l", "/z"}, doc: `{"s":"x","n":1,"t":true,"o":{"a":1},"l":[1],"z":null,"k":1}`, want: `{"s":"***","n":null,"t":null,"o":null,"l":null,"z":null,"k":1}`},
		{name: "masked items", mask: []string{"/l/*"}, doc: `{"l":["a", 1,{"x":1}]}`, want: `{"l":["***",null,null]}`},
		{name: "what is dropped is not masked", drop: []string{"/a"}, mask: []string{"/a", "/a/b"}, doc: `{"a":{"b":1},"c":1}`, want: `{"c":1}`},
		{name: "what is masked has no members", drop: []string{"/a/b"}, mask: []string{"/a"}, doc: `{"a":7}`, want: `{"a":null}`},
		{name: "a filter", filters: []change.Filter{filter("/data", "owner", `"ada"`)}, doc: `{"data":[{"owner":"ada","n":1.0} , {"owner":"bob"},{"n":2}, 7, null,{"n":3 ,"owner":"\u0061da"}],"next":2}`,
			want: `{"data":[{"owner":"ada","n":1.0},{"n":3 ,"owner":"\u0061da"}],"next":2}`},
		{name: "nothing left", filters: []change.Filter{filter("/data", "owner", `"ada"`)}, doc: `{"data":[{"owner":"bob"}]}`, want: `{"data":[]}`},
		{name: "numbers are compared as such", filters: []change.Filter{filter("", "n", `100`)}, doc: `[{"n":1e2},{"n":100.0},{"n":"100"},{"n":101}]`, want: `[{"n":1e2},{"n":100.0}]`},
		{name: "several conditions", filters: []change.Filter{filter("", "a", `true`, "b", `null`)}, doc: `[{"a":true,"b":null},{"a":true},{"a":true,"b":1},{"b":null}]`, want: `[{"a":true,"b":null}]`},
		{name: "a condition deeper", filters: []change.Filter{filter("", "/o/id", `"x"`)}, doc: `[{"o":{"id":"x","k":1},"v":2},{"o":"x"},{"o":{"id":{}}},{}]`, want: `[{"o":{"id":"x","k":1},"v":2}]`},
		{name: "a filter sees what is hidden", drop: []string{"/data/*/owner"}, mask: []string{"/data/*/mail"}, filters: []change.Filter{filter("/data", "owner", `"ada"`)},
			doc: `{"data":[{"owner":"ada","mail":"a@x"},{"owner":"bob","mail":"b@x"}]}`, want: `{"data":[{"mail":"***"}]}`},
		{name: "filters in what is filtered", filters: []change.Filter{filter("/a", "k", `1`), filter("/a/*/b", "k", `2`)}, doc: `{"a":[{"k":1,"b":[{"k":2},{"k":3}]},{"k":2,"b":[{"k":2}]}]}`, want: `{"a":[{"k":1,"b":[{"k":2}]}]}`},
		{name: "a list that is not there", filters: []change.Filter{filter("/data", "owner", `1`)}, doc: `{"a":1}`, want: `{"a":1}`},
		{name: "no list", filters: []change.Filter{filter("/data", "owner", `1`)}, doc: `{"data":{"owner":1}}`, wrong: "/data: must be a list"},
		{name: "a list where an object should be", drop: []string{"/data/email"}, doc: `{"data":[{"email":1}]}`, wrong: "/data: must be an object"},
		{name: "a text where an object should be", drop: []string{"/card/number"}, doc: `{"card":"4111"}`, wrong: "/card: must be an object"},
		{name: "an object where a list should be", mask: []string{"/data/*/email"}, doc: `{"data":{"email":1}}`, wrong: "/data: must be a list"},
		{name: "an item that is no object", mask: []string{"/*/email"}, doc: `[{"email":"a"},"b"]`, wrong: "/1: must be an object"},
		{name: "a message that is no object", drop: []string{"/a"}, doc: `"a"`, wrong: "must be an object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := on1(t, obligations(t, test.drop, test.mask, test.filters...), nil)
			got, err := p.Down([]byte(test.doc))
			if test.wrong != "" {
				if err == nil || err.Error() != test.wrong {
					t.Fatalf("%s, %v", got, err)
				}
			} else if err != nil || string(got) != test.want {
				t.Fatalf("got  %s, %v\nwant %s", got, err, test.want)
			}
			likewise(t, p, []byte(test.doc), false, rand.New(rand.NewPCG(1, 2)), func() string { return test.name })
		})
	}
}

func TestMistakesInObligations(t *testing.T) {
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprint("/a", i)
	}
	for _, test := range []struct {
		name    string
		drop    []string
		filters []change.Filter
		wrong   string
	}{
		{"no slash", []string{"a"}, nil, "does not begin with a slash"},
		{"everything", []string{""}, nil, "the whole answer"},
		{"an empty name", []string{"/a//b"}, nil, "empty name"},
		{"a slash at the end", []string{"/a/"}, nil, "empty name"},
		{"a tilde", []string{"/a~"}, nil, "neither 0 nor 1"},
		{"another escape", []string{"/a~2b"}, nil, "neither 0 nor 1"},
		{"too long", []string{"/" + strings.Repeat("a", 1024)}, nil, "1024 bytes"},
		{"too deep", []string{strings.Repeat("/a", 33)}, nil, "32 steps"},
		{"too many", many, nil, "at most 64"},
		{"an object and a list", []string{"/a/b", "/a/*/b"}, nil, "/a/*/b: what it leads through is an object for one and a list for another"},
		{"an object that is filtered", []string{"/a/b"}, []change.Filter{filter("/a", "x", "1")}, "/a/*: what"},
		{"no condition", nil, []change.Filter{filter("/a")}, "1 to 16"},
		{"too many conditions", nil, []change.Filter{filter("/a", strings.Split(strings.Repeat("a,1,", 17), ",")[:34]...)}, "1 to 16"},
		{"an object to compare with", nil, []change.Filter{filter("/a", "x", "{}")}, "a string, number, boolean or null"},
		{"a list to compare with", nil, []change.Filter{filter("/a", "x", "[1]")}, "a string, number, boolean or null"},
		{"too much to compare with", nil, []change.Filter{filter("/a", "x", `"`+strings.Repeat("x", 1024)+`"`)}, "1024 bytes"},
		{"items to compare", nil, []change.Filter{filter("/a", "/x/*", "1")}, "without *"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if o, err := change.NewObligations(test.drop, nil, test.filters); err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%v, %v", o, err)
			}
		})
	}
	if o, err := change.NewObligations(nil, nil, nil); o != nil || err != nil {
		t.Errorf("nothing to hide: %v, %v", o, err)
	}
}

func TestDigest(t *testing.T) {
	a := obligations(t, []string{"/a", "/b"}, []string{"/c"}, filter("/d", "x", "1", "y", "2"))
	for name, test := range map[string]struct {
		o    *change.Obligations
		same bool
	}{
		"in another order":        {obligations(t, []string{"/b", "/a", "/a"}, []string{"/c"}, filter("/d", "y", "2.0", "x", "1")), true},
		"another act":             {obligations(t, []string{"/a"}, []string{"/b", "/c"}, filter("/d", "x", "1", "y", "2")), false},
		"another value":           {obligations(t, []string{"/a", "/b"}, []string{"/c"}, filter("/d", "x", "1", "y", "3")), false},
		"a value of another type": {obligations(t, []string{"/a", "/b"}, []string{"/c"}, filter("/d", "x", `"1"`, "y", "2")), false},
		"fewer":                   {obligations(t, []string{"/a", "/b"}, []string{"/c"}), false},
	} {
		if got := test.o.Digest(); (got == a.Digest()) != test.same || len(got) != 16 {
			t.Errorf("%s: %s and %s", name, got, a.Digest())
		}
	}
}

// The newest shape is what obligations speak of; an older caller sees what is hidden under no name.
func TestObligationsWithChanges(t *testing.T) {
	o := objects("order", "customer", "tax", "order", "lines[*]", "line", "tax", "order", "order")
	for _, test := range []struct {
		name       string
		changes    []*change.Change
		root       string
		drop, mask []string
		filters    []change.Filter
		doc, want  string
	}{
		{"a renamed member", chain(on("order", rename("mail", "email"))), "", []string{"/email"}, nil, nil, `{"email":"a@x","id":1}`, `{"id":1}`},
		{"a masked one", chain(on("order", rename("mail", "email"))), "", nil, []string{"/email"}, nil, `{"email":"a@x","id":1}`, `{"mail":"***","id":1}`},
		{"its older name is not the newest's", chain(on("order", rename("mail", "email"))), "", []string{"/mail"}, nil, nil, `{"email":"a@x"}`, `{"mail":"a@x"}`},
		{"a moved member", chain(on("order", move("mail", "c.mail"), move("name", "c.name"))), "", []string{"/c/mail"}, nil, nil, `{"c":{"mail":"a@x","name":"Ada"},"id":1}`, `{"name":"Ada","id":1}`},
		{"all that was moved", chain(on("order", move("mail", "c.mail"))), "", []string{"/c/mail"}, nil, nil, `{"c":{"mail":"a@x"},"id":1}`, `{"id":1}`},
		{"the object it was moved to", chain(on("order", move("mail", "c.mail"))), "", nil, []string{"/c"}, nil, `{"c":{"mail":"a@x"},"id":1}`, `{"id":1}`},
		{"in lists", chain(on("order", rename("mail", "email"))), "data[*]", []string{"/data/*/email"}, nil, []change.Filter{filter("/data", "id", "1")},
			`{"data":[{"email":"a@x","id":1},{"email":"b@x","id":2}]}`, `{"data":[{"id":1}]}`},
		{"in a held object", chain(on("tax", rename("mail", "email"))), "", []string{"/customer/email"}, nil, nil, `{"customer":{"email":1,"k":2}}`, `{"customer":{"k":2}}`},
		{"in an object within itself", chain(on("tax", rename("mail", "email"))), "", []string{"/customer/order/customer/email"}, nil, nil,
			`{"customer":{"email":1,"order":{"customer":{"email":2,"k":3}}}}`, `{"customer":{"mail":1,"order":{"customer":{"k":3}}}}`},
		{"a held object that moved", chain(on("order", rename("buyer", "customer")), on("tax", rename("mail", "email"))), "", nil, []string{"/customer/email"}, nil,
			`{"customer":{"email":"x","k":2}}`, `{"buyer":{"mail":"***","k":2}}`},
		{"a whole held object", chain(on("order", rename("buyer", "customer")), on("tax", rename("mail", "email"))), "", nil, []string{"/customer"}, nil,
			`{"customer":{"email":"x","k":2}}`, `{"buyer":null}`},
		{"a filter beside an operation", chain(on("order", rename("items", "lines")), on("line", rename("no", "sku"))), "", nil, []string{"/lines/*/sku"}, []change.Filter{filter("/lines", "sku", `"a"`)},
			`{"lines":[{"sku":"a"},{"sku":"b"}]}`, `{"items":[{"no":"***"}]}`},
		{"a masked enum", chain(on("order", enum("s", `"x"`, `1`))), "", nil, []string{"/s"}, nil, `{"s":1}`, `{"s":null}`},
		{"a masked cast", chain(on("order", cast("n", "number", "string"))), "", nil, []string{"/n"}, nil, `{"n":"12"}`, `{"n":"***"}`},
		{"a masked scale", chain(on("order", scale("n", -2, "string"))), "", nil, []string{"/n"}, nil, `{"n":"12.00"}`, `{"n":"***"}`},
		{"a wrapped value", chain(on("order", wrap("p", "amount"))), "", []string{"/p/amount"}, nil, nil, `{"p":{"amount":7},"k":1}`, `{"k":1}`},
		{"a wrapped value, masked", chain(on("order", wrap("p", "amount"))), "", nil, []string{"/p/amount"}, nil, `{"p":{"amount":7}}`, `{"p":null}`},
		{"what wraps it, masked", chain(on("order", wrap("p", "amount"))), "", nil, []string{"/p"}, nil, `{"p":{"amount":7}}`, `{"p":null}`},
		{"an item of a list that was none", chain(on("order", list("p"))), "", []string{"/p/*"}, nil, nil, `{"p":[7],"k":1}`, `{"k":1}`},
		{"its member", chain(on("order", list("p"))), "", []string{"/p/*/a"}, nil, nil, `{"p":[{"a":1,"b":2}]}`, `{"p":{"b":2}}`},
		{"an item that is filtered", chain(on("order", list("p"))), "", nil, nil, []change.Filter{filter("/p", "a", "2")}, `{"p":[{"a":1}],"k":1}`, `{"k":1}`},
		{"a list that was none, masked", chain(on("order", list("p"))), "", nil, []string{"/p"}, nil, `{"p":[7]}`, `{"p":null}`},
		{"a text that was parts, masked", chain(on("order", join("name", "*", "first", "last"))), "", nil, []string{"/name"}, nil, `{"name":"Ada*Lovelace"}`, `{"first":"***"}`},
		{"a part of a text, masked", chain(on("order", split("name", " ", "first", "last"))), "", nil, []string{"/last"}, nil, `{"first":"Ada","last":"Lovelace"}`, `{"name":"Ada ***"}`},
		{"a part of a text, dropped", chain(on("order", split("name", " ", "first", "last"))), "", []string{"/last"}, nil, nil, `{"first":"Ada","last":"Lovelace"}`, `{"name":"Ada"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := on1(t, obligations(t, test.drop, test.mask, test.filters...), compile(t, test.changes, o, test.root))
			if got, err := p.Down([]byte(test.doc)); err != nil || string(got) != test.want {
				t.Fatalf("got  %s, %v\nwant %s", got, err, test.want)
			}
			likewise(t, p, []byte(test.doc), false, rand.New(rand.NewPCG(1, 2)), func() string { return test.name })
		})
	}
}

func TestJoiningLeavesTheProgramAsItWas(t *testing.T) {
	o := objects("order", "customer", "tax")
	p := compile(t, chain(on("tax", rename("mail", "email"))), o, "data[*]")
	hides := obligations(t, []string{"/data/*/customer/email"}, nil)
	joined := on1(t, hides, p)
	if again := on1(t, hides, p); again != joined {
		t.Error("joined twice")
	}
	doc := []byte(`{"data":[{"customer":{"email":1}}]}`)
	for range 2 {
		if got, err := joined.Down(doc); err != nil || string(got) != `{"data":[{"customer":{}}]}` {
			t.Errorf("joined: %s, %v", got, err)
		}
		if got, err := p.Down(doc); err != nil || string(got) != `{"data":[{"customer":{"mail":1}}]}` {
			t.Errorf("alone: %s, %v", got, err)
		}
	}
	if got, err := joined.Up([]byte(`{"data":[{"customer":{"mail":1}}]}`)); err != nil || string(got) != string(doc) {
		t.Errorf("up: %s, %v", got, err)
	}
	if !joined.Local() {
		t.Error("a list is no longer carried as it arrives")
	}
	if _, err := obligations(t, []string{"/data/a"}, nil).On(p); err == nil {
		t.Error("a list and an object")
	}
	for i := range 40 { // more programs than are remembered
		on1(t, hides, compile(t, chain(on("tax", rename(fmt.Sprint("a", i), "email"))), o, "data[*]"))
	}
	if got, err := on1(t, hides, p).Down(doc); err != nil || string(got) != `{"data":[{"customer":{}}]}` {
		t.Errorf("forgotten: %s, %v", got, err)
	}
}

// hidden is an obligation for the naive way.
type hidden struct {
	way   []string // "*" for items
	act   string   // "drop", "mask", "filter"
	value map[string]any
}

var errNaive = errors.New("another type")

// naive hides in decoded values.
func naive(v any, all []hidden) (any, error) {
	if v == nil || len(all) == 0 {
		return v, nil
	}
	below := func(token string) (whole string, deeper, filters []hidden) {
		for _, h := range all {
			if h.way[0] != token {
				continue
			}
			switch {
			case len(h.way) > 1:
				deeper = append(deeper, hidden{h.way[1:], h.act, h.value})
			case h.act == "filter":
				filters = append(filters, h)
			case whole != "drop":
				whole = h.act
			}
		}
		return whole, deeper, filters
	}
	one := func(value any, whole string, deeper []hidden) (any, error) {
		if whole != "mask" {
			return naive(value, deeper)
		}
		if _, text := value.(string); text {
			return change.Mask, nil
		}
		return nil, nil
	}
	if all[0].way[0] == "*" {
		list, ok := v.([]any)
		if !ok {
			return nil, errNaive
		}
		whole, deeper, filters := below("*")
		out := []any{}
	items:
		for _, value := range list {
			for _, f := range filters {
				o, _ := value.(map[string]any)
				for name, want := range f.value {
					if is, there := o[name]; !there || !alikePlain(is, want) {
						continue items
					}
				}
			}
			if whole == "drop" {
				continue
			}
			value, err := one(value, whole, deeper)
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		return out, nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errNaive
	}
	out := map[string]any{}
	for name, value := range o {
		whole, deeper, _ := below(name)
		if whole == "drop" {
			continue
		}
		value, err := one(value, whole, deeper)
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

func alikePlain(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	plain := func(b []byte) bool { return b[0] != '{' && b[0] != '[' }
	return errA == nil && errB == nil && plain(x) && plain(y) && bytes.Equal(jsonspan.AppendScalar(nil, x), jsonspan.AppendScalar(nil, y))
}

func decoded(t testing.TB, doc []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return v
}

// obligationsOf makes obligations from a seed, in both forms; nil where they contradict each other.
func (g generator) obligationsOf() (*change.Obligations, []hidden) {
	var drop, mask []string
	var filters []change.Filter
	var all []hidden
	seen := map[string]bool{}
	for range 1 + g.IntN(4) {
		way := []string{g.pick("*", g.name(), g.name())}
		for g.IntN(2) == 0 && len(way) < 4 {
			way = append(way, g.pick("*", g.name(), g.name()))
		}
		pointer := "/" + strings.Join(way, "/")
		switch g.IntN(3) {
		case 0:
			drop = append(drop, pointer)
			all = append(all, hidden{way, "drop", nil})
		case 1:
			mask = append(mask, pointer)
			all = append(all, hidden{way, "mask", nil})
		default:
			if seen[pointer] {
				continue
			}
			seen[pointer] = true
			name, value := g.name(), g.pick(`1`, `"x"`, `true`, `null`, `"a"`)
			filters = append(filters, filter(pointer, name, value))
			var v any
			if json.Unmarshal([]byte(value), &v) != nil {
				panic(value)
			}
			all = append(all, hidden{append(way[:len(way):len(way)], "*"), "filter", map[string]any{name: v}})
		}
	}
	o, err := change.NewObligations(drop, mask, filters)
	if err != nil {
		return nil, nil
	}
	return o, all
}

// FuzzObligations hides, by obligations made from a seed, in whatever bytes there are. What comes out is what the naive
// way gives, in one piece and as it arrives.
func FuzzObligations(f *testing.F) {
	for i, doc := range []string{`{}`, `{"a":{"b":1},"c":[{"a":1}]}`, `[{"a":"x"},null]`, ` {"a" : 1.0e+2 ,"b":{"c":{"d":"\u0078"}}} `, `[[{"a":1},{"b":"x"}],[]]`,
		`{"a":[{"b":1,"c":"x"}, {"b":2} ,{"\u0062":1.0}],"b":[1,2],"c":null}`, `[1,`, `{"d":{"a":"y","b":null},"\u0061":2}`, `{"a":[{"a":true,"b":[{"c":1}]},{"a":true}]}`} {
		for seed := range uint64(8) {
			f.Add(8*uint64(i)+seed, []byte(doc))
		}
	}
	f.Fuzz(func(t *testing.T, seed uint64, doc []byte) {
		g := generator{rand.New(rand.NewPCG(seed, 3))}
		o, all := g.obligationsOf()
		if o == nil {
			return
		}
		p := on1(t, o, nil)
		got, err := p.Down(doc)
		if jsonspan.Check(doc, jsonspan.Bounds{}) != nil {
			return
		}
		want, wrong := naive(decoded(t, doc), all)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%v in %s: %v, naively %v", all, doc, err, wrong)
		}
		if err == nil {
			checkDeep(t, got)
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if !equal(t, got, text) {
				t.Fatalf("%v in %s:\ngot  %s\nwant %s", all, doc, got, text)
			}
		}
		likewise(t, p, doc, false, g.Rand, func() string { return fmt.Sprint(all) })
	})
}

// Nothing hidden is anywhere in what an older caller gets, whatever changes lie between, and what goes up is what goes
// up without obligations.
func TestNothingHiddenComesThrough(t *testing.T) {
	carried := 0
	for seed := range uint64(rounds(6_000)) {
		g := generator{rand.New(rand.NewPCG(seed, 4))}
		held, own, o := g.places()
		c := g.chain(o, true)
		root := g.pick("", "", "[*]", "a[*]")
		p, diags := change.Compile(c, o, []change.Held{{Path: root, Object: "order"}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		hides, all := g.obligationsOf()
		if hides == nil {
			continue
		}
		joined, err := hides.On(p)
		if err != nil {
			continue
		}
		var b bytes.Buffer
		g.value(&b, 4)
		n := 0
		doc, err := json.Marshal(unique(decoded(t, b.Bytes()), &n))
		if err != nil {
			t.Fatal(err)
		}
		got, err := joined.Down(doc)
		seen, wrong := naive(decoded(t, doc), all)
		if err != nil || wrong != nil { // an operation may take away what has another type
			continue
		}
		carried++
		text, err := json.Marshal(seen)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if secret := fmt.Sprintf("s%04d", i); bytes.Contains(got, []byte(secret)) && !bytes.Contains(text, []byte(secret)) {
				t.Fatalf("%s%s %s\n%v in %s: %s has %s", describe(c), held, own, all, doc, got, secret)
			}
		}
		likewise(t, joined, doc, false, g.Rand, func() string { return fmt.Sprint(all) })
	}
	if carried < rounds(500) {
		t.Errorf("only %d messages were carried", carried)
	}
}

// unique gives a value in which each text is another.
func unique(v any, n *int) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = unique(v[name], n)
		}
	case []any:
		for i := range v {
			v[i] = unique(v[i], n)
		}
	case string, json.Number:
		*n++
		return fmt.Sprintf("s%04d", *n-1)
	}
	return v
}

func BenchmarkObligations(b *testing.B) {
	list, one := orders(120), order(3)
	for _, m := range []struct {
		name  string
		doc   []byte
		root  string
		hides *change.Obligations
	}{
		{"1KB", one, "", obligations(b, []string{"/payment/last4", "/shipping/zip"}, []string{"/customer/email"}, filter("/lines", "qty", "1"))},
		{"100KB-list", list, "data[*]", obligations(b, []string{"/data/*/payment/last4"}, []string{"/data/*/customer/email"}, filter("/data", "currency", `"EUR"`))},
	} {
		with := compile(b, five, objects(), m.root)
		doc, err := with.Up(m.doc)
		if err != nil {
			b.Fatal(err)
		}
		for way, p := range map[string]*change.Program{"alone": on1(b, m.hides, nil), "with-a-change": on1(b, m.hides, with), "only-the-change": with} {
			b.Run(m.name+"/"+way, func(b *testing.B) {
				b.SetBytes(int64(len(doc)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := p.Down(doc); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("100KB-list/as-it-arrives", func(b *testing.B) {
		p := on1(b, obligations(b, []string{"/data/*/payment/last4"}, nil, filter("/data", "currency", `"EUR"`)), nil)
		b.SetBytes(int64(len(list)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := io.Copy(io.Discard, p.DownStream(io.NopCloser(bytes.NewReader(list)), 1<<20)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
