package modules_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestProviders has Caddy's own handler authentication take API keys and tokens. What it found, Caddy's modules know as
// the user and later stages as the consumer; the credential ends there.
func TestProviders(t *testing.T) {
	k := &identity.Key{Consumer: "acme", Name: "Acme's till", Plan: "gold", Scopes: []string{"orders:read"}, Groups: []string{"partners"}}
	key, err := identity.NewKey(k)
	if err != nil {
		t.Fatal(err)
	}
	keys, sign := issuer(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		gatewaytest.Write(t, path, content)
		return path
	}
	seen := `{"handler": "static_response", "body": "{http.auth.user.id}|{http.auth.user.name}|{http.auth.user.plan}|{http.auth.user.scopes}|{http.auth.user.claims.tenant}|{http.auth.user.claims.roles}|{http.request.header.X-Api-Key}{http.request.header.Authorization}|{http.request.uri}|{http.request.orig_uri}"}`
	api := `{"handler": "api_limit", "name": "all", "key": "consumer.groups[0]", "quotas": [{"requests": 1000, "window": "1m"}]}`
	route := func(path, providers string) string {
		return `{"match": [{"path": ["` + path + `"]}], "handle": [{"handler": "authentication", "providers": {` + providers + `}}, ` + api + `, ` + seen + `]}`
	}
	apiKey := `"api_key": {"keys": "` + file("partners.keys", k.Line()+"\n") + `", "bearer": true, "query": "key"}`
	jwt := `"api_jwt": {"issuer": "https://id.example", "audience": ["orders"], "keys": "` + file("staff.json", keys) + `"}`
	g := gatewaytest.Start(t, file("caddy.json", `{"apps": {
		"api_gateway": {"watch": 10000000},
		"http": {"servers": {"site": {"listen": [":{$HTTPS_PORT}"], "routes": [{"match": [{"host": ["localhost"]}], "terminal": true, "handle": [{"handler": "subroute", "routes": [`+
		strings.Join([]string{
			route("/keys", apiKey), route("/both", apiKey+","+jwt), route("/tokens", strings.Replace(jwt, "}", `, "realm": "staff", "forward": true}`, 1)),
		}, ",")+`]}]}]}}},
		"tls": {"automation": {"policies": [{"subjects": ["localhost"], "issuers": [{"module": "internal"}]}]}}
	}}`))

	challenge := func(res gatewaytest.Answer, want ...string) {
		t.Helper()
		if got := strings.Join(res.Header.Values("Www-Authenticate"), ", "); res.Status != 401 || got != strings.Join(want, ", ") {
			t.Errorf("%d with %s", res.Status, got)
		}
	}
	const keyChallenge = `ApiKey realm="api", header="X-API-Key", query="key", Bearer realm="api"`
	challenge(g.Do("GET", "/keys", ""), keyChallenge)
	challenge(g.Do("GET", "/keys", "", "X-API-Key: "+strings.ToLower(key)), keyChallenge+`, error="invalid_token", error_description="the API key is not valid"`)
	challenge(g.Do("GET", "/keys?key="+key, "", "X-API-Key: "+key), keyChallenge+`, error="invalid_request", error_description="the request carries two credentials; send one"`)
	challenge(g.Do("GET", "/tokens", ""), `Bearer realm="staff"`)
	challenge(g.Do("GET", "/keys?a=%zz", ""))

	body := func(res gatewaytest.Answer, want string) {
		t.Helper()
		if res.Status != http.StatusOK || res.Body != want {
			t.Errorf("%d %q, want %q", res.Status, res.Body, want)
		}
	}
	const acme = "acme|Acme's till|gold|orders:read||||"
	body(g.Do("GET", "/keys?page=2", "", "X-API-Key: "+key), acme+"/keys?page=2|/keys?page=2")
	body(g.Do("GET", "/keys", "", "Authorization: Bearer "+key), acme+"/keys|/keys")
	body(g.Do("GET", "/keys?key="+key+"&page=2", ""), acme+"/keys?page=2|/keys?page=2")
	body(g.Do("GET", "/both", "", "X-API-Key: "+key), acme+"/both|/both")
	token := sign(map[string]any{"sub": "ada", "tenant": "t1", "roles": []string{"clerk", "boss"}, "groups": []string{"staff"}, "scope": "a b"})
	body(g.Do("GET", "/both", "", "Authorization: Bearer "+token), "ada|ada||a b|t1|clerk,boss||/both|/both")
	body(g.Do("GET", "/tokens", "", "Authorization: Bearer "+token), "ada|ada||a b|t1|clerk,boss|Bearer "+token+"|/tokens|/tokens")

	gatewaytest.Write(t, filepath.Join(dir, "partners.keys"), "")
	g.Within(10*time.Second, "the key is gone", func() bool { return g.Do("GET", "/keys", "", "X-API-Key: "+key).Status == 401 })
}

// TestMetadataAlone has api_auth publish who issues tokens, to whoever asks.
func TestMetadataAlone(t *testing.T) {
	keys, _ := issuer(t)
	g, s, _ := alone(t, map[string]string{"staff.json": keys}, "", `
	api_auth {
		jwt {
			issuer https://id.example
			jwks staff.json
			audience orders
		}
		metadata https://api.acme.example/orders
	}
	{PROXY}`)
	res := g.Do("GET", "/", "")
	const path = "/.well-known/oauth-protected-resource/orders"
	if got := res.Header.Get("Www-Authenticate"); res.Status != 401 || got != `Bearer realm="api", resource_metadata="https://api.acme.example`+path+`"` {
		t.Errorf("%d %s", res.Status, got)
	}
	res = g.Do("GET", path, "")
	if want := `{"resource":"https://api.acme.example/orders","authorization_servers":["https://id.example"],"bearer_methods_supported":["header"]}`; res.Status != 200 || strings.TrimSpace(res.Body) != want {
		t.Errorf("%d %s", res.Status, res.Body)
	}
	for _, other := range []string{"/.well-known/oauth-protected-resource", "/.well-known/other"} {
		if res := g.Do("GET", other, ""); res.Status != 401 {
			t.Errorf("%s: %d", other, res.Status)
		}
	}
	if n, _, _, _ := s.saw(); n != 0 {
		t.Errorf("%d requests reached the service", n)
	}
}
