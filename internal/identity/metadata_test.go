package identity

import (
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Clients learn where they get tokens: from challenges the address of a document, from it the issuers.
func TestMetadata(t *testing.T) {
	_, key := newKey(t, Key{Consumer: "acme"})
	keys := keyMethod(t, APIKeyConfig{}, key)
	tokens := newIssuer(t).tokens(t, JWTConfig{}, nil)
	for _, test := range []struct {
		name     string
		config   MetadataConfig
		path     string // of the document
		address  string // as the challenge tells it
		resource string
	}{
		{"of a host", MetadataConfig{}, "/.well-known/oauth-protected-resource", "https://api.example:8443/.well-known/oauth-protected-resource", "https://api.example:8443"},
		{"below a path", MetadataConfig{Path: "/api/orders"}, "/.well-known/oauth-protected-resource/api/orders", "https://api.example:8443/.well-known/oauth-protected-resource/api/orders", "https://api.example:8443/api/orders"},
		{"written", MetadataConfig{Resource: "https://acme.example/orders/"}, "/.well-known/oauth-protected-resource/orders", "https://acme.example/.well-known/oauth-protected-resource/orders", "https://acme.example/orders/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Name = "Orders"
			s, diags := New(Config{Metadata: &test.config}, keys, tokens)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := request()
			x.Method, x.Scheme, x.Host, x.Port, x.Path = "GET", "https", "api.example", ":8443", exchange.Path{Escaped: test.path}
			want := []string{`ApiKey realm="api", header="X-API-Key"`, `Bearer realm="api", resource_metadata="` + test.address + `"`}
			if p := s.Handle(x); p == nil || !slices.Equal(p.Header["Www-Authenticate"], want) {
				t.Errorf("%v, want %q", p.Header, want)
			}
			if !s.Resource().Asked(x) {
				t.Error("the document is elsewhere")
			}
			w := httptest.NewRecorder()
			s.Resource().Serve(w, x)
			body := `{"resource":"` + test.resource + `","authorization_servers":["` + iss + `"],"bearer_methods_supported":["header"],"resource_name":"Orders"}` + "\n"
			if w.Body.String() != body || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s %v, want %s", w.Body, w.Header(), body)
			}
			x.Method = "HEAD"
			w = httptest.NewRecorder()
			if s.Resource().Serve(w, x); !s.Resource().Asked(x) || w.Body.Len() > 0 || w.Header().Get("Content-Length") == "0" {
				t.Errorf("HEAD: %v %s", w.Header(), w.Body)
			}
			x.Method = "POST"
			if s.Resource().Asked(x) {
				t.Error("it is posted to")
			}
		})
	}
	asked, diags := NewIntrospected(IntrospectionConfig{Issuer: "https://other.example", Scopes: []string{"orders:read"}, Possession: Possession{DPoP: &dpop.Config{Algorithms: []string{"ES256"}}, Bound: []string{"dpop"}}}, nil, Computed{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for want, methods := range map[string][]Method{
		`"authorization_servers":["` + iss + `","https://other.example"],"scopes_supported":["orders:read"],"bearer_methods_supported":["header"],"dpop_signing_alg_values_supported":["ES256"]}`:                            {tokens, asked},
		`"authorization_servers":["https://other.example"],"scopes_supported":["orders:read"],"bearer_methods_supported":["header"],"dpop_signing_alg_values_supported":["ES256"],"dpop_bound_access_tokens_required":true}`: {asked},
	} {
		resource, diags := NewResource(MetadataConfig{Resource: "https://a.example"}, methods...)
		w := httptest.NewRecorder()
		if resource.Serve(w, request()); diags.HasErrors() || w.Body.String() != `{"resource":"https://a.example",`+want+"\n" {
			t.Errorf("%v %s", diags, w.Body)
		}
	}
	s, diags := New(Config{Metadata: &MetadataConfig{}}, keys)
	if diags.HasErrors() || s.Resource() != nil || s.Resource().Asked(request()) {
		t.Error("API keys have no issuer")
	}
	for _, resource := range []string{"http://a.example", "https://", "a.example", "https://a.example/?b", "https://a.example/#b", "https://u@a.example", "https://a.example/\"", "https://%zz"} {
		if _, diags := NewResource(MetadataConfig{Resource: resource}, tokens); !diags.HasErrors() {
			t.Errorf("%q is a resource", resource)
		}
	}
}
