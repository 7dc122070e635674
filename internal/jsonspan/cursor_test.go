package jsonspan_test

import (
	"reflect"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func TestCursor(t *testing.T) {
	for _, test := range []struct {
		doc    string
		found  []string
		broken bool
	}{
		{`{}`, nil, false},
		{`[ ]`, nil, false},
		{` {"a" : 1 , "\u0062":{"c":[]} } `[1:], []string{`"a"`, `1`, `"\u0062"`, `{"c":[]}`}, false},
		{`[ 1 ,"x,y", [2] ],`, []string{``, `1`, ``, `"x,y"`, ``, `[2]`}, false},
		{`{"a"`, nil, true},
		{`{"a":`, nil, true},
		{`{"a":1`, []string{`"a"`, `1`}, true},
		{`{"a":1 "b":2}`, []string{`"a"`, `1`}, true},
		{`{1:2}`, nil, true},
		{`[1`, []string{``, `1`}, true},
		{`[1,`, []string{``, `1`}, true},
		{`["a`, nil, true},
		{`[`, nil, true},
		{`{]`, nil, true},
	} {
		c := jsonspan.Open([]byte(test.doc), 0)
		var found []string
		for c.Next() {
			if c.At = jsonspan.Value([]byte(test.doc), c.Value); c.At < 0 {
				continue
			}
			name := ""
			if c.NameEnd > 0 {
				name = test.doc[c.Name:c.NameEnd]
			}
			found = append(found, name, test.doc[c.Value:c.At])
		}
		if !reflect.DeepEqual(found, test.found) || c.Broken != test.broken {
			t.Errorf("%s: found %q, broken: %v", test.doc, found, c.Broken)
		}
		if last := c.At - 1; !c.Broken && test.doc[last] != '}' && test.doc[last] != ']' {
			t.Errorf("%s: ends at %d", test.doc, c.At)
		}
	}
}
