package jsonspan_test

import (
	"reflect"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

const order = ` { "id" : 7, "customer":{"na\u006de":"Ada","e/mail":"a\"b"}, "lines":[ {"qty":1.0e+2} , [2,3], null ], "":true }`

func TestGet(t *testing.T) {
	for _, test := range []struct {
		path []string
		raw  string
		ok   bool
	}{
		{[]string{"id"}, `7`, true},
		{[]string{"customer", "name"}, `"Ada"`, true},
		{[]string{"customer", "e/mail"}, `"a\"b"`, true},
		{[]string{"customer"}, `{"na\u006de":"Ada","e/mail":"a\"b"}`, true},
		{[]string{"lines", "0", "qty"}, `1.0e+2`, true},
		{[]string{"lines", "1", "1"}, `3`, true},
		{[]string{"lines", "2"}, `null`, true},
		{[]string{""}, `true`, true},
		{nil, order[1:], true},
		{[]string{"lines", "3"}, ``, false},
		{[]string{"lines", "01"}, ``, false},
		{[]string{"lines", "-1"}, ``, false},
		{[]string{"lines", "x"}, ``, false},
		{[]string{"id", "x"}, ``, false},
		{[]string{"na"}, ``, false},
		{[]string{"ID"}, ``, false},
	} {
		raw, ok := jsonspan.Get([]byte(order), test.path...)
		if string(raw) != test.raw || ok != test.ok {
			t.Errorf("%q: got %s, %v", test.path, raw, ok)
		}
	}
	if _, ok := jsonspan.Get(nil, "a"); ok {
		t.Error("found something in nothing")
	}
}

func TestIterate(t *testing.T) {
	var got []string
	for name, value := range jsonspan.Members([]byte(` {"a" : 1 , "b":{"c":[]} } `)) {
		got = append(got, string(name), string(value))
	}
	for item := range jsonspan.Items([]byte(`[ 1 ,"x,y", [2] ]`)) {
		got = append(got, string(item))
	}
	for range jsonspan.Items([]byte(`{"a":1}`)) {
		t.Error("an object has no items")
	}
	for range jsonspan.Members([]byte(`[1]`)) {
		t.Error("an array has no members")
	}
	want := []string{`"a"`, `1`, `"b"`, `{"c":[]}`, `1`, `"x,y"`, `[2]`}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		raw  string
		want any
	}{
		{`null`, nil}, {` true `, true}, {`false`, false},
		{`7`, 7}, {`-7`, -7}, {`-0`, 0}, {`9223372036854775807`, 9223372036854775807},
		{`9223372036854775808`, 9223372036854775808.0},
		{`7.0`, 7.0}, {`1e2`, 100.0}, {`0.1`, 0.1},
		{`"\u00e9\n\ud83d\ude00\/"`, "é\n😀/"},
		{`[]`, []any{}}, {`{}`, map[string]any{}},
		{`{"a":[1,{"b":"c"}]}`, map[string]any{"a": []any{1, map[string]any{"b": "c"}}}},
	} {
		got, err := jsonspan.Decode([]byte(test.raw))
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %#v, %v", test.raw, got, err)
		}
	}
	for _, raw := range []string{``, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[`, `[1`, `[1,`, `"`, `x`, `1 2`, `-`, `{1:2}`} {
		if got, err := jsonspan.Decode([]byte(raw)); err == nil {
			t.Errorf("%s: got %#v", raw, got)
		}
	}
}

func TestScalarsOfEqualValueAreSpeltAlike(t *testing.T) {
	seen := make(map[string]bool)
	for _, same := range [][]string{
		{`100`, `1e2`, `1.0e+2`, `100.00`, `1000E-1`, `0.1e3`},
		{`0`, `-0`, `0.00`, `0e999999999`},
		{`-1.5`, `-15e-1`, `-0.015E2`},
		{`9007199254740993`, `9007199254740993.0`},
		{`"a/é"`, `"\u0061\/\u00e9"`},
		{`true`}, {`false`}, {`null`}, {`"true"`}, {`"100"`}, {`9007199254740992`}, {`1`}, {`-100`}, {`10`, `1E000000000000001`, `1000e-00000000000000000002`}, {`""`},
	} {
		first := string(jsonspan.AppendScalar(nil, []byte(same[0])))
		for _, raw := range same[1:] {
			if got := string(jsonspan.AppendScalar(nil, []byte(raw))); got != first {
				t.Errorf("%s is %s, %s is %s", same[0], first, raw, got)
			}
		}
		if seen[first] {
			t.Errorf("%s is spelt like another value", same[0])
		}
		seen[first] = true
	}
}

func TestPointers(t *testing.T) {
	for _, p := range []string{"", "/", "/a", "/a~1b/~0/0", "//"} {
		if got := jsonspan.Join(jsonspan.Split(p)); got != p {
			t.Errorf("%q became %q", p, got)
		}
	}
	doc := []byte(`{"a":[0,{"b/c":1}],"d":{}}`)
	for offset, want := range map[int]string{0: "", 1: "/a", 5: "/a", 6: "/a/0", 8: "/a/1", 9: "/a/1/b~1c", 15: "/a/1/b~1c", 17: "/a", 19: "/d", 23: "/d"} {
		if got := jsonspan.Locate(doc, offset); got != want {
			t.Errorf("byte %d lies in %q, not %q", offset, got, want)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	doc := kilobyte()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := jsonspan.Get(doc, "total", "amount"); !ok {
			b.Fatal("not found")
		}
	}
}
