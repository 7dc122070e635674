package merge

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Each row is a resource as the service has it, what a caller of an older version sees of it, brought up again, and
// what that caller writes. v is a member of the newest version that older callers do not see: they write 0.
func TestMerge(t *testing.T) {
	tests := []struct {
		name                     string
		base, theirs, mine, want string
	}{
		{"nothing is hidden: the caller's word is law", `{"a":1,"b":2}`, `{"b":2,"a":1.0}`, `{"b": 3}`, `{"b": 3}`},
		{"nothing was changed: the resource stays", `{"a":1,"v":0}`, `{"v":7, "a":1}`, `{"v":0.0,"a":1e0}`, `{"v":7, "a":1}`},
		{"a hidden member survives a change beside it", `{"a":1,"v":0}`, `{"a":1,"v":7}`, `{"a":2,"v":0}`, `{"a":2,"v":7}`},
		{"a hidden absence survives too", `{"a":1,"v":0}`, `{"a":1}`, `{"a":2,"v":0}`, `{"a":2}`},
		{"what the caller could see and changed is the caller's", `{"s":"closed","v":0}`, `{"s":"archived","v":7}`, `{"s":"open","v":0}`, `{"s":"open","v":7}`},
		{"what the caller could see in part and left is the service's", `{"s":"closed","a":1}`, `{"s":"archived","a":1}`, `{"s":"closed","a":2}`, `{"s":"archived","a":2}`},
		{"members stand as the service has them, new ones last", `{"a":1,"b":1,"v":0}`, `{"v":7,"b":1,"a":1}`, `{"c":3,"a":1,"b":2,"v":0}`, `{"v":7,"b":2,"a":1,"c":3}`},
		{"a member is taken away", `{"a":1,"b":{"x":1},"v":0}`, `{"a":1,"b":{"x":1},"v":7}`, `{"v":0}`, `{"v":7}`},
		{"an object is taken away, and what is hidden in it stays", `{"b":{"x":1,"v":0,"o":{"v":0},"l":[{"v":0}]}}`, `{"b":{"x":1,"v":7,"o":{"v":7},"l":[{"v":7}]}}`, `{}`, `{"b":{"v":7,"o":{"v":7}}}`},
		{"an object in which only the visible differs is taken away whole", `{"b":{"x":1},"v":0}`, `{"b":{"x":1},"v":7}`, `{"v":0}`, `{"v":7}`},
		{"in depth", `{"a":{"b":{"v":0,"x":1}}}`, `{"a":{"b":{"v":7,"x":1}}}`, `{"a":{"b":{"v":0,"x":2},"n":null}}`, `{"a":{"b":{"v":7,"x":2},"n":null}}`},
		{"another kind of value is the caller's", `{"a":{"v":0}}`, `{"a":{"v":7}}`, `{"a":[1]}`, `{"a":[1]}`},
		{"names are compared as what they spell", `{"\u0061":1,"v":0}`, `{"a":1,"\u0076":7}`, `{"a":2,"v":0}`, `{"a":2,"\u0076":7}`},
		{"no number loses a digit", `{"a":1,"v":0}`, `{"a":1,"v":12345678901234567890.10}`, `{"a":98765432109876543210,"v":0}`, `{"a":98765432109876543210,"v":12345678901234567890.10}`},

		{"items are found again by being equal", `[{"a":1,"v":0},{"a":2,"v":0},{"a":3,"v":0}]`, `[{"a":1,"v":7},{"a":2,"v":8},{"a":3,"v":9}]`,
			`[{"v":0,"a":3},{"a":1,"v":0}]`, `[{"a":3,"v":9},{"a":1,"v":7}]`},
		{"of items that look alike the unchanged stays itself", `[{"a":1,"v":0},{"a":1,"v":0}]`, `[{"a":1,"v":7},{"a":1,"v":8}]`,
			`[{"a":2,"v":0},{"a":1,"v":0}]`, `[{"a":2,"v":7},{"a":1,"v":8}]`},
		{"one more is new", `[{"a":1,"v":0}]`, `[{"a":1,"v":7}]`, `[{"a":0,"v":0},{"a":1,"v":0}]`, `[{"a":0,"v":0},{"a":1,"v":7}]`},
		{"by their id", `[{"id":1,"a":1,"v":0},{"id":2,"a":2,"v":0}]`, `[{"id":1,"a":1,"v":7},{"id":2,"a":2,"v":8}]`,
			`[{"id":2.0,"a":1,"v":0},{"id":3,"a":1,"v":0}]`, `[{"id":2.0,"a":1,"v":8},{"id":3,"a":1,"v":0}]`},
		{"an id that two have is the first's", `[{"id":1,"a":1,"v":0}]`, `[{"id":1,"a":1,"v":7}]`,
			`[{"id":1,"a":2,"v":0},{"id":1,"a":3,"v":0}]`, `[{"id":1,"a":2,"v":7},{"id":1,"a":3,"v":0}]`},
		{"by their id where some have none", `[{"id":1,"v":0},{"id":2,"v":0}]`, `[{"id":1,"v":7},{"id":2,"v":8}]`,
			`[{"a":1,"v":0},{"id":1,"a":1,"v":0}]`, `[{"a":1,"v":0},{"id":1,"v":7,"a":1}]`},
		{"by what names them", `[{"sku":"A","qty":1,"v":0},{"sku":"B","qty":2,"v":0}]`, `[{"sku":"A","qty":1,"v":7},{"sku":"B","qty":2,"v":8}]`,
			`[{"sku":"C","qty":1,"v":0},{"sku":"B","qty":1,"v":0},{"sku":"A","qty":5,"v":0}]`, `[{"sku":"C","qty":1,"v":0},{"sku":"B","qty":1,"v":8},{"sku":"A","qty":5,"v":7}]`},
		{"by their order", `[{"a":1,"v":0},{"a":1,"v":0}]`, `[{"a":1,"v":7},{"a":1,"v":8}]`, `[{"a":2,"v":0},{"a":3,"v":0}]`, `[{"a":2,"v":7},{"a":3,"v":8}]`},
		{"not by their order where some came or went", `[{"a":1,"v":0},{"a":1,"v":0}]`, `[{"a":1,"v":7},{"a":1,"v":8}]`, `[{"a":2,"v":0}]`, `[{"a":2,"v":0}]`},
		{"lists in lists", `{"l":[[{"a":1,"v":0}],[{"a":2,"v":0}]]}`, `{"l":[[{"a":1,"v":7}],[{"a":2,"v":8}]]}`,
			`{"l":[[{"a":2,"v":0},{"a":3,"v":0}]]}`, `{"l":[[{"a":2,"v":0},{"a":3,"v":0}]]}`},
		{"a list of another length than the caller saw is the caller's", `[{"v":0}]`, `[{"v":7},{"v":8}]`, `[{"v":0},{"a":1}]`, `[{"v":0},{"a":1}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := merger{keep: true}
			if got := string(m.merge([]byte(test.base), []byte(test.theirs), []byte(test.mine))); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// The parts of a text that was split are one member to the caller: whoever changes one has changed them all.
func TestParts(t *testing.T) {
	older := func(pointer string) string {
		for _, part := range []string{"/first", "/last"} {
			if whole, ok := strings.CutSuffix(pointer, part); ok {
				return whole + "/name"
			}
		}
		return pointer
	}
	tests := []struct{ name, base, theirs, mine, want string }{
		{"one changed", `{"first":"A","last":"B C"}`, `{"first":"A B","last":"C"}`, `{"first":"A","last":"D"}`, `{"first":"A","last":"D"}`},
		{"the last taken away", `{"p":{"first":"A","last":"B","v":0}}`, `{"p":{"first":"A B","v":7}}`, `{"p":{"first":"A","v":0}}`, `{"p":{"first":"A","v":7}}`},
		{"none changed", `{"first":"A","last":"B C","v":0}`, `{"first":"A B","last":"C","v":7}`, `{"first":"A","last":"B C","x":1,"v":0}`, `{"first":"A B","last":"C","v":7,"x":1}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := merger{keep: true, older: older}
			if got := string(m.merge([]byte(test.base), []byte(test.theirs), []byte(test.mine))); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestEqual(t *testing.T) {
	many := func(from, to, step int) string {
		var b strings.Builder
		for i := from; i != to; i += step {
			b.WriteString(`,"` + strings.Repeat("n", i+1) + `":[{"a":1}]`)
		}
		return "{" + b.String()[1:] + "}"
	}
	tests := []struct {
		a, b string
		want bool
	}{
		{`1e2`, ` 100 `, true},
		{`"\u0061"`, `"a"`, true},
		{`"1"`, `1`, false},
		{`null`, `{}`, false},
		{`[1,2]`, `[1,2,3]`, false},
		{`[1,2,3]`, `[1,2]`, false},
		{`[[],{}]`, `[ [ ] , { } ]`, true},
		{`{"a":1,"b":[2]}`, `{"b":[2.0],"\u0061":1}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1,"b":2}`, `{"a":1}`, false},
		{many(0, 40, 1), many(39, -1, -1), true},
		{many(0, 40, 1), many(40, 0, -1), false},
	}
	for _, test := range tests {
		a, b := []byte(test.a), []byte(test.b)
		if got := Equal(a, b); got != test.want {
			t.Errorf("%s and %s: got %t", a, b, got)
		}
		if got := hash(trim(a)) == hash(trim(b)); got != test.want {
			t.Errorf("the hashes of %s and %s are equal: %t", a, b, got)
		}
	}
}

// FuzzMerge takes any three documents: the result is strict JSON, whoever changed nothing changes nothing, and where
// nothing is hidden the caller's word is law.
func FuzzMerge(f *testing.F) {
	f.Add(`{"a":1,"v":0}`, `{"v":7,"a":1}`, `{"a":2,"v":0}`)
	f.Add(`[{"id":1,"v":0},{"id":2}]`, `[{"id":1,"v":7},{"id":2}]`, `[{"id":2,"x":1}]`)
	f.Add(`{"b":{"x":1,"v":0}}`, `{"b":{"x":1,"v":7}}`, `{}`)
	f.Fuzz(func(t *testing.T, base, theirs, mine string) {
		for _, doc := range []string{base, theirs, mine} {
			if jsonspan.Check([]byte(doc), jsonspan.Bounds{}) != nil {
				return
			}
		}
		for _, keep := range []bool{true, false} {
			run := func(base, theirs, mine string) []byte {
				m := merger{keep: keep, older: func(p string) string { return p[:len(p)/2] }}
				got := m.merge([]byte(base), []byte(theirs), []byte(mine))
				if err := jsonspan.Check(got, jsonspan.Bounds{}); err != nil {
					t.Fatalf("%s\n%s\n%s\nbecame %s: %v", base, theirs, mine, got, err)
				}
				return got
			}
			run(base, theirs, mine)
			if got := run(base, theirs, base); !equal(t, got, []byte(theirs)) {
				t.Fatalf("nothing was changed of\n%s, seen as\n%s, and it became\n%s", theirs, base, got)
			}
			if got := run(base, base, mine); !equal(t, got, []byte(mine)) {
				t.Fatalf("nothing was hidden in\n%s, and\n%s became\n%s", base, mine, got)
			}
		}
	})
}

// equal compares by encoding/json, whose floats differ from decimals only where these differ by less than they can say.
func equal(t *testing.T, a, b []byte) bool {
	t.Helper()
	var va, vb any
	if err := json.Unmarshal(a, &va); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &vb); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(va, vb)
}
