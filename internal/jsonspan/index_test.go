package jsonspan_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// walkIndex demands that the index says of the value at node n what its text does, and gives the node behind it.
func walkIndex(t *testing.T, index *jsonspan.Index, n int, raw []byte) int {
	t.Helper()
	if !bytes.Equal(index.Raw(n), raw) || index.First(n) != raw[0] {
		t.Fatalf("node %d is %s, not %s", n, index.Raw(n), raw)
	}
	if raw[0] == '"' && index.Escaped(n) != bytes.Contains(raw, []byte(`\`)) {
		t.Fatalf("%s: escapes: %v", raw, index.Escaped(n))
	}
	if text, ok := index.Plain(n); ok != (raw[0] == '"' && !bytes.Contains(raw, []byte(`\`))) || ok && string(text) != jsonspan.Text(raw) {
		t.Fatalf("%s: the text is %s, %v", raw, text, ok)
	}
	number, err := strconv.ParseInt(string(raw), 10, 64)
	if i, ok := index.Integer(n); ok != (err == nil && raw[0] != '-' && len(raw) <= 18) || ok && i != number {
		t.Fatalf("%s: the number is %d, %v", raw, i, ok)
	}
	if raw[0] != '{' && raw[0] != '[' {
		if index.Next(n) != n+1 {
			t.Fatalf("behind %s comes %d", raw, index.Next(n))
		}
		return n + 1
	}
	c, count, at := index.Open(n), 0, n+1
	if raw[0] == '[' {
		for item := range jsonspan.Items(raw) {
			if !c.Next() || c.Value != at {
				t.Fatalf("item %d of %s: %+v", count, raw, c)
			}
			at = walkIndex(t, index, c.Value, item)
			count++
		}
	} else {
		for name, value := range jsonspan.Members(raw) {
			if !c.Next() || c.NameValue() != at || c.Value != at+1 || c.Escaped != bytes.Contains(name, []byte(`\`)) || !bytes.Equal(index.Raw(at), name) {
				t.Fatalf("member %s of %s: %+v", name, raw, c)
			}
			if found, _ := index.Find(n, jsonspan.Text(name)); found != c.Value {
				t.Fatalf("%s is at %d", name, found)
			}
			at = walkIndex(t, index, c.Value, value)
			count++
		}
		if found, steps := index.Find(n, "no such name"); found >= 0 || steps != count {
			t.Fatalf("found %d in %d steps, among %d", found, steps, count)
		}
	}
	if c.Next() || c.Broken || index.Count(n) != count || index.Next(n) != at {
		t.Fatalf("%s: %d members or items, not %d; behind it comes %d", raw, index.Count(n), count, index.Next(n))
	}
	return at
}

// parse demands that Parse says what Check says, and that the index is right.
func parse(t *testing.T, doc []byte) {
	t.Helper()
	index, err := jsonspan.Parse(doc, jsonspan.Bounds{})
	wrong := jsonspan.Check(doc, jsonspan.Bounds{})
	if (err == nil) != (wrong == nil) || err != nil && err.Error() != wrong.Error() {
		t.Fatalf("%q: Parse says %v, Check %v", doc, err, wrong)
	}
	if index == nil {
		return
	}
	defer index.Release()
	value, _ := jsonspan.Get(doc)
	if end := walkIndex(t, index, 0, value); end != index.Len() {
		t.Fatalf("%q: %d nodes, not %d", doc, index.Len(), end)
	}
	if !index.Of(doc) || index.Of(bytes.Clone(doc)) || index.Of(nil) {
		t.Fatalf("%q: the index does not know its document", doc)
	}
}

func TestParse(t *testing.T) {
	for _, doc := range append(seeds, string(kilobyte()), string(members(100)), ` [ ] `, ` { } `, `[[],{},[{}],{"a":[]}]`, `{"a\n":{"\"":"\\"}}`) {
		parse(t, []byte(doc))
	}
}

// A document of more values and names than an index may have has none, and is checked all the same.
func TestParseIsBounded(t *testing.T) {
	for _, c := range []struct {
		values  int
		indexed bool
	}{{65_534, true}, {65_535, false}, {200_000, false}} {
		doc := []byte("[" + strings.Repeat("0,", c.values-1) + "0]")
		index, err := jsonspan.Parse(doc, jsonspan.Bounds{})
		if err != nil || (index != nil) != c.indexed {
			t.Errorf("%d values: %v, %v", c.values, index != nil, err)
		}
		doc[len(doc)-2] = '}'
		if index, err := jsonspan.Parse(doc, jsonspan.Bounds{}); err == nil || index != nil {
			t.Errorf("%d values, broken: %v, %v", c.values, index != nil, err)
		}
	}
	index, err := jsonspan.Parse([]byte("1"), jsonspan.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	defer index.Release()
	if _, ok := index.Integer(-1); ok {
		t.Error("no node is a number")
	}
	if _, ok := index.Plain(-1); ok {
		t.Error("no node is a text")
	}
	var none *jsonspan.Index
	if none.Of([]byte("1")) {
		t.Error("no index is one of a document")
	}
}
