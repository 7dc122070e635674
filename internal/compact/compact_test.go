package compact

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestHeader(t *testing.T) {
	for _, test := range []struct {
		jws  string
		want string // "" for a refusal
	}{
		{b64(`{"alg":"ES256"}`) + ".e30.AA", `{"alg":"ES256"}`},
		{b64(` {} `) + ".e30.AA", ` {} `},
		{b64(`{"a":1,"a":2}`) + ".e30.AA", ""},
		{b64(`{"a":1}{}`) + ".e30.AA", ""},
		{b64(`[]`) + ".e30.AA", ""},
		{b64(`"x"`) + ".e30.AA", ""},
		{b64(`{}`) + ".e30.AB", ""}, // another spelling of AA
		{b64(`{}`) + ".e30.AA=", ""},
		{b64(`{}`) + ".e30.A", ""},
		{b64(`{}`) + ".e30.A+", ""},
		{b64(`{}`) + ".e30.", ""},
		{b64(`{}`) + "..AA", ""},
		{".e30.AA", ""},
		{b64(`{}`) + ".e30", ""},
		{b64(`{}`) + ".e30.AA.AA", ""},
		{b64(`{}`) + ".e30.AA.AA.AA", ""},
		{strings.Repeat(".", 1<<20), ""},
		{b64(`{"a":"`+strings.Repeat("a", 100)+`"}`) + ".e30.AA", ""},
		{"", ""},
	} {
		got, err := Header(test.jws, 100)
		if string(got) != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%.100q: %q, %v; want %q", test.jws, got, err, test.want)
		}
	}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// What is called canonical is the only spelling of what it decodes to.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"", "AA", "AB", "AAA", "AAB", "AAAA", "A-_9", "A==", "A\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := base64.RawURLEncoding.DecodeString(s)
		want := err == nil && s != "" && base64.RawURLEncoding.EncodeToString(raw) == s
		if Canonical(s) != want {
			t.Fatalf("%q: %v, want %v", s, !want, want)
		}
	})
}
