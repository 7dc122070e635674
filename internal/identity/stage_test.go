package identity

import (
	"slices"
	"testing"

	"github.com/wicketgate/wicketgate/internal/problem"
)

func TestStage(t *testing.T) {
	printed, key := newKey(t, Key{Consumer: "acme"})
	keys := keyMethod(t, APIKeyConfig{}, key)
	tokens := newIssuer(t).tokens(t, JWTConfig{}, nil)
	for _, test := range []struct {
		name      string
		config    Config
		fields    []string
		status    int
		consumer  string
		challenge []string
	}{
		{name: "nobody", status: 401, challenge: []string{`ApiKey realm="api", header="X-API-Key"`, `Bearer realm="api"`}},
		{name: "nobody, in a realm", config: Config{Realm: "orders of acme"}, status: 401,
			challenge: []string{`ApiKey realm="orders of acme", header="X-API-Key"`, `Bearer realm="orders of acme"`}},
		{name: "nobody, and anonymous is written", config: Config{Anonymous: true}},
		{name: "a wrong key, and anonymous is written", config: Config{Anonymous: true}, fields: []string{"X-API-Key", "x"}, status: 401},
		{name: "a wrong token, and anonymous is written", config: Config{Anonymous: true}, fields: []string{"Authorization", "Bearer x"}, status: 401},
		{name: "another scheme, and anonymous is written", config: Config{Anonymous: true}, fields: []string{"Authorization", "Basic YTpi"}, status: 401},
		{name: "a key and a token", fields: []string{"X-API-Key", printed, "Authorization", "Bearer x"}, status: 400},
		{name: "a key and another scheme", fields: []string{"X-API-Key", printed, "Authorization", "Basic YTpi"}, status: 400},
		{name: "a key", fields: []string{"X-API-Key", printed}, consumer: "acme"},
		{name: "a wrong token", fields: []string{"Authorization", "Bearer x"}, status: 401,
			challenge: []string{`ApiKey realm="api", header="X-API-Key"`, `Bearer realm="api", error="invalid_token", error_description="the token is not valid"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := New(test.config, keys, tokens)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := request(append(test.fields, "X-Consumer-Id", "forged")...)
			p := s.Handle(x)
			if p == nil {
				if test.status != 0 {
					t.Fatalf("admitted as %+v", x.Consumer)
				}
				if (x.Consumer == nil) != (test.consumer == "") || x.Consumer != nil && x.Consumer.ID != test.consumer {
					t.Errorf("%+v", x.Consumer)
				}
				if len(x.Header) != 1 {
					t.Errorf("to the upstream: %v", x.Header)
				}
				return
			}
			if p.StatusCode() != test.status || p.Type != problem.Unauthorized && p.Type != problem.BadRequest {
				t.Fatalf("%v, want %d", p, test.status)
			}
			if got := p.Header["Www-Authenticate"]; test.challenge != nil && !slices.Equal(got, test.challenge) {
				t.Errorf("%q, want %q", got, test.challenge)
			}
		})
	}
}

func TestStageMistakes(t *testing.T) {
	_, key := newKey(t, Key{Consumer: "acme"})
	keys := keyMethod(t, APIKeyConfig{}, key)
	for _, test := range []struct {
		name    string
		config  Config
		methods []Method
		want    string
	}{
		{"no methods", Config{}, nil, "Wrong number of ways to identify"},
		{"one field twice", Config{}, []Method{keys, keys}, "Two credentials in one field"},
		{"the credential's field for the consumer", Config{Forward: "x-api-key"}, []Method{keys}, "Credential and consumer in one field"},
		{"a quote in the realm", Config{Realm: `a"b`}, []Method{keys}, "Invalid realm"},
		{"no header field", Config{Forward: "a b"}, []Method{keys}, "Invalid header field"},
	} {
		s, diags := New(test.config, test.methods...)
		if s != nil || len(diags) == 0 || diags[0].Summary != test.want {
			t.Errorf("%s: %v, want %s", test.name, diags, test.want)
		}
	}
}
