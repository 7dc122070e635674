package change_test

import (
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

func TestHidden(t *testing.T) {
	o := objects("order", "lines[*]", "line")
	o["line"].Holds = []change.Held{{Path: "parts[*]", Object: "line"}} // in itself
	o["other"] = &change.Object{Name: "other"}
	chain := []*change.Change{
		on("order", rename("a", "b"), add("c", `1`), drop("d", `1`)),
		on("line", add("e", `1`), enum("f", `1`, `1`, `1`, `2`), enum("g", `1`, `1`, `2`, `1`),
			change.Operation{Kind: change.Split, Path: "h", Parts: []string{"i", "k"}, Separator: " "}),
		on("other", add("l", `1`)),
	}
	for _, test := range []struct{ root, want string }{
		{"order", "c e f h"},
		{"line", "e f h"},
		{"other", "l"},
		{"nothing", ""},
	} {
		var got []string
		for _, op := range change.Hidden(chain, o, []change.Held{{Path: "data[*]", Object: test.root}}) {
			got = append(got, op.Path)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", test.root, got, test.want)
		}
	}
}
