package modules_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
	"github.com/wicketgate/wicketgate/internal/oauthtest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestProofInOtherPlaces has the catalogue's blocks introspection and certificate, and the providers of Caddy's own handler
// authentication, ask an OAuth server that is none of ours and look at certificates, over real HTTPS. The gateway sends its
// secret in the form, and proofs of possession are for what the client asked a proxy in front for.
func TestProofInOtherPlaces(t *testing.T) {
	till, tillKey := oauthtest.Certificate(t, "till.acme.example")
	other, otherKey := oauthtest.Certificate(t, "other.example")
	i := oauthtest.Start(t, oauthtest.Config{Clients: []map[string]any{
		{"client_id": "shop"},
		{"client_id": "gateway", "client_secret": "gateway-5ecret-gateway-5ecret", "token_endpoint_auth_method": "client_secret_post"},
	}})
	s := &service{}
	server := httptest.NewServer(s)
	server.Config.SetKeepAlivesEnabled(false)
	t.Cleanup(server.Close)
	t.Setenv("INTROSPECTION_SECRET", "gateway-5ecret-gateway-5ecret")
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		gatewaytest.Write(t, path, content)
		return path
	}
	clients, ca := file("clients.pem", string(till)), i.CAFile
	catalogue := file("shop.hcl", `
secret "introspection" { env = "INTROSPECTION_SECRET" }
identity "apps" {
  introspection {
    url           = "`+i.URL+`/token/introspection"
    client_id     = "gateway"
    client_secret = secret.introspection
    client_auth   = "post"
    ca_file       = "`+ca+`"
    issuer        = "`+i.URL+`"
    consumer      = claims.client_id
    timeout       = "20s"
    dpop {}
  }
}
identity "tills" {
  certificate {
    trusted_ca_file = "`+clients+`"
    consumer        = certificate.sans.dns[0]
  }
}
upstream "shop" { servers = ["`+server.URL+`"] }
api "shop" {
  base_path = "/api"
  upstream  = upstream.shop
  identify  = [identity.apps, identity.tills]
  authorize = public
  route "GET /orders" {}
}
`)
	seen := `{"handler": "static_response", "body": "{http.auth.user.id}"}`
	provider := func(path, provider string) string {
		return `{"match": [{"path": ["` + path + `"]}], "handle": [{"handler": "authentication", "providers": {` + provider + `}}, ` + seen + `]}`
	}
	g := gatewaytest.Start(t, file("caddy.json", `{"apps": {
		"api_gateway": {"catalogue": ["`+catalogue+`"]},
		"http": {"servers": {"site": {
			"listen": [":{$HTTPS_PORT}"],
			"trusted_proxies": {"source": "static", "ranges": ["127.0.0.0/8", "::1/128"]},
			"tls_connection_policies": [{"client_authentication": {"mode": "request"}}],
			"routes": [{"match": [{"host": ["localhost", "api.acme.example"]}], "terminal": true, "handle": [{"handler": "subroute", "routes": [`+
		strings.Join([]string{
			provider("/provider/introspection", `"api_introspection": {"url": "`+i.URL+`/token/introspection", "client": "gateway", "secret": "{env.INTROSPECTION_SECRET}", "post": true, "ca_file": "`+ca+`", "consumer": "claims.client_id", "timeout": "20s"}`),
			provider("/provider/certificate", `"api_certificate": {"trusted_ca_file": "`+clients+`", "consumer": "certificate.sans.dns[0]"}`),
			`{"handle": [{"handler": "api_gateway"}]}`,
		}, ",")+`]}]}]}}},
		"tls": {"automation": {"policies": [{"subjects": ["localhost"], "issuers": [{"module": "internal"}]}]}}
	}}`))
	as := func(cert, key []byte, path string, fields ...string) gatewaytest.Answer {
		t.Helper()
		before := g.Client
		defer func() { g.Client = before }()
		if cert != nil {
			g.Client = certified(t, before, cert, key)
		}
		return g.Do("GET", path, "", fields...)
	}
	told := func(want string) {
		t.Helper()
		if _, _, header, _ := s.saw(); header.Get("X-Consumer-Id") != want || header["Authorization"] != nil || header["Dpop"] != nil {
			t.Errorf("the service is told %v, want %s", header, want)
		}
	}
	bearer := "Authorization: Bearer " + i.Token("shop", "opaque", "orders:read")

	is(t, "a token", as(nil, nil, "/api/orders", bearer, "X-Consumer-Id: admin"), 200, "")
	told("shop")
	is(t, "a token of nobody", as(nil, nil, "/api/orders", "Authorization: Bearer opaque"), 401, "the token is not valid")
	is(t, "a certificate", as(till, tillKey, "/api/orders"), 200, "")
	told("till.acme.example")
	is(t, "a certificate of a stranger", as(other, otherKey, "/api/orders"), 401, "the client certificate is not accepted")
	is(t, "nobody", as(nil, nil, "/api/orders"), 401, "the request carries no credentials")

	for _, test := range []struct {
		name      string
		cert, key []byte
		path      string
		fields    []string
		status    int
		body      string
	}{
		{"a token", nil, nil, "/provider/introspection", []string{bearer}, 200, "shop"},
		{"a token of nobody", nil, nil, "/provider/introspection", []string{"Authorization: Bearer opaque"}, 401, ""},
		{"no token", till, tillKey, "/provider/introspection", nil, 401, ""},
		{"a certificate", till, tillKey, "/provider/certificate", nil, 200, "till.acme.example"},
		{"a certificate of a stranger", other, otherKey, "/provider/certificate", nil, 401, ""},
		{"no certificate", nil, nil, "/provider/certificate", []string{bearer}, 401, ""},
	} {
		if a := as(test.cert, test.key, test.path, test.fields...); a.Status != test.status || a.Body != test.body {
			t.Errorf("of the provider, %s: %d %s, want %d %s", test.name, a.Status, a.Body, test.status, test.body)
		}
	}

	// DPoP behind a proxy that Caddy trusts.
	holder := dpoptest.New(t, "ES256")
	grant := url.Values{"grant_type": {"client_credentials"}, "resource": {oauthtest.Resource("opaque")}, "scope": {"orders:read"}}
	answer := i.Post("/token", "shop", grant, http.Header{"Dpop": {holder.Proof(t, "POST", i.URL+"/token", "", time.Now())}})
	bound, _ := answer["access_token"].(string)
	if answer["token_type"] != "DPoP" || bound == "" {
		t.Fatalf("the OAuth server gives no bound token: %v", answer)
	}
	for _, test := range []struct {
		name, address string
		fields        []string
		status        int
	}{
		{"as it was asked in front", "https://shop.example/api/orders", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example"}, 200},
		{"in another spelling", "https://SHOP.example:443/api/orders?page=2", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example"}, 200},
		{"as the proxy asks", g.URL + "/api/orders", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example"}, 401},
		{"of another host", "https://other.example/api/orders", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example"}, 401},
		{"where the proxy says two things", "https://shop.example/api/orders", []string{"X-Forwarded-Host: shop.example, other.example"}, 401},
		{"where the proxy says nothing", g.URL + "/api/orders", nil, 200},
	} {
		fields := append([]string{"Authorization: DPoP " + bound, "DPoP: " + holder.Proof(t, "GET", test.address, bound, time.Now())}, test.fields...)
		if a := as(nil, nil, "/api/orders", fields...); a.Status != test.status {
			t.Errorf("a proof for the address %s: %d %s, want %d", test.name, a.Status, a.Body, test.status)
		}
		if test.status == 200 {
			told("shop")
		}
	}
}
