package identity

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/rule"
)

// TestDemands is what a configuration may demand of tokens beyond what every token must have.
func TestDemands(t *testing.T) {
	i := newIssuer(t)
	nested := map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}, "none": nil}, "https://acme.example/tenant": "a", "tenant.id": 7, "nothing": nil}
	access := map[string]any{"client_id": "shop", "iat": now.Unix(), "jti": "1"}
	for _, test := range []struct {
		name   string
		config JWTConfig
		typ    string
		claims map[string]any
		want   string // of the refusal's cause, "" for none
	}{
		{"a claim", JWTConfig{Required: []string{"realm_access"}}, "", nested, ""},
		{"a claim within another", JWTConfig{Required: []string{"realm_access.roles"}}, "", nested, ""},
		{"a name with dots", JWTConfig{Required: []string{"https://acme.example/tenant", "tenant.id"}}, "", nested, ""},
		{"a claim that is missing", JWTConfig{Required: []string{"sub", "tenant"}}, "", nested, "it has no tenant"},
		{"one within that is missing", JWTConfig{Required: []string{"realm_access.groups"}}, "", nested, "it has no realm_access.groups"},
		{"one within a text", JWTConfig{Required: []string{"sub.roles"}}, "", nested, "it has no sub.roles"},
		{"one that is null", JWTConfig{Required: []string{"nothing"}}, "", nested, "it has no nothing"},
		{"one within that is null", JWTConfig{Required: []string{"realm_access.none"}}, "", nested, "it has no realm_access.none"},
		{"an access token", JWTConfig{Type: "at+jwt"}, "at+jwt", access, ""},
		{"an access token by its media type", JWTConfig{Type: "at+jwt"}, "application/AT+JWT", access, ""},
		{"a JWT where an access token is demanded", JWTConfig{Type: "at+jwt"}, "JWT", access, "it is not an access token of type at+jwt"},
		{"one of no type", JWTConfig{Type: "at+jwt"}, "", access, "it is not an access token of type at+jwt"},
		{"an access token without jti", JWTConfig{Type: "at+jwt"}, "at+jwt", map[string]any{"client_id": "shop", "iat": now.Unix()}, "it is an access token without jti"},
		{"an algorithm that is not allowed", JWTConfig{Algorithms: []string{"EdDSA"}}, "", nil, "its algorithm is not one that is allowed"},
		{"scopes", JWTConfig{Scopes: []string{"a", "b"}}, "", map[string]any{"scope": "b c a"}, ""},
		{"a scope that is missing", JWTConfig{Scopes: []string{"a", "b"}}, "", map[string]any{"scope": "ab a"}, "it does not grant the scope b"},
		{"no scopes at all", JWTConfig{Scopes: []string{"a"}}, "", nil, "it does not grant the scope a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := `{"alg":"ES256","kid":"ES256","typ":"` + test.typ + `"}`
			token := i.sign(t, "ES256", h, claimsWith(test.claims))
			m := i.tokens(t, test.config, nil)
			_, r := m.Authenticate(request("Authorization", "Bearer "+token))
			switch {
			case test.want == "" && r != nil:
				t.Error(r)
			case test.want != "" && (r == nil || r.Cause == nil || r.Cause.Error() != test.want):
				t.Errorf("%v, want %s", r, test.want)
			}
		})
	}
}

// TestInsufficientScope is the answer to a token that is good and does not grant enough (RFC 6750, section 3.1).
func TestInsufficientScope(t *testing.T) {
	i := newIssuer(t)
	s, diags := New(Config{}, i.tokens(t, JWTConfig{Scopes: []string{"orders:read", "orders:write"}}, nil))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p := s.Handle(request("Authorization", "Bearer "+i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"scope": "orders:read"}))))
	if p == nil || p.StatusCode() != 403 {
		t.Fatal(p)
	}
	want := `Bearer realm="api", error="insufficient_scope", error_description="the token does not grant what this needs", scope="orders:read orders:write"`
	if got := p.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestComputed is what a consumer has of the claims of its token besides its id.
