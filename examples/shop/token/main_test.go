package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// noon is when the tokens of these tests are issued.
var noon = time.Date(2026, time.November, 2, 12, 0, 0, 0, time.UTC)

// published is the key set that the example gateway trusts.
func published(t *testing.T) jwk.Set {
	t.Helper()
	text, err := os.ReadFile("../staff.jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `"d"`) {
		t.Fatal("the published set holds a private key")
	}
	set, err := jwk.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func at(when time.Time) jwt.ParseOption {
	return jwt.WithClock(jwt.ClockFunc(func() time.Time { return when }))
}

func TestThePublishedKeysVerifyTheToken(t *testing.T) {
	signed, err := sign("ada", "manager", noon)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.ParseString(signed, jwt.WithKeySet(published(t)), at(noon.Add(time.Hour-time.Second)),
		jwt.WithIssuer("https://id.shop.example"), jwt.WithAudience("orders"))
	if err != nil {
		t.Fatal(err)
	}
	for claim, want := range map[string]string{"sub": "ada", "client_id": "ada", "role": "manager"} {
		var got string
		if err := token.Get(claim, &got); err != nil || got != want {
			t.Errorf("claim %s is %q (%v), want %q", claim, got, err, want)
		}
	}
	if issued, ok := token.IssuedAt(); !ok || !issued.Equal(noon) {
		t.Errorf("iat is %v, want %v", issued, noon)
	}
	if _, err := jwt.ParseString(signed, jwt.WithKeySet(published(t)), at(noon.Add(time.Hour))); err == nil {
		t.Error("an hour later the token is still good")
	}
}

func TestAChangedTokenIsRefused(t *testing.T) {
	clerk, err := sign("ada", "clerk", noon)
	if err != nil {
		t.Fatal(err)
	}
	manager, err := sign("ada", "manager", noon)
	if err != nil {
		t.Fatal(err)
	}
	c, m := strings.Split(clerk, "."), strings.Split(manager, ".")
	forged := strings.Join([]string{c[0], m[1], c[2]}, ".")
	if _, err := jwt.ParseString(forged, jwt.WithKeySet(published(t)), at(noon)); err == nil {
		t.Error("a clerk's signature passes under a manager's claims")
	}
}
