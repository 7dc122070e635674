package xmlform_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// FuzzDecode reads whatever bytes there are. What is taken is well-formed to encoding/xml too, becomes strict JSON
// within its bound, and comes back from its own XML as the same bytes.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		``, `<order/>`, header + `<order id="1"><lines><sku>A</sku><qty>1</qty></lines></order>`, "\ufeff<order><total> 1\t</total></order>",
		`<order` + xsi + `><total xsi:nil="true"/><tags><tag>a</tag></tags></order>`, `<order><status><![CDATA[<]]>&#x1F600;<!-- --></status></order>`,
		`<order><labels><a_x0020_b>1</a_x0020_b></labels><grid><grid>1</grid></grid></order>`, `<!DOCTYPE order><order/>`, `<order><lines/><total>1</total><lines/></order>`,
		`<order><parent><parent><holes/></parent></parent></order>`, `<order><note>x</note></order><order/>`, `<?xml version="1.0" encoding="utf-7"?><order/>`,
	} {
		f.Add([]byte(s))
	}
	r, w := reader(f, "order", order), writer(f, "response", xmlform.Part{Name: "order", Schema: []byte(order)})
	f.Fuzz(func(t *testing.T, doc []byte) {
		const limit = 1 << 16
		got, err := r.Decode(nil, doc, limit)
		if err != nil {
			var e *xmlform.Error
			if !errors.Is(err, xmlform.ErrTooLarge) && (!errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Detail == "") {
				t.Fatalf("%q: %#v", doc, err)
			}
			return
		}
		if err := wellFormed(doc); err != nil {
			t.Fatalf("accepted %q: %v", doc, err)
		}
		// What is added once all is read: brackets, and lists that must be there.
		if len(got) > limit+64*len(`,"lines":[]}`) {
			t.Fatalf("%d bytes", len(got))
		}
		if err := jsonspan.Check(got, jsonspan.Bounds{}); err != nil {
			t.Fatalf("%q became %s: %v", doc, got, err)
		}
		back, err := w.Encode(nil, got, 1<<24)
		if err != nil {
			t.Fatalf("%q became %s: %v", doc, got, err)
		}
		again, err := r.Decode(nil, back, 1<<20)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%s became\n%s, then\n%s, %v", got, back, again, err)
		}
	})
}

// FuzzEncode writes whatever strict JSON there is: the result is well-formed to encoding/xml.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `[1,[2,{"a":null}]]`, `{"a b":"<","":{"é":[]},"id":"\u0001"}`, `{"tags":[null],"lines":{"x":1},"labels":[[["a"]]]}`} {
		f.Add([]byte(s))
	}
	w := writer(f, "response", xmlform.Part{Name: "order", Schema: []byte(order)})
	f.Fuzz(func(t *testing.T, doc []byte) {
		strict := jsonspan.Check(doc, jsonspan.Bounds{}) == nil
		for _, w := range []*xmlform.Writer{w, xmlform.NewProblemWriter()} {
			got, err := w.Encode(nil, doc, 1<<16)
			if err != nil || !strict {
				continue
			}
			if err := wellFormed(got); err != nil || len(got) > 1<<16 {
				t.Fatalf("%q became %q: %v", doc, got, err)
			}
		}
	})
}

// wellFormed reads a document to its end with the standard library.
func wellFormed(doc []byte) error {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(doc, []byte("\ufeff"))))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestRoundTrip writes and reads documents that chance makes of the schema.
func TestRoundTrip(t *testing.T) {
	r, w := reader(t, "order", order), writer(t, "response", xmlform.Part{Name: "order", Schema: []byte(order)})
	n := 5_000
	if testing.Short() {
		n = 1000
	}
	for seed := range n {
		g := generator{rand.New(rand.NewPCG(uint64(seed), 3))}
		doc := g.order(nil, 3)
		if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
			t.Fatalf("seed %d: %s: %v", seed, doc, err)
		}
		form, err := w.Encode(nil, doc, 1<<20)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, doc, err)
		}
		back, err := r.Decode(nil, form, 1<<20)
		if err != nil || !bytes.Equal(back, doc) {
			t.Fatalf("seed %d:\n%s became\n%s, then\n%s, %v", seed, doc, form, back, err)
		}
	}
}

type generator struct{ *rand.Rand }

func (g generator) pick(all ...string) string { return all[g.IntN(len(all))] }

