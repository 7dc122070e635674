package sanitize

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func TestText(t *testing.T) {
	for _, c := range []struct {
		steps      []Step
		text, want string
	}{
		{nil, " A ", " A "},
		{[]Step{Trim}, " \t\n\u00a0\u2003a b\u0085 ", "a b"},
		{[]Step{NFC}, "e\u0301\ufb01", "\u00e9\ufb01"},
		{[]Step{NFKC}, "e\u0301\ufb01\uff21", "\u00e9fiA"},
		{[]Step{Lower}, "ADA@Example.ORG \u00c9", "ada@example.org \u00e9"},
		{[]Step{Strip}, "a\x00\x1b[31m\u0085\x7f\tb\r\n", "a[31m\tb\r\n"},
		{[]Step{NFKC, Lower, Trim}, "\u3000\uff21\uff24\uff21 ", "ada"},
		{[]Step{Strip, Trim}, "\x00 a", "a"},
		{[]Step{Trim, Strip}, "\x00 a", " a"},
	} {
		if got := Text(c.text, c.steps...); got != c.want {
			t.Errorf("%v of %q: got %q, want %q", c.steps, c.text, got, c.want)
		}
	}
}

func program() *Program {
	return New(
		Field{[]string{"email"}, []Step{Trim, Lower}},
		Field{[]string{"home", "city"}, []Step{NFC}},
		Field{[]string{"lines", "", "sku"}, []Step{Trim}},
		Field{[]string{"tags", ""}, []Step{Strip}},
		Field{[]string{"email"}, []Step{Strip}},
	)
}

func TestApply(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"nothing to do", `{ "email" : "a@b.example", "x": " Y " }`, ""},
		{"a text", `{ "email" : " A@B.example\u0000", "x": " Y ",  "n": 1.50e1 }`, `{ "email" : "a@b.example", "x": " Y ",  "n": 1.50e1 }`},
		{"by an escaped name", `{"\u0065mail": "A"}`, `{"\u0065mail": "a"}`},
		{"within an object", "{\"home\": {\"city\": \"Ko\u0308ln\", \"zip\": \" 1 \"}}", "{\"home\": {\"city\": \"K\u00f6ln\", \"zip\": \" 1 \"}}"},
		{"in the items of a list", `{"lines": [{"sku": " A"}, {"sku": "B"}, 7, {"x": " "}, {"sku": "C "}]}`, `{"lines": [{"sku": "A"}, {"sku": "B"}, 7, {"x": " "}, {"sku": "C"}]}`},
		{"texts in a list", `{"tags": ["a", "\u001bb", 1, null, ["\u0000"]]}`, `{"tags": ["a", "b", 1, null, ["\u0000"]]}`},
		{"what is no text", `{"email": {"a": " "}, "home": [" "], "lines": {"sku": " "}, "tags": " "}`, ""},
		{"a text that becomes empty", `{"email": "  "}`, `{"email": ""}`},
		{"what must be escaped", `{"email": " \"\\\u0041\" "}`, `{"email": "\"\\a\""}`},
		{"an escape that says nothing else stays", `{"email": "\u0061"}`, ""},
		{"no object", `" A "`, ""},
	} {
		tidied, changed := program().Apply([]byte(c.doc))
		got, want := string(tidied), c.want != ""
		if c.want == "" {
			c.want = c.doc
		}
		if got != c.want || changed != want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// FuzzApply holds what becomes of a document against the same done to its decoded values.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"email": " A\u0000", "lines": [{"sku": " "}], "tags": ["\u001b"], "home": {"city": "x"}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if jsonspan.Check(doc, jsonspan.Bounds{}) != nil {
			return
		}
		got, _ := program().Apply(doc)
		if err := jsonspan.Check(got, jsonspan.Bounds{}); err != nil {
			t.Fatalf("%s became %s: %v", doc, got, err)
		}
		var before, after any
		if json.Unmarshal(doc, &before) != nil || json.Unmarshal(got, &after) != nil {
			return // numbers beyond a float
		}
		if want := slow(&program().root, before); !reflect.DeepEqual(after, want) {
			t.Fatalf("%s became %s", doc, got)
		}
	})
}

func slow(n *node, v any) any {
	switch v := v.(type) {
	case string:
		return Text(v, n.steps...)
	case map[string]any:
		for name, m := range n.members {
			if value, ok := v[name]; ok {
				v[name] = slow(m, value)
			}
		}
	case []any:
		for i := range v {
			if n.items != nil {
				v[i] = slow(n.items, v[i])
			}
		}
	}
	return v
}

func BenchmarkApply(b *testing.B) {
	doc := []byte(`{"email": "ada@example.org", "lines": [` + strings.TrimSuffix(strings.Repeat(`{"sku": "a-1234", "qty": 12, "text": "a longer text of the line"},`, 14), ",") + `]}`)
	p := program()
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		p.Apply(doc)
	}
}
