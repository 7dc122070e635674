package integration

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func TestSet(t *testing.T) {
	for _, test := range []struct{ doc, path, value, want string }{
		{`{}`, "a", `1`, `{"a":1}`},
		{` { } `, "a", `1`, `{"a":1}`},
		{`{"a": 1, "b": [1, 2]}`, "a", `"x"`, `{"a":"x","b":[1, 2]}`},
		{`{"b":2}`, "a.b.c", `null`, `{"b":2,"a":{"b":{"c":null}}}`},
		{`{"a":{"x":1.50}}`, "a.b", `true`, `{"a":{"x":1.50,"b":true}}`},
		{`{"a":null,"c":1}`, "a.b", `2`, `{"a":{"b":2},"c":1}`},
		{`{"\u0061":1}`, "a", `2`, `{"\u0061":2}`},
		{`{}`, `a"b`, `2`, `{"a\"b":2}`},
		{`{"a":1}`, "a.b", `2`, ""},
		{`{"a":[]}`, "a.b", `2`, ""},
		{`[]`, "a", `2`, ""},
		{`1`, "a", `2`, ""},
	} {
		got, err := set(nil, []byte(test.doc), strings.Split(test.path, "."), []byte(test.value))
		if (err != nil) != (test.want == "") || err == nil && string(got) != test.want {
			t.Errorf("%s, %s: got %s, %v; want %s", test.doc, test.path, got, err, test.want)
		}
	}
}

func TestForm(t *testing.T) {
	for doc, want := range map[string]string{
		`{}`:                                "",
		`{"a":1,"b":"x y&=","c":true}`:      "a=1&b=x+y%26%3D&c=true",
		`{"a":null,"b":1e3,"c":12.50}`:      "a=&b=1e3&c=12.50",
		`{"a":{"b":{"c d":1}},"e":{}}`:      "a[b][c d]=1",
		`{"a":[1,{"b":[2,3]}],"c":[]}`:      "a[0]=1&a[1][b][0]=2&a[1][b][1]=3",
		`{"a]":{"[b":"ä\n"}}`:               "a%5D[%5Bb]=%C3%A4%0A",
		` {"\u0061":"\u0062\ud83d\ude00"} `: "a=b%F0%9F%98%80",
	} {
		got, err := encodeForm([]byte(doc), 1000)
		if plain := strings.NewReplacer("%5B", "[", "%5D", "]", "+", " ").Replace(string(got)); err != nil || plain != strings.NewReplacer("%5B", "[", "%5D", "]", "+", " ").Replace(want) {
			t.Errorf("%s: got %s, %v; want %s", doc, got, err, want)
		}
	}
	for _, doc := range []string{`[]`, `1`, `"a"`, ``, `{"` + strings.Repeat("a", 1000) + `":1}`} {
		if got, err := encodeForm([]byte(doc), 1000); err == nil {
			t.Errorf("%s: got %s", doc, got)
		}
	}
}

// Whatever is set in whatever document, the outcome is strict JSON again and has the value; and a form of it is one.
func FuzzShape(f *testing.F) {
	for _, doc := range []string{`{}`, `{"a":{"b":[1,{"c":null}]},"d":"x"}`, `{"a":null}`, ` {"\u0061" : 1.0e5 , "b":{}} `} {
		f.Add([]byte(doc), "a", "b")
	}
	f.Fuzz(func(t *testing.T, doc []byte, outer, inner string) {
		name, err := json.Marshal(outer)
		if jsonspan.Check(doc, jsonspan.Bounds{}) != nil || err != nil || jsonspan.Check(name, jsonspan.Bounds{}) != nil || json.Unmarshal(name, &outer) != nil {
			return
		}
		name, err = json.Marshal(inner)
		if err != nil || jsonspan.Check(name, jsonspan.Bounds{}) != nil || json.Unmarshal(name, &inner) != nil {
			return
		}
		changed, err := set(nil, doc, []string{outer, inner}, []byte(`[7]`))
		if err == nil {
			if err := jsonspan.Check(changed, jsonspan.Bounds{Depth: 200}); err != nil {
				t.Fatalf("%s became %s: %v", doc, changed, err)
			}
			if got, ok := jsonspan.Get(changed, outer, inner); !ok || string(got) != `[7]` {
				t.Fatalf("%s became %s", doc, changed)
			}
		}
		if form, err := encodeForm(doc, 1<<20); err == nil {
			if _, err := url.ParseQuery(string(form)); err != nil {
				t.Fatalf("%s became %s: %v", doc, form, err)
			}
		}
	})
}

func BenchmarkShape(b *testing.B) {
	doc := []byte(`{"id":"o1","customer":{"name":"Ada","email":"ada@example.org"},"lines":[{"sku":"A","qty":1},{"sku":"B","qty":2}],"total":{"amount":1230,"currency":"EUR"}}`)
	b.ReportAllocs()
	for b.Loop() {
		changed, err := set(nil, doc, []string{"metadata", "order"}, []byte(`"o1"`))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := encodeForm(changed, maxSent); err != nil {
			b.Fatal(err)
		}
	}
}
