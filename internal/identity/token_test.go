package identity

import (
	"slices"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// Whatever a token says, reading it does not panic; and what the strict reading accepts, the library reads too, and as the
// same.
func FuzzToken(f *testing.F) {
	f.Add(header("ES256"), claimsWith(nil), "sig")
	f.Add(`{"alg":"ES256","crit":["b64"]}`, claimsWith(map[string]any{"aud": []string{"a", "b"}, "exp": 1.5}), "")
	f.Add(`{"\u0061lg":"RS256","x":{"y":[1,2,null,true]}}`, `{"a":1e5,"b":"\ud83d\ude00","c":{"d":[]},"sub":"x"}`, "\x00")
	f.Fuzz(func(t *testing.T, header, payload, signature string) {
		compact := b64(header) + "." + b64(payload) + "." + b64(signature)
		_, _ = parseToken(header + "." + payload + "." + signature) // as raw as it comes
		parsed, err := parseToken(compact)
		if err != nil {
			return
		}
		message, err := jws.Parse([]byte(compact))
		if err != nil {
			t.Fatalf("the library does not read %q: %v", compact, err)
		}
		protected := message.Signatures()[0].ProtectedHeaders()
		if alg, _ := protected.Algorithm(); alg.String() != parsed.alg {
			t.Fatalf("alg %q and %q", alg, parsed.alg)
		}
		if kid, ok := protected.KeyID(); ok != parsed.hasKid || kid != parsed.kid {
			t.Fatalf("kid %q and %q", kid, parsed.kid)
		}
		c, err := parseClaims([]byte(payload))
		if err != nil {
			return
		}
		theirs, err := jwt.ParseInsecure([]byte(compact))
		if err != nil {
			t.Fatalf("the library does not read the claims %q: %v", payload, err)
		}
		if names := theirs.Keys(); len(names) != len(c.all) {
			t.Fatalf("%d claims and %d", len(names), len(c.all))
		}
		for name, value := range c.all {
			if !theirs.Has(name) {
				t.Fatalf("the library knows no claim %q", name)
			}
			if s, ok := value.(string); ok && name != "aud" {
				var their string
				if err := theirs.Get(name, &their); err != nil || their != s {
					t.Fatalf("%q is %q and %q (%v)", name, s, their, err)
				}
			}
		}
		if theirAud, _ := theirs.Audience(); !slices.Equal(theirAud, c.audience) {
			t.Fatalf("aud %q and %q", theirAud, c.audience)
		}
		if exp, ok := theirs.Expiration(); ok && exp.Unix() != c.expires.Unix() {
			t.Fatalf("exp %v and %v", exp, c.expires)
		}
	})
}
