package catalogue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Twelve different mistakes in one file, one of them of syntax, are all told by one load, each at its line and column.
func TestTwelveMistakes(t *testing.T) {
	want := []string{
		"3:39 Mixed schemes",        // https and http
		"4:3 Unsupported attribute", // timeot
		"10:14 Missing file",        // nobody.keys
		"17:16 Unsuitable value",    // one minute
		"23:15 Unknown upstream",    // upstream.order
		"25:24 Unsuitable value",    // yaml
		"29:15 Unknown version",
		"34:40 Unknown object",      // object.ordr
		"35:3 Duplicate route",      // {id} and {key}
		"36:38 Invalid expression",  // nothing after >
		"41:18 Contradictory dates", // sunset before deprecated
		"47:52 Unsuitable value",    // a pair of one
	}
	_, sources, diags := load([]string{"testdata/seeded.hcl"}, nil, today)
	var got []string
	for _, d := range diags {
		got = append(got, fmt.Sprintf("%d:%d %s", d.Subject.Start.Line, d.Subject.Start.Column, d.Summary))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), render(t, diags, sources))
	}
}
