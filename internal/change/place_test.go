package change_test

import (
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

func TestBefore(t *testing.T) {
	for _, test := range []struct {
		name, newest, older string
		ops                 []change.Operation
	}{
		{"nothing", "lines[*].tax", "lines[*].tax", nil},
		{"elsewhere", "lines[*]", "lines[*]", []change.Operation{rename("a", "b"), add("c", "1")}},
		{"renamed", "lines[*].tax", "rows[*].tax", []change.Operation{rename("rows", "lines")}},
		{"moved", "a.b.top", "x.top", []change.Operation{move("x", "y"), move("y", "a.b")}},
		{"in what was wrapped", "a.v", "a", []change.Operation{{Kind: change.Wrap, Path: "a", Member: "v"}}},
		{"in what was unwrapped", "a", "a.v", []change.Operation{{Kind: change.Unwrap, Path: "a", Member: "v"}}},
		{"in a list that was one", "a[*]", "a", []change.Operation{{Kind: change.List, Path: "a"}}},
		{"in what was a list", "a.b", "a[*].b", []change.Operation{{Kind: change.Unlist, Path: "a"}}},
		{"added", "a[*]", "", []change.Operation{add("a", "[]")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := &change.Object{Name: "order", Holds: []change.Held{{Path: test.newest, Object: "line"}}}
			older := o.Before([]*change.Change{on("line", rename("lines", "x")), on("order", test.ops...)})
			got := ""
			for _, h := range older.Holds {
				got += h.Path
			}
			if got != test.older || o.Holds[0].Path != test.newest {
				t.Errorf("%q, want %q; now %q", got, test.older, o.Holds[0].Path)
			}
		})
	}
}
