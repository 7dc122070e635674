package merge

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func compile(t testing.TB, chain []*change.Change, objects map[string]*change.Object) *change.Program {
	t.Helper()
	p, diags := change.Compile(chain, objects, []change.Held{{Object: "order"}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

func always([]byte) bool { return true }

// The customer moved into an object that has a member of which older callers know nothing.
func TestOverlay(t *testing.T) {
	objects := map[string]*change.Object{"order": {Name: "order", Holds: []change.Held{{Path: "lines[*]", Object: "line"}}}, "line": {Name: "line"}}
	p := compile(t, []*change.Change{
		{Name: "customer", On: "order", Operations: []change.Operation{
			{Kind: change.Move, Path: "customer_name", To: "customer.name"},
			{Kind: change.Add, Path: "customer.card", Value: json.RawMessage(`null`)},
		}},
		{Name: "status", On: "order", Operations: []change.Operation{{Kind: change.Enum, Path: "status", Accept: "archived is closed", Pairs: []change.Pair{
			{Old: json.RawMessage(`"open"`), New: json.RawMessage(`"open"`)},
			{Old: json.RawMessage(`"closed"`), New: json.RawMessage(`"closed"`)},
			{Old: json.RawMessage(`"closed"`), New: json.RawMessage(`"archived"`)},
		}}}},
		{Name: "gift", On: "line", Operations: []change.Operation{{Kind: change.Add, Path: "gift", Value: json.RawMessage(`false`)}}},
	}, objects)
	const theirs = `{"id":7,"customer":{"name":"Ada","card":"C-1"},"status":"archived","lines":[{"sku":"A","qty":1,"gift":true},{"sku":"B","qty":2,"gift":true}]}`
	tests := []struct {
		name, body, want string
		strict           bool // a customer must have a name
	}{
		{"all as it was", `{"id":7,"customer_name":"Ada","status":"closed","lines":[{"sku":"A","qty":1},{"sku":"B","qty":2}]}`, theirs, true},
		{"everything changed", `{"id":7,"customer_name":"Bob","status":"open","lines":[{"sku":"B","qty":3},{"sku":"C","qty":1},{"sku":"A","qty":2}]}`,
			`{"id":7,"customer":{"name":"Bob","card":"C-1"},"status":"open","lines":[{"sku":"B","qty":3,"gift":true},{"sku":"C","qty":1,"gift":false},{"sku":"A","qty":2,"gift":true}]}`, true},
		{"all taken away", `{}`, `{"customer":{"card":"C-1"}}`, false},
		{"all taken away, where what is hidden cannot stand alone", `{}`, `{}`, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mine, err := p.Up([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			fits := func(doc []byte) bool {
				_, customer := jsonspan.Get(doc, "customer")
				_, name := jsonspan.Get(doc, "customer", "name")
				return !test.strict || name || !customer
			}
			got, err := Overlay(p, []byte(theirs), mine, fits)
			if err != nil || !equal(t, got, []byte(test.want)) {
				t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

// What a policy hides is nothing that the caller sees, either: it stays, whatever the caller writes beside it.
func TestOverlayOfWhatIsHidden(t *testing.T) {
	p := compile(t, []*change.Change{{Name: "mail", On: "order", Operations: []change.Operation{{Kind: change.Rename, Path: "mail", To: "email"}}}}, map[string]*change.Object{"order": {Name: "order"}})
	const theirs = `{"email":"a@x","card":{"no":"4111","to":"12/30"},"lines":[{"k":1,"v":"a"},{"k":2,"v":"b"}],"more":{"l":[{"k":2}]}}`
	hide := func(drop, mask, list string) *change.Program {
		var filters []change.Filter
		if list != "" {
			filters = []change.Filter{{List: list, Equals: []change.Condition{{Member: "k", Value: json.RawMessage(`1`)}}}}
		}
		o, err := change.NewObligations(strings.Fields(drop), strings.Fields(mask), filters)
		if err != nil {
			t.Fatal(err)
		}
		joined, err := o.On(p)
		if err != nil {
			t.Fatal(err)
		}
		return joined
	}
	for _, test := range []struct {
		name string
		p    *change.Program
		body string // in the older shape
		want string // "" for unsafe
	}{
		{"all as it was", hide("/card/no", "/email", ""), `{"mail":"***","card":{"to":"12/30"},"lines":[{"k":1,"v":"a"},{"k":2,"v":"b"}],"more":{"l":[{"k":2}]}}`, theirs},
		{"beside it", hide("/card/no", "/email /lines", ""), `{"mail":"***","card":{"to":"01/31"},"lines":null,"more":{"l":[{"k":2}]}}`, strings.Replace(theirs, "12/30", "01/31", 1)},
		{"over it", hide("/card/no", "/email", ""), `{"mail":"b@x","card":{"no":"5","to":"12/30"},"lines":[{"k":1,"v":"a"},{"k":2,"v":"b"}],"more":{"l":[{"k":2}]}}`,
			strings.NewReplacer("a@x", "b@x", "4111", "5").Replace(theirs)},
		{"in items", hide("/lines/*/v", "", ""), `{"mail":"a@x","card":{"no":"4111","to":"12/30"},"lines":[{"k":2},{"k":1}],"more":{"l":[{"k":2}]}}`,
			strings.Replace(theirs, `{"k":1,"v":"a"},{"k":2,"v":"b"}`, `{"k":2,"v":"b"},{"k":1,"v":"a"}`, 1)},
		{"items left out", hide("", "", "/lines"), `{"mail":"b@x","card":{"no":"4111","to":"12/30"},"lines":[{"k":1,"v":"a"}],"more":{"l":[{"k":2}]}}`, strings.Replace(theirs, "a@x", "b@x", 1)},
		{"items left out, another changed", hide("", "", "/lines"), `{"mail":"a@x","card":{"no":"4111","to":"12/30"},"lines":[{"k":1,"v":"c"}],"more":{"l":[{"k":2}]}}`, ""},
		{"items left out, the list taken away", hide("", "", "/lines"), `{"mail":"a@x","card":{"no":"4111","to":"12/30"},"more":{"l":[{"k":2}]}}`, ""},
		{"items left out, the list made null", hide("", "", "/lines"), `{"mail":"a@x","card":{"no":"4111","to":"12/30"},"lines":null,"more":{"l":[{"k":2}]}}`, ""},
		{"items left out, deeper", hide("", "", "/more/l"), `{"mail":"a@x","card":{"no":"4111","to":"12/30"},"lines":[{"k":1,"v":"a"},{"k":2,"v":"b"}],"more":{"l":[{"k":1}]}}`, ""},
		{"items dropped", hide("/lines/*", "", ""), `{"mail":"a@x","card":{"no":"4111","to":"12/30"},"lines":[{"k":1}],"more":{"l":[{"k":2}]}}`, ""},
	} {
		mine, err := test.p.Up([]byte(test.body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Overlay(test.p, []byte(theirs), mine, always)
		if errors.Is(err, ErrUnsafe) != (test.want == "") || test.want != "" && !equal(t, got, []byte(test.want)) {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", test.name, got, err, test.want)
		}
	}
}

// What the caller wrote and what it cannot see exclude each other: nothing is written then.
func TestUnsafe(t *testing.T) {
	p := compile(t, []*change.Change{{Name: "renamed", On: "order", Operations: []change.Operation{{Kind: change.Rename, Path: "a", To: "b"}}}},
		map[string]*change.Object{"order": {Name: "order"}})
	// The service has an a of its own, which is hidden behind b.
	for _, test := range []struct{ theirs, mine, want string }{
		{`{"a":1,"b":2}`, `{"b":3}`, `{"a":1,"b":3}`},
		{`{"a":1,"b":2}`, `{}`, `{}`}, // else the caller who took it away would see the other
		{`{"a":{"x":1},"b":{"y":1}}`, `{"b":{}}`, `{"a":{"x":1},"b":{}}`},
		{`{"a":{"x":1},"b":{"y":1}}`, `{}`, ``},
	} {
		got, err := Overlay(p, []byte(test.theirs), []byte(test.mine), always)
		if string(got) != test.want || errors.Is(err, ErrUnsafe) != (test.want == "") {
			t.Errorf("%s over %s: got %s, %v", test.mine, test.theirs, got, err)
		}
	}
	// What cannot be brought down can neither be seen nor be written by this caller.
	p = compile(t, []*change.Change{{Name: "words", On: "order", Operations: []change.Operation{{Kind: change.Enum, Path: "a", Pairs: []change.Pair{{Old: json.RawMessage(`1`), New: json.RawMessage(`2`)}}}}}},
		map[string]*change.Object{"order": {Name: "order"}})
	if _, err := Overlay(p, []byte(`{"a":1}`), []byte(`{"a":2}`), always); err == nil || errors.Is(err, ErrUnsafe) {
		t.Errorf("got %v", err)
	}
}

// generator makes chains that lose much, and documents that have to do with them.
type generator struct{ *rand.Rand }

func (g generator) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) operation() change.Operation {
	name := func() string { return g.pick("a", "b", "c", "d") }
	raw := func(of ...string) json.RawMessage { return json.RawMessage(g.pick(of...)) }
	switch g.IntN(9) {
	case 6:
		return change.Operation{Kind: change.Split, Path: "n", Parts: []string{"first", "last"}, Separator: " "}
	case 7:
		return change.Operation{Kind: change.Wrap, Path: name(), Member: "w"}
	case 8:
		return change.Operation{Kind: change.List, Path: name()}
	case 0:
		return change.Operation{Kind: change.Rename, Path: name(), To: name()}
	case 1:
		return change.Operation{Kind: change.Move, Path: name(), To: "o." + name()}
	case 2:
		return change.Operation{Kind: change.Add, Path: g.pick("v", "w", "o.v"), Value: raw(`0`, `null`, `"x"`, `{"v":0,"w":1}`)}
	case 3:
		return change.Operation{Kind: change.Drop, Path: name(), Value: raw(`null`, `5`), Accept: "nobody reads it"}
	}
	one := []json.RawMessage{json.RawMessage(`1`), json.RawMessage(`2`), json.RawMessage(`"x"`), json.RawMessage(`null`)}
	o := change.Operation{Kind: change.Enum, Path: name(), Accept: "the first counts"}
	for _, v := range one {
		o.Pairs = append(o.Pairs, change.Pair{Old: v, New: v})
	}
	for range 1 + g.IntN(3) { // several new values for one old
		o.Pairs = append(o.Pairs, change.Pair{Old: one[g.IntN(len(one))], New: json.RawMessage(strconv.Itoa(10 + g.IntN(4)))})
	}
	return o
}

func (g generator) chain(objects map[string]*change.Object) []*change.Change {
	for {
		var c []*change.Change
		for range 1 + g.IntN(3) {
			ch := &change.Change{Name: "c", On: g.pick("order", "order", "line")}
			for range 1 + g.IntN(3) {
				ch.Operations = append(ch.Operations, g.operation())
			}
			c = append(c, ch)
		}
		if !change.Validate(c, objects).HasErrors() {
			return c
		}
	}
}

func (g generator) scalar() string { return g.pick(`1`, `1.0`, `2`, `"x"`, `"\u0078"`, `null`) }

// document writes an object as an older caller would.
func (g generator) document(lines bool) string {
	var members []string
	names := []string{"a", "b", "c", "d", "x"}
	g.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	for _, name := range names[:g.IntN(len(names)+1)] {
		members = append(members, strconv.Quote(name)+":"+g.scalar())
	}
	if g.IntN(2) == 0 {
		members = append(members, `"n":"`+g.pick("p", "p q", "p q r", "p q r s")+`"`)
	}
	if lines {
		var items []string
		for range g.IntN(4) {
			items = append(items, g.document(false))
		}
		members = append(members, `"lines":[`+strings.Join(items, ",")+`]`)
		if g.IntN(2) == 0 {
			members = append(members, `"p":{"q":`+g.scalar()+`}`)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// leaves gives what is not an object or a list, by pointer.
func leaves(v any, at string, into map[string]any) map[string]any {
	if into == nil {
		into = make(map[string]any)
	}
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			leaves(inner, at+"/"+name, into)
		}
	case []any:
		for i, inner := range v {
			leaves(inner, at+"/"+strconv.Itoa(i), into)
		}
	default:
		into[at] = v
	}
	return into
}

// touch changes one value of a document, or takes a member away, at random.
func (g generator) touch(v any, fresh func() any) any {
	switch v := v.(type) {
	case map[string]any:
		var names []string
		for name := range v {
			names = append(names, name)
		}
		if len(names) == 0 {
			return v
		}
		first, _ := v["first"].(string)
		if last, ok := v["last"].(string); ok && g.IntN(2) == 0 { // the same name in other parts
			whole := strings.Split(first+" "+last, " ")
			at := 1 + g.IntN(len(whole)-1)
			v["first"], v["last"] = strings.Join(whole[:at], " "), strings.Join(whole[at:], " ")
			return v
		}
		slices.Sort(names)
		name := names[g.IntN(len(names))]
		if g.IntN(6) == 0 {
			delete(v, name)
			return v
		}
		v[name] = g.touch(v[name], fresh)
		return v
	case []any:
		if len(v) == 0 {
			return v
		}
		i := g.IntN(len(v))
		v[i] = g.touch(v[i], fresh)
		return v
	}
	return fresh()
}

func decode(t *testing.T, doc []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	doc, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func describe(c []*change.Change) string {
	var s strings.Builder
	for _, ch := range c {
		fmt.Fprintf(&s, "\n%s:", ch.On)
		for _, o := range ch.Operations {
			fmt.Fprintf(&s, " %s %s %s%s", o.Kind, o.Path, o.To, o.Value)
			for _, p := range o.Pairs {
				fmt.Fprintf(&s, " %s=%s", p.Old, p.New)
			}
			s.WriteByte(';')
		}
	}
	return s.String()
}

// For generated chains, resources and callers: the caller reads back what it wrote; whoever changed nothing changes
// nothing; and what was hidden at a place that the caller left alone is still there.
func TestProperties(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(5, 6))}
	objects := map[string]*change.Object{"order": {Name: "order", Holds: []change.Held{{Path: "lines[*]", Object: "line"}}}, "line": {Name: "line"}}
	hid, merged, unsafe, survived := 0, 0, 0, 0
	for range 400 {
		chain := g.chain(objects)
		p := compile(t, chain, objects)
		for range 10 {
			base, err := p.Up([]byte(g.document(true)))
			if err != nil {
				continue
			}
			seen, err := p.Down(base)
			if err != nil {
				continue // a constant that an older operation has no word for
			}
			if _, err := p.Up(seen); err != nil {
				continue
			}
			// The service changes what this caller cannot see.
			theirs := base
			for range 12 {
				v := g.touch(decode(t, theirs), func() any { return decode(t, []byte(g.pick(`10`, `11`, `12`, `13`, `7`, `{"v":3}`))) })
				next := encode(t, v)
				if down, err := p.Down(next); err == nil && equal(t, down, seen) {
					theirs = next
				}
			}
			if equal(t, base, theirs) {
				continue
			}
			hid++
			if got, err := Overlay(p, theirs, base, always); err != nil || !equal(t, got, theirs) {
				t.Fatalf("%s\nnothing was changed of\n%s, seen as\n%s, and it became\n%s, %v", describe(chain), theirs, seen, got, err)
			}
			body := seen
			edits := 1 + g.IntN(2)
			for range edits {
				body = encode(t, g.touch(decode(t, body), func() any { return decode(t, []byte(g.pick(`1`, `2`, `"x"`, `null`, `"p t"`))) }))
			}
			mine, err := p.Up(body)
			if err != nil {
				continue
			}
			got, err := Overlay(p, theirs, mine, always)
			if errors.Is(err, ErrUnsafe) {
				unsafe++
				continue
			}
			if err != nil {
				t.Fatalf("%s\n%s over\n%s: %v", describe(chain), body, theirs, err)
			}
			merged++
			if err := jsonspan.Check(got, jsonspan.Bounds{}); err != nil {
				t.Fatal(err)
			}
			wrote, err := p.Down(mine)
			if err != nil {
				t.Fatal(err)
			}
			reads, err := p.Down(got)
			if err != nil || !same(reads, wrote, true) {
				t.Fatalf("%s\n%s over\n%s became\n%s, which reads\n%s, %v", describe(chain), body, theirs, got, reads, err)
			}
			baseLeaves, mineLeaves := leaves(decode(t, base), "", nil), leaves(decode(t, mine), "", nil)
			gotLeaves := leaves(decode(t, got), "", nil)
			for at, value := range leaves(decode(t, theirs), "", nil) {
				was, ok := baseLeaves[at]
				if !ok || reflect.DeepEqual(was, value) || !reflect.DeepEqual(mineLeaves[at], was) {
					continue // not hidden, or the caller's word
				}
				if _, ok := mineLeaves[at]; !ok || edits > 1 && strings.HasPrefix(at, "/lines/") {
					continue // of two items that changed, each may look like what the other was
				}
				if whole, ok := strings.CutSuffix(at, "/first"); ok && !reflect.DeepEqual(mineLeaves[whole+"/last"], baseLeaves[whole+"/last"]) {
					continue // the caller wrote another name
				}
				if whole, ok := strings.CutSuffix(at, "/last"); ok && !reflect.DeepEqual(mineLeaves[whole+"/first"], baseLeaves[whole+"/first"]) {
					continue
				}
				survived++
				if !reflect.DeepEqual(gotLeaves[at], value) {
					t.Fatalf("%s\n%s over\n%s, seen as\n%s, became\n%s: %s is lost", describe(chain), body, theirs, seen, got, at)
				}
			}
		}
	}
	t.Logf("%d resources with something hidden, %d merged, %d refused, %d hidden values survived", hid, merged, unsafe, survived)
	if merged < 500 || survived < 250 || unsafe > merged/100 {
		t.Errorf("%d resources with something hidden, %d merged, %d refused, %d hidden values survived", hid, merged, unsafe, survived)
	}
}
