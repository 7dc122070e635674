package identity

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

func TestUserFacts(t *testing.T) {
	c := &exchange.Consumer{
		ID: "ada", Name: "Ada L.", Method: "jwt", Plan: "gold", Version: "v1", Scopes: []string{"a", "b"}, Groups: []string{"x", "y"},
		Expires: time.Date(2026, 11, 1, 13, 0, 0, 0, time.FixedZone("", 3600)),
		Claims: map[string]any{
			"tenant": "t1", "level": 3, "ratio": 1.5, "admin": true, "none": nil, "roles": []any{"clerk", 7, false}, "odd": []any{[]any{}}, "big": json.Number("12345678901234567890"),
			"org": map[string]any{"id": "o1", "a.b": "dots", "deep": map[string]any{"x": "y"}}, "https://acme.example/x": "url", "empty": "", "long": strings.Repeat("a", maxUserFact+1),
		},
	}
	want := map[string]string{
		"name": "Ada L.", "method": "jwt", "scopes": "a b", "groups": "x,y", "plan": "gold", "version": "v1", "expires": "2026-11-01T12:00:00Z",
		"claims.tenant": "t1", "claims.level": "3", "claims.ratio": "1.5", "claims.admin": "true", "claims.roles": "clerk,7,false", "claims.odd": "[[]]",
		"claims.big": "12345678901234567890", "claims.org.id": "o1", "claims.org.a.b": "dots", "claims.org.deep.x": "y", "claims.https://acme.example/x": "url", "claims.empty": "",
	}
	got := UserFacts(c)
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for name, text := range want {
		if got, ok := UserFact(c, name); !ok || got != text {
			t.Errorf("%s: %q %v, want %q", name, got, ok, text)
		}
	}
	if got, ok := UserFact(c, "claims.org.deep"); !ok || got != `{"x":"y"}` {
		t.Error(got)
	}
	for _, name := range []string{"claims.none", "claims.other", "claims.org.x", "claims.tenant.x", "claims.", "claims.long"} {
		if got, ok := UserFact(c, name); !ok || got != "" {
			t.Errorf("%s is %q", name, got)
		}
	}
	for _, name := range []string{"claims", "other", ""} {
		if _, ok := UserFact(c, name); ok {
			t.Errorf("%q is a fact", name)
		}
	}
	for i := range 2 * maxUserFacts {
		c.Claims[fmt.Sprint("claim", i)] = i
	}
	if got := UserFacts(c); len(got) != maxUserFacts {
		t.Error(len(got))
	}
}
