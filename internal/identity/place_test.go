package identity

import (
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// A key comes in one of the places that are written, once, beside tokens as well; wherever it came, it ends here.
func TestPlacesOfAnAPIKey(t *testing.T) {
	printed, key := newKey(t, Key{Consumer: "acme"})
	mistyped := printed[:30] + "-" + printed[31:]
	wrong := strings.ToUpper(printed[:3]) + printed[3:]
	unknown, _ := newKey(t, Key{Consumer: "acme"})
	keys := keyMethod(t, APIKeyConfig{Bearer: true, Query: "api_key"}, key)
	i := newIssuer(t)
	tokens := i.tokens(t, JWTConfig{}, nil)
	token := i.sign(t, "ES256", header("ES256"), claimsWith(nil))
	alone := []Method{keys}
	beside := []Method{tokens, keys}
	const challenge = `ApiKey realm="api", header="X-API-Key", query="api_key", Bearer realm="api"`
	for _, test := range []struct {
		name     string
		methods  []Method
		query    string
		fields   []string
		status   int // 0 for the consumer
		detail   string
		consumer string
		left     string // of the query
	}{
		{name: "in its field", methods: alone, fields: []string{"X-API-Key", printed}, consumer: "acme"},
		{name: "as a bearer token", methods: alone, fields: []string{"Authorization", "bearer  " + printed}, consumer: "acme"},
		{name: "in the query", methods: alone, query: "page=2&api_key=" + printed + "&tag=%20x", consumer: "acme", left: "page=2&tag=%20x"},
		{name: "in the query, spelt in another way", methods: alone, query: "api%5fkey=" + printed, consumer: "acme"},
		{name: "another parameter", methods: alone, query: "API_KEY=" + printed, status: 401, detail: "the request carries no credentials"},
		{name: "an empty parameter", methods: alone, query: "api_key", status: 401, detail: invalidKey},
		{name: "twice in the query", methods: alone, query: "api_key=" + printed + "&api_key=" + printed, status: 400, detail: "the API key was sent more than once"},
		{name: "in field and query", methods: alone, query: "api_key=" + printed, fields: []string{"X-API-Key", printed}, status: 400, detail: twoCredentials},
		{name: "in field and Authorization", methods: alone, fields: []string{"X-API-Key", printed, "Authorization", "Bearer " + printed}, status: 400, detail: twoCredentials},
		{name: "in Authorization and query", methods: alone, query: "api_key=" + printed, fields: []string{"Authorization", "Bearer " + printed}, status: 400, detail: twoCredentials},
		{name: "in the field, and another scheme", methods: alone, fields: []string{"X-API-Key", printed, "Authorization", "Basic YTpi"}, status: 400, detail: twoCredentials},
		{name: "another scheme", methods: alone, fields: []string{"Authorization", "Basic YTpi"}, status: 401, detail: "the Authorization field is not one bearer token"},
		{name: "not of this spelling", methods: alone, fields: []string{"Authorization", "Bearer " + wrong}, status: 401, detail: invalidKey},
		{name: "an unknown key", methods: alone, fields: []string{"Authorization", "Bearer " + unknown}, status: 401, detail: invalidKey},
		{name: "an unknown key in the query", methods: alone, query: "api_key=" + unknown, status: 401, detail: invalidKey},

		{name: "a key beside tokens", methods: beside, fields: []string{"Authorization", "Bearer " + printed}, consumer: "acme"},
		{name: "a token beside keys", methods: beside, fields: []string{"Authorization", "Bearer " + token}, consumer: "ada"},
		{name: "an unknown key beside tokens", methods: beside, fields: []string{"Authorization", "Bearer " + unknown}, status: 401, detail: invalidKey},
		{name: "neither", methods: beside, fields: []string{"Authorization", "Bearer x"}, status: 401, detail: invalidToken},
		{name: "a mistyped key beside tokens", methods: beside, fields: []string{"Authorization", "Bearer " + mistyped}, status: 401, detail: invalidToken},
		{name: "another scheme beside tokens", methods: beside, fields: []string{"Authorization", "Basic YTpi"}, status: 401, detail: "the credentials are not a bearer token"},
		{name: "a token and a key", methods: beside, query: "api_key=" + printed, fields: []string{"Authorization", "Bearer " + token}, status: 400, detail: twoCredentials},
		{name: "a token and a key in its field", methods: beside, fields: []string{"X-API-Key", printed, "Authorization", "Bearer " + token}, status: 400, detail: twoCredentials},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := New(Config{}, test.methods...)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if n := s.Needs(); !n.Query || !slices.Contains(n.Header, "Authorization") {
				t.Errorf("needs %+v", n)
			}
			x := request(test.fields...)
			x.Query = exchange.Query{Raw: test.query}
			p := s.Handle(x)
			if test.status == 0 {
				switch {
				case p != nil:
					t.Fatal(p)
				case x.Consumer == nil || x.Consumer.ID != test.consumer:
					t.Errorf("%+v", x.Consumer)
				case x.Query.Raw != test.left || len(x.Header) != 1:
					t.Errorf("to the upstream: %q %v", x.Query.Raw, x.Header)
				}
				return
			}
			if p == nil || p.StatusCode() != test.status || p.Detail != test.detail {
				t.Fatalf("%v, want %d %q", p, test.status, test.detail)
			}
			got := p.Header["Www-Authenticate"]
			if len(test.methods) == 1 && len(test.fields) == 0 && test.detail == "the request carries no credentials" && !slices.Equal(got, []string{challenge}) {
				t.Errorf("%q", got)
			}
			for _, line := range append(got, p.Error()) {
				if strings.Contains(line, printed[16:59]) || strings.Contains(line, unknown[16:59]) {
					t.Error("the problem holds a secret")
				}
			}
		})
	}
	if _, diags := New(Config{}, keys, keyMethod(t, APIKeyConfig{Header: "X-Other", Bearer: true, Query: "api_key"}, key)); len(diags) != 2 {
		t.Errorf("keys of two kinds in the same places: %v", diags)
	}
	if _, diags := NewAPIKeys(APIKeyConfig{Query: "a&b"}, &KeySet{}); !diags.HasErrors() {
		t.Error("a parameter of a wrong name was configured")
	}
}

// A credential in the query of a request that is refused stands in its address no longer.
func TestRefusedOfTheQuery(t *testing.T) {
	printed, key := newKey(t, Key{Consumer: "acme"})
	s, diags := New(Config{}, keyMethod(t, APIKeyConfig{Query: "api_key"}, key))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := request()
	x.Query.Raw = "page=2&api_key=" + printed
	x.Header["X-Api-Key"] = []string{printed} // twice
	if p := s.Handle(x); p == nil || x.Query.Raw != "page=2" {
		t.Errorf("%v, the query is %s", p, x.Query.Raw)
	}
}
