package change_test

import (
	"math/rand/v2"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// FuzzProgram runs chains made from a seed on whatever bytes there are. Nothing panics; what is strict JSON stays so;
// and what comes up goes down to what it was.
func FuzzProgram(f *testing.F) {
	for i, doc := range []string{`{}`, `{"a":{"b":1},"c":[{"a":1}]}`, `[{"a":"x"},null]`, `{"c":{"a":{}}}`, ` {"a" : 1.0e+2 ,"b":{"c":{"d":"\u0078"}}} `,
		`{"a":{"b":{}}`, `{"a"`, `[1,`, `{"d":{"a":"y","b":null},"\u0061":2}`} {
		f.Add(uint64(i), []byte(doc))
	}
	f.Fuzz(func(t *testing.T, seed uint64, doc []byte) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		o := objects("order", g.pick("c", "c[*]", "a.c"), "line")
		lossy := seed%2 == 0
		c := g.chain(o, lossy)
		p, diags := change.Compile(c, o, []change.Held{{Path: g.pick("", "[*]", "a[*].b"), Object: "order"}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		strict := jsonspan.Check(doc, jsonspan.Bounds{}) == nil
		p.Pointer(string(doc))
		if down, err := p.Down(doc); err == nil && strict {
			checkDeep(t, down)
		}
		up, err := p.Up(doc)
		if err != nil || !strict {
			return
		}
		checkDeep(t, up)
		if lossy {
			return
		}
		down, err := p.Down(up)
		if err != nil {
			t.Fatalf("%s\n%s became %s and does not come down: %v", describe(c), doc, up, err)
		}
		if !equal(t, down, doc) {
			t.Fatalf("%s\n%s became %s and came down as %s", describe(c), doc, up, down)
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
