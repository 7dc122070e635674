package change_test

import (
	"math/rand/v2"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// FuzzProgram runs chains made from a seed on whatever bytes there are. Nothing panics; what is strict JSON stays so;
// and what comes up goes down to what it was, or the other way round, where the operations keep that law.
func FuzzProgram(f *testing.F) {
	for i, doc := range []string{`{}`, `{"a":{"b":1},"c":[{"a":1}]}`, `[{"a":"x"},null]`, `{"c":{"a":{}}}`, ` {"a" : 1.0e+2 ,"b":{"c":{"d":"\u0078"}}} `,
		`{"a":{"b":{}}`, `{"a"`, `[1,`, `{"d":{"a":"y","b":null},"\u0061":2}`, `{"a":"12.50","b":"x y","c":[{"d":[{"a":-0.0,"b":"true"}]}]}`, `{"a":[[1e2]],"b":{"c":{"d":"1e300"}}}`,
		`{"c":{"d":{"d":{"d":{"a":"\u002d0.00","b":"x--"}}}}}`} {
		for seed := range uint64(6) {
			f.Add(6*uint64(i)+seed, []byte(doc))
		}
	}
	f.Fuzz(func(t *testing.T, seed uint64, doc []byte) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		held, own, o := g.places()
		kinds := [][]change.Kind{change.Kinds, keepR, keepS}[seed%3]
		c := g.chainOf(o, kinds)
		root := g.pick("", "", "[*]", "a[*].b")
		p, diags := change.Compile(c, o, []change.Held{{Path: root, Object: "order"}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		strict := jsonspan.Check(doc, jsonspan.Bounds{}) == nil
		p.Pointer(string(doc))
		first, second := p.Up, p.Down
		if seed%3 == 2 {
			first, second = p.Down, p.Up
		} else if down, err := p.Down(doc); err == nil && strict {
			checkDeep(t, down)
		}
		there, err := first(doc)
		if err != nil || !strict {
			return
		}
		checkDeep(t, there)
		switch seed % 3 {
		case 0:
			return
		case 2:
			if root != "" || doc[0] != '{' {
				return
			}
			if _, err := (reference{c, held, own}).run(doc, false, true); err != nil {
				return
			}
		}
		back, err := second(there)
		if err != nil {
			t.Fatalf("%s\n%s became %s and does not come back: %v", describe(c), doc, there, err)
		}
		if !equal(t, back, doc) {
			t.Fatalf("%s\n%s became %s and came back as %s", describe(c), doc, there, back)
		}
	})
}

// checkDeep allows for the objects that moves make around what was as deep as may be.
func checkDeep(t *testing.T, doc []byte) {
	t.Helper()
	if err := jsonspan.Check(doc, jsonspan.Bounds{Depth: 1000}); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
}
