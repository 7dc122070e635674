package casetest

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

func TestDifferent(t *testing.T) {
	for _, c := range []struct {
		name      string
		want, got string
		partly    bool
		said      []string // nil: no difference
	}{
		{name: "spelt differently", want: `{"a":1.50,"b":[true,null]}`, got: ` { "b" : [ true , null ] , "a" : 15e-1 } `},
		{name: "a value", want: `{"a":{"b":[1,2]}}`, got: `{"a":{"b":[1,3]}}`, said: []string{"/a/b/1: expected 2, not 3"}},
		{name: "missing and too much", want: `{"a":1}`, got: `{"b/c":2}`, said: []string{"/a: 1 is missing", "/b~1c: 2 was not expected"}},
		{name: "more than included", want: `{"a":{"x":1}}`, got: `{"a":{"x":1,"y":2},"b":3}`, partly: true},
		{name: "less than included", want: `{"a":{"x":1}}`, got: `{"a":{"y":2}}`, partly: true, said: []string{"/a/x: 1 is missing"}},
		{name: "lists of other lengths", want: `[1,2]`, got: `[1]`, said: []string{"/1: 2 is missing"}},
		{name: "a longer list", want: `[1]`, got: `[1,2]`, said: []string{"/1: 2 was not expected"}},
		{name: "kinds", want: `{"a":[]}`, got: `[]`, said: []string{`as a whole: expected {"a":[]}, not []`}},
		{name: "empty", want: `{}`, got: ``, said: []string{"The body is empty."}},
		{name: "no JSON", want: `{}`, got: `<a/>`, said: []string{"The body is no JSON", `"<a/>"`}},
		{name: "a name twice", want: `{"a":1}`, got: `{"a":1,"a":1}`, said: []string{"The body is no JSON"}},
		{name: "a huge number", want: `{"a":1}`, got: `{"a":1e999999999}`, said: []string{"The body is no JSON", "out of the range"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := different(hcl.Range{}, []byte(c.want), []byte(c.got), c.partly, "The body")
			if (d != nil) != (c.said != nil) {
				t.Fatalf("got %v", d)
			}
			for _, said := range c.said {
				if !strings.Contains(d.Detail, said) {
					t.Errorf("got %q, want %q in it", d.Detail, said)
				}
			}
		})
	}
}

// Of documents that have nothing in common, no more is told than can be read.
func TestDifferencesAreBounded(t *testing.T) {
	d := different(hcl.Range{}, []byte("["+strings.Repeat("1,", 1000)+"1]"), []byte("["+strings.Repeat("2,", 1000)+"2]"), false, "The body")
	if lines := strings.Count(d.Detail, "\n"); lines != maxDifferences+1 || !strings.HasSuffix(d.Detail, "and more") {
		t.Errorf("%d lines: %s", lines, d.Detail)
	}
	d = different(hcl.Range{}, []byte(`"`+strings.Repeat("ä", 1000)+`"`), []byte(`1`), false, "The body")
	if len(d.Detail) > 2*maxShown || !strings.Contains(d.Detail, "…") {
		t.Errorf("%d bytes", len(d.Detail))
	}
}
