package integration

import (
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func TestDecodeForm(t *testing.T) {
	for _, test := range []struct{ form, want string }{
		{"", `{"l":[]}`},
		{"a=1&b=x+y%26&&c", `{"l":[],"a":"1","b":"x y&","c":""}`},
		{"a=1&a=2&l=3&=4", `{"l":["3"],"a":["1","2"],"":"4"}`},
		{"a=1=2\r\n", `{"l":[],"a":"1=2"}`},
	} {
		if doc, err := decodeForm([]byte(test.form), []string{"l"}, 1<<20); err != nil || string(doc) != test.want {
			t.Errorf("%q: got %s, %v", test.form, doc, err)
		}
	}
	for _, form := range []string{"a=%", "%zz=1", "a=%ff", strings.Repeat("a=1&", maxPairs+1), "a=" + strings.Repeat("%01", 200_000)} {
		if _, err := decodeForm([]byte(form), nil, 1<<20); err == nil {
			t.Errorf("%.20q was read", form)
		}
	}
}

// FuzzDecodeForm reads whatever bytes there are. What is taken becomes strict JSON.
func FuzzDecodeForm(f *testing.F) {
	for _, s := range []string{"a=1&b=x+y%26", "a&a&l=%00", "=", "%"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, form []byte) {
		if doc, err := decodeForm(form, []string{"l"}, 1<<16); err == nil && (jsonspan.Check(doc, jsonspan.Bounds{}) != nil || len(doc) > 1<<16) {
			t.Fatalf("%q became %q", form, doc)
		}
	})
}