func (g generator) string() string {
	return g.pick(`""`, `"a"`, `" a  "`, `"<&>\"'"`, `"\n\r\t\\"`, `"😀é"`, `"12"`, `"true"`, `"]]>"`, `"<!-- -->"`)
}

func (g generator) number() string {
	return g.pick("0", "-1", "1.50", "1e3", "12345678901234567890", "-0.0")
}

// members writes some of the members given, the attributes first, as XML has them, and the list that must be there.
func (g generator) members(all ...func(dst []byte) []byte) []byte {
	b := []byte{'{'}
	for _, one := range all {
		before := len(b)
		if before > 1 {
			b = append(b, ',')
		}
		mark := len(b)
		if b = one(b); len(b) == mark {
			b = b[:before]
		}
	}
	return append(b, '}')
}

func (g generator) maybe(name string, value func() string) func([]byte) []byte {
	return func(dst []byte) []byte {
		if g.IntN(3) == 0 {
			return dst
		}
		return append(append(strconv.AppendQuote(dst, name), ':'), value()...)
	}
}

func (g generator) list(least int, item func() string) func() string {
	return func() string {
		b := []byte{'['}
		for i := range least + g.IntN(3) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, item()...)
		}
		return string(append(b, ']'))
	}
}

func (g generator) order(dst []byte, depth int) []byte {
	line := func() string { return string(g.members(g.maybe("qty", g.number), g.maybe("sku", g.string))) }
	null := func(f func() string) func() string {
		return func() string {
			if g.IntN(3) == 0 {
				return "null"
			}
			return f()
		}
	}
	customer := func() string {
		return string(g.members(g.maybe("email", null(g.string)), g.maybe("vip", func() string { return g.pick("true", "false") }), g.maybe("name", g.string)))
	}
	parent := func() string {
		if depth == 0 {
			return `{"lines":[]}`
		}
		return string(g.order(nil, depth-1))
	}
	labels := func() string {
		return string(g.members(g.maybe("a", g.string), g.maybe("b c", g.string), g.maybe("", g.string), g.maybe("_x0020_", g.string), g.maybe("😀", g.string)))
	}
	lines := func(dst []byte) []byte { return append(append(dst, `"lines":`...), g.list(1, line)()...) }
	none := func(dst []byte) []byte { return dst }
	last := func(dst []byte) []byte { return append(dst, `"lines":[]`...) }
	if g.IntN(2) == 0 {
		lines = none
	} else {
		last = none
	}
	return append(dst, g.members(
		g.maybe("id", g.string), g.maybe("rev", g.number), g.maybe("total", null(g.number)), g.maybe("customer", customer),
		lines, g.maybe("parent", parent), g.maybe("tags", g.list(0, g.string)), g.maybe("codes", g.list(1, g.number)),
		g.maybe("grid", g.list(1, g.list(0, g.number))), g.maybe("labels", labels), g.maybe("maybe", null(g.list(1, g.string))),
		g.maybe("holes", g.list(1, null(g.string))), g.maybe("note", g.string), last,
	)...)
}

// large is an order of about 1 KiB in XML.
var large = []byte(header + `<order id="o-1" revision="3"><customer><name>Ada Lovelace</name><email>ada@example.org</email><vip>true</vip></customer><total>1230</total><status>open</status>` +
	string(bytes.Repeat([]byte(`<lines><sku>ABC-123-DEF</sku><qty>12</qty></lines>`), 15)) + `<tags><tag>a</tag><tag>b</tag></tags></order>`)

func BenchmarkDecode(b *testing.B) {
	r := reader(b, "order", order)
	var dst []byte
	b.SetBytes(int64(len(large)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = r.Decode(dst[:0], large, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	doc, err := reader(b, "order", order).Decode(nil, large, 1<<20)
	if err != nil {
		b.Fatal(err)
	}
	w := writer(b, "response", xmlform.Part{Name: "order", Schema: []byte(order)})
	var dst []byte
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if dst, err = w.Encode(dst[:0], doc, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTokens is what the standard library takes only to find the tokens of the same document.
func BenchmarkTokens(b *testing.B) {
	b.SetBytes(int64(len(large)))
	b.ReportAllocs()
	for b.Loop() {
		if err := wellFormed(large); err != nil {
			b.Fatal(err)
		}
	}
}
