package identity

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// rotating is a KeySource as a test has it: the keys now, and those that a look at the issuer brings.
type rotating struct {
	now, next *JWKS
	err       error
	sought    int
}

func (r *rotating) Keys(time.Time) (*JWKS, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.now, nil
}

func (r *rotating) Seek(_ context.Context, now time.Time, _ *JWKS) (*JWKS, error) {
	r.sought++
	if r.next != nil {
		r.now, r.next, r.err = r.next, nil, nil
	}
	return r.Keys(now)
}

// TestKeySource follows a token through the changes of its issuer's keys.
func TestKeySource(t *testing.T) {
	i := newIssuer(t)
	set := func(algs ...string) *JWKS {
		s, diags := ParseJWKS("keys.json", i.set(t, nil, algs...))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return s
	}
	source := &rotating{err: ErrNoKeys}
	m, diags := NewTokens(JWTConfig{Issuer: iss, Audience: []string{aud}}, source, Computed{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	token := func(alg, header string) string {
		return "Bearer " + i.sign(t, alg, header, claimsWith(map[string]any{"jti": t.Name()}))
	}
	ask := func(token string) (*exchange.Consumer, *Refusal) {
		return m.Authenticate(request("Authorization", token))
	}
	es, ed := token("ES256", header("ES256")), token("EdDSA", header("EdDSA"))

	if _, r := ask("Bearer a.b.c"); r == nil || r.Unavailable || source.sought != 0 {
		t.Errorf("what is no token has the keys sought: %v", r)
	}
	if _, r := ask(es); r == nil || !r.Unavailable || source.sought != 1 {
		t.Errorf("without keys ever: %v", r)
	}
	s, diags := New(Config{}, m)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if p := s.Handle(request("Authorization", es)); p == nil || p.StatusCode() != 503 || p.Header.Get("Retry-After") == "" || p.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("without keys ever: %v", p)
	}
	source.next = set("ES256")
	if _, r := ask(es); r != nil {
		t.Errorf("the first keys: %v", r)
	}
	sought := source.sought
	for n := range 3 {
		if _, r := ask(es); r != nil || source.sought != sought {
			t.Errorf("a remembered token: %v", r)
		}
		if _, r := ask(token("ES256", fmt.Sprintf(`{"alg":"ES256","kid":"k%d"}`, n))); r == nil || source.sought != sought+1 {
			t.Errorf("an invented key is not sought once: %v", r)
		}
		sought = source.sought
	}
	for what, token := range map[string]string{
		"an algorithm that is not allowed":    token("HS256", `{"alg":"HS256","kid":"ES256"}`),
		"another algorithm than its key's":    token("EdDSA", `{"alg":"EdDSA","kid":"ES256"}`),
		"a signature that is not of its key":  es + "AAAA",
		"a token of a type that is not taken": token("ES256", `{"alg":"ES256","kid":"k","typ":"dpop+jwt"}`),
	} {
		if _, r := ask(token); r == nil || source.sought != sought {
			t.Errorf("%s: %v, or keys are sought for it", what, r)
		}
	}
	source.next = set("EdDSA")
	if _, r := ask(ed); r != nil {
		t.Errorf("a new key: %v", r)
	}
	if _, r := ask(es); r == nil {
		t.Error("a remembered token outlives its key")
	}
	source.err = fmt.Errorf("wrapped: %w", ErrStaleKeys)
	if _, r := ask(ed); r == nil || r.Unavailable || !errors.Is(r.Cause, ErrStaleKeys) {
		t.Errorf("stale keys: %v", r)
	}
	source.err, source.now = nil, set("HS256") // no key of it is allowed
	if _, r := ask(ed); r == nil || r.Unavailable {
		t.Errorf("keys that are not allowed: %v", r)
	}
}