func TestComputed(t *testing.T) {
	i := newIssuer(t)
	keys, diags := ParseJWKS("keys.json", i.set(t, nil, "ES256"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	text := func(name string) func(map[string]any) (string, error) {
		return func(claims map[string]any) (string, error) {
			if claims[name] == "broken" {
				return "", errors.New("broken")
			}
			s, _ := claims[name].(string)
			return s, nil
		}
	}
	m, diags := NewTokens(JWTConfig{Issuer: iss, Audience: []string{aud}}, keys, Computed{
		Plan: text("plan"), Version: text("pin"),
		Groups: func(claims map[string]any) ([]string, error) {
			if claims["teams"] == "broken" {
				return nil, errors.New("broken")
			}
			return []string{"a", "b"}, nil
		},
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, test := range []struct {
		name          string
		claims        map[string]any
		plan, version string
		want          string // of the refusal's cause, "" for none
	}{
		{"all", map[string]any{"plan": "gold", "pin": "v1"}, "gold", "v1", ""},
		{"none", nil, "", "", ""},
		{"a broken plan", map[string]any{"plan": "broken"}, "", "", "its consumer's plan cannot be told: broken"},
		{"a broken version", map[string]any{"pin": "broken"}, "", "", "its consumer's version cannot be told: broken"},
		{"broken groups", map[string]any{"teams": "broken"}, "", "", "its consumer's groups cannot be told: broken"},
		{"a plan that cannot be named", map[string]any{"plan": "g\u00f6ld"}, "", "", "its consumer's plan is not printable ASCII"},
	} {
		c, r := m.Authenticate(request("Authorization", "Bearer "+i.sign(t, "ES256", header("ES256"), claimsWith(test.claims))))
		if test.want != "" {
			if r == nil || r.Cause.Error() != test.want {
				t.Errorf("%s: %v", test.name, r)
			}
			continue
		}
		if r != nil || c.Plan != test.plan || c.Version != test.version || !slices.Equal(c.Groups, []string{"a", "b"}) {
			t.Errorf("%s: %+v, %v", test.name, c, r)
		}
	}
}

// TestPlanOfAnExpression computes plan and version by expressions: what is no string is not made one.
func TestPlanOfAnExpression(t *testing.T) {
	compile := func(text string) *rule.Program {
		p, diags := rule.CompileText(text, hcl.Range{Filename: "test", Start: hcl.InitialPos, End: hcl.InitialPos}, rule.Environment{Roots: rule.Claims}, WantedText)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return p
	}
	c := Expressions{Plan: compile("claims.plan"), Version: compile("claims.app?.version")}.Computed()
	for name, test := range map[string]struct {
		claims        map[string]any
		plan, version string
		refused       bool
	}{
		"strings":             {map[string]any{"plan": "gold", "app": map[string]any{"version": "v1"}}, "gold", "v1", false},
		"null":                {map[string]any{"plan": nil}, "", "", false},
		"a number":            {map[string]any{"plan": 3}, "", "", true},
		"a float":             {map[string]any{"plan": 3.0}, "", "", true},
		"a boolean":           {map[string]any{"plan": true}, "", "", true},
		"a list":              {map[string]any{"plan": []any{"gold"}}, "", "", true},
		"a number in another": {map[string]any{"plan": "gold", "app": map[string]any{"version": 1}}, "gold", "", true},
	} {
		plan, err := c.Plan(test.claims)
		version, err2 := c.Version(test.claims)
		if err = errors.Join(err, err2); plan != test.plan || version != test.version || (err != nil) != test.refused {
			t.Errorf("%s: %q, %q, %v", name, plan, version, err)
		}
	}
}

// TestDemandsMistakes are demands that cannot be met or told.
func TestDemandsMistakes(t *testing.T) {
	i := newIssuer(t)
	keys, diags := ParseJWKS("keys.json", i.set(t, nil, "ES256"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	at := hcl.Range{Filename: "shop.hcl", Start: hcl.InitialPos, End: hcl.InitialPos}
	for _, test := range []struct {
		config JWTConfig
		want   string
	}{
		{JWTConfig{Type: "JWT"}, "Unknown type of token"},
		{JWTConfig{Required: []string{""}}, "Invalid required claims"},
		{JWTConfig{Required: []string{strings.Repeat("x", 257)}}, "Invalid required claims"},
		{JWTConfig{Required: slices.Repeat([]string{"x"}, 17)}, "Invalid required claims"},
		{JWTConfig{Scopes: []string{"a b"}}, "Invalid scopes"},
		{JWTConfig{Scopes: []string{`a"`}}, "Invalid scopes"},
		{JWTConfig{Scopes: slices.Repeat([]string{"x"}, 17)}, "Invalid scopes"},
	} {
		test.config.Issuer, test.config.Audience, test.config.Range = iss, []string{aud}, at
		_, diags := NewTokens(test.config, keys, Computed{})
		if len(diags) != 1 || diags[0].Summary != test.want || diags[0].Subject.Filename != at.Filename {
			t.Errorf("%+v: %v, want %s", test.config, diags, test.want)
		}
	}
}
