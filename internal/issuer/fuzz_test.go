package issuer

import (
	"net/http"
	"strings"
	"testing"
)

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"issuer":"` + iss + `","jwks_uri":"` + jwks + `"}`))
	f.Add([]byte(`{"issuer":"` + iss + `","jwks_uri":"http://x","issuer":""}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		at, err := keysAddress(text, iss)
		if err == nil && !strings.HasPrefix(strings.ToLower(at), "https://") {
			t.Errorf("%q names %q", text, at)
		}
	})
}

func FuzzKept(f *testing.F) {
	f.Add([]byte(`{"confirmed":"2026-01-01T00:00:00Z","from":"` + jwks + `","keys":"e30="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := read(text, nil); err == nil && k.set.Len() == 0 {
			t.Errorf("%q is a set without keys", text)
		}
	})
}

func FuzzTTL(f *testing.F) {
	f.Add("public, max-age=300")
	f.Fuzz(func(t *testing.T, field string) {
		if d := ttl(http.Header{"Cache-Control": {field}}); d < leastTTL || d > mostTTL {
			t.Errorf("%q: %s", field, d)
		}
	})
}
