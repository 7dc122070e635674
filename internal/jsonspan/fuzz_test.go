package jsonspan_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

var seeds = []string{
	``, `{}`, `[]`, `0`, `-0.0e-0`, `1e400`, `"\u0000"`, `"\ud800"`, `"\ud83d\ude00"`, order, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`,
	`[1,2,[3,{"x":null}],"é"]`, `{}{}`, "\ufeff{}", `{"a`, `[[[[`, `{"a":"\`, `{"":{"":{"":""}}}`, "[1\n,\t2]", "\"\xff\"", `9223372036854775808`, `1E000000000001`,
	`{"0":0,"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"\u0030":0}`,
}

// FuzzCheck holds Check against encoding/json: what Check accepts, encoding/json reads, and to the same value; what
// encoding/json cannot read, or what names a member twice, Check refuses.
func FuzzCheck(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		err := jsonspan.Check(doc, jsonspan.Bounds{})
		parse(t, doc)
		mine, decodeErr := jsonspan.Decode(doc)
		if err != nil {
			e := err.(*jsonspan.Error)
			if e.Offset < 0 || e.Offset > len(doc) || e.Detail == "" {
				t.Fatalf("%q: %+v", doc, e)
			}
			return
		}
		if !utf8.Valid(doc) {
			t.Fatalf("accepted %q, which is not UTF-8", doc)
		}
		if twice(json.NewDecoder(bytes.NewReader(doc))) {
			t.Fatalf("accepted %q, where a name stands twice", doc)
		}
		var theirs any
		if err := json.Unmarshal(doc, &theirs); err != nil {
			t.Fatalf("accepted %q: %v", doc, err)
		}
		if decodeErr != nil {
			t.Fatalf("accepted %q, which Decode cannot read: %v", doc, decodeErr)
		}
		if !reflect.DeepEqual(floats(mine), theirs) {
			t.Fatalf("%q: %#v is not %#v", doc, mine, theirs)
		}
		walk(t, doc, theirs)
	})
}

// FuzzAccess opens whatever bytes there are: nothing may panic.
func FuzzAccess(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), "a")
	}
	f.Fuzz(func(_ *testing.T, doc []byte, path string) {
		jsonspan.Get(doc, path, path)
		for name, value := range jsonspan.Members(doc) {
			jsonspan.Is(name, path)
			jsonspan.AppendScalar(nil, value)
		}
		for item := range jsonspan.Items(doc) {
			jsonspan.AppendScalar(nil, item)
		}
		if i := jsonspan.Space(doc, 0); i < len(doc) && (doc[i] == '{' || doc[i] == '[') {
			for c := jsonspan.Open(doc, i); c.Next(); {
				c.At = jsonspan.Value(doc, c.Value)
			}
		}
		for i := range len(doc) + 1 {
			jsonspan.Locate(doc, i)
		}
		jsonspan.Text(doc)
	})
}

// walk compares the spans of doc with the value they spell.
func walk(t *testing.T, raw []byte, want any) {
	t.Helper()
	raw, ok := jsonspan.Get(raw)
	if !ok {
		t.Fatal("found no value")
	}
	switch want := want.(type) {
	case map[string]any:
		n := 0
		for name, value := range jsonspan.Members(raw) {
			text := jsonspan.Text(name)
			if !jsonspan.Is(name, text) {
				t.Fatalf("%s is not %q", name, text)
			}
			if got, ok := jsonspan.Get(raw, text); !ok || !bytes.Equal(got, value) {
				t.Fatalf("%q leads to %s", text, got)
			}
			walk(t, value, want[text])
			n++
		}
		if n != len(want) {
			t.Fatalf("%d members, not %d", n, len(want))
		}
	case []any:
		n := 0
		for item := range jsonspan.Items(raw) {
			walk(t, item, want[n])
			n++
		}
		if n != len(want) {
			t.Fatalf("%d items, not %d", n, len(want))
		}
	case string:
		quoted := jsonspan.AppendQuote(nil, want)
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil || back != want {
			t.Fatalf("%q was written as %s", want, quoted)
		}
	case float64:
		// The spelling that equal numbers share is a spelling of the same number.
		r, ok := new(big.Rat).SetString(string(raw))
		if len(raw) > 40 || want == 0 || want > 1e50 || want < -1e50 || want < 1e-50 && want > -1e-50 || !ok {
			return
		}
		s, ok := new(big.Rat).SetString(string(jsonspan.AppendScalar(nil, raw)))
		if !ok || r.Cmp(s) != 0 {
			t.Fatalf("%s was spelt %s", raw, jsonspan.AppendScalar(nil, raw))
		}
	}
}

func floats(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = floats(v[k])
		}
	}
	return v
}

// twice walks the tokens of one value and says whether some object names a member twice.
func twice(d *json.Decoder) bool {
	token, err := d.Token()
	if err != nil {
		return false
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return false
	}
	names := make(map[string]bool)
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return false
			}
			if names[name.(string)] {
				return true
			}
			names[name.(string)] = true
		}
		if twice(d) {
			return true
		}
	}
	_, _ = d.Token()
	return false
}
