package identity

import (
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/forward"
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
		on        int // credentials that go on
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
		{name: "a key that goes on", config: Config{Forward: &forward.Config{Credential: true}}, fields: []string{"X-API-Key", printed}, consumer: "acme", on: 1},
		{name: "a wrong token", fields: []string{"Authorization", "Bearer x"}, status: 401,
			challenge: []string{`ApiKey realm="api", header="X-API-Key"`, `Bearer realm="api", error="invalid_token", error_description="the token is not valid"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := New(test.config, keys, tokens)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := request(test.fields...)
			p := s.Handle(x)
			if p == nil {
				if test.status != 0 {
					t.Fatalf("admitted as %+v", x.Consumer)
				}
				if (x.Consumer == nil) != (test.consumer == "") || x.Consumer != nil && x.Consumer.ID != test.consumer {
					t.Errorf("%+v", x.Consumer)
				}
				if len(x.Header) != 1+test.on {
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
		{"a quote in the realm", Config{Realm: `a"b`}, []Method{keys}, "Invalid realm"},
	} {
		s, diags := New(test.config, test.methods...)
		if s != nil || len(diags) == 0 || diags[0].Summary != test.want {
			t.Errorf("%s: %v, want %s", test.name, diags, test.want)
		}
	}
}

// lookalike is a method that reads a field as others do, and says how likely a credential in it is its own.
type lookalike struct {
	name   string
	fields []string
	looks  map[string]Likelihood // of a value
}

func (l *lookalike) Fields() []string     { return l.fields }
func (l *lookalike) Parameters() []string { return nil }
func (l *lookalike) Present(x *exchange.Exchange) bool {
	return slices.ContainsFunc(l.fields, func(f string) bool { return len(x.Header[f]) > 0 })
}
func (l *lookalike) Likely(x *exchange.Exchange) Likelihood {
	return l.looks[x.Header.Get("Authorization")]
}
func (l *lookalike) Authenticate(*exchange.Exchange) (*exchange.Consumer, *Refusal) {
	return &exchange.Consumer{ID: l.name}, nil
}
func (l *lookalike) Challenge(space Space, _ *Refusal) string {
	return challenge("Bearer", "realm", space.Realm)
}

// connected is a method that reads nothing of the request.
type connected struct{ lookalike }

func (*connected) Present(*exchange.Exchange) bool { return true }
func (*connected) Ambient()                        {}

// Methods that read one field: exactly one of them answers for what is in it.
func TestStageShares(t *testing.T) {
	authorization := []string{"Authorization"}
	staff := &lookalike{"staff", authorization, map[string]Likelihood{"Bearer staff": Certain, "Bearer both": Certain}}
	other := &lookalike{"other", authorization, map[string]Likelihood{"Bearer other": Certain, "Bearer both": Certain, "Bearer opaque": Possible}}
	opaque := &lookalike{"opaque", authorization, map[string]Likelihood{"Bearer staff": Possible, "Bearer other": Possible, "Bearer opaque": Possible, "Basic x": Unlikely}}
	keys := &lookalike{"keys", []string{"X-Api-Key", "Authorization"}, map[string]Likelihood{"Bearer wg_key": Certain}}
	certificate := &connected{lookalike{name: "certificate"}}
	for _, test := range []struct {
		name     string
		methods  []Method
		fields   []string
		consumer string // "" for two credentials
	}{
		{"of the first", []Method{staff, opaque}, []string{"Authorization", "Bearer staff"}, "staff"},
		{"of the second", []Method{opaque, staff}, []string{"Authorization", "Bearer staff"}, "staff"},
		{"of the third", []Method{opaque, staff, other}, []string{"Authorization", "Bearer other"}, "other"},
		{"of nobody, and one takes all", []Method{staff, opaque}, []string{"Authorization", "Bearer opaque"}, "opaque"},
		{"of nobody", []Method{staff, opaque}, []string{"Authorization", "Basic x"}, "staff"},
		{"of two alike", []Method{opaque, other, staff}, []string{"Authorization", "Bearer both"}, "other"},
		{"a key in the shared field", []Method{staff, keys}, []string{"Authorization", "Bearer wg_key"}, "keys"},
		{"a key in its own field", []Method{staff, keys}, []string{"X-Api-Key", "wg_key"}, "keys"},
		{"a key and a token", []Method{keys, staff}, []string{"X-Api-Key", "wg_key", "Authorization", "Bearer staff"}, ""},
		{"a key and a token, the other way", []Method{staff, keys}, []string{"X-Api-Key", "wg_key", "Authorization", "Bearer staff"}, ""},
		{"a certificate alone", []Method{certificate, staff}, nil, "certificate"},
		{"a certificate beside a token", []Method{certificate, staff}, []string{"Authorization", "Bearer staff"}, "staff"},
		{"a certificate beside one of nobody", []Method{certificate, staff, opaque}, []string{"Authorization", "Basic x"}, "staff"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := New(Config{}, test.methods...)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := request(test.fields...)
			switch p := s.Handle(x); {
			case p != nil && (test.consumer != "" || p.StatusCode() != 400):
				t.Error(p)
			case p == nil && x.Consumer.ID != test.consumer:
				t.Errorf("%q, want %q", x.Consumer.ID, test.consumer)
			case p == nil && len(x.Header) != 1:
				t.Errorf("to the upstream: %v", x.Header)
			}
		})
	}
}

// Two issuers on one route: each answers for its own tokens alone.
func TestTokensShare(t *testing.T) {
	i := newIssuer(t)
	ours := i.tokens(t, JWTConfig{}, nil)
	theirs := i.tokens(t, JWTConfig{Issuer: "https://id.globex.example"}, nil)
	beta := i.tokens(t, JWTConfig{Audience: []string{"beta"}}, nil)
	s, diags := New(Config{Anonymous: true}, theirs, beta, ours)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, test := range []struct {
		token  string
		status int
	}{
		{i.sign(t, "ES256", header("ES256"), claimsWith(nil)), 0},
		{i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"iss": "https://id.globex.example"})), 0},
		{i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"aud": "beta"})), 0},
		{i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"iss": "https://id.initech.example"})), 401},
		{i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"aud": "gamma"})), 401},
		{"opaque", 401}, {"..", 401}, {"a.b.c", 401}, {strings.Repeat("x.", 8<<10), 401},
	} {
		p := s.Handle(request("Authorization", "Bearer "+test.token))
		if test.status == 0 && p != nil || test.status != 0 && (p == nil || p.StatusCode() != test.status) {
			t.Errorf("%v, want %d for %.80s", p, test.status, test.token)
		}
	}
}
