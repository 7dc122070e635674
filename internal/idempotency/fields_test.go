package idempotency

import (
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/fieldtest"
)

// TestStructuredKeys takes the HTTP working group's tests of Strings for keys: what is none is refused, and any other is the
// text that is expected.
func TestStructuredKeys(t *testing.T) {
	n := 0
	for _, file := range []string{"string.json", "string-generated.json", "item.json"} {
		for _, c := range fieldtest.Cases(t, file) {
			if len(c.Raw) != 1 || !strings.HasPrefix(c.Raw[0], `"`) {
				continue // a key is one field, in quotes; others have tests of their own
			}
			n++
			key, ok := parseKey(c.Raw[0])
			want, text := c.String()
			fits := text && want != "" && len(want) <= maxKey && len(c.Raw[0]) <= maxField
			switch {
			case c.MustFail && ok:
				t.Errorf("%s: %s is taken for the key %q", c.Name, c.Raw[0], key)
			case !c.MustFail && fits && (!ok || key != want):
				t.Errorf("%s: %s is taken for the key %q, %v", c.Name, c.Raw[0], key, ok)
			case !fits && ok:
				t.Errorf("%s: %s is no key, and taken for %q", c.Name, c.Raw[0], key)
			}
		}
	}
	if n < 200 {
		t.Errorf("%d cases only", n)
	}
}
