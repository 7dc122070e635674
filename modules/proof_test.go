package modules_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
	"github.com/wicketgate/wicketgate/internal/oauthtest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// clientKey is a private key in PEM, and its public half as a JWK.
func clientKey(t *testing.T) (private string, public map[string]any) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), publicJWK(t, key.Public())
}

func publicJWK(t *testing.T, public any) (members map[string]any) {
	t.Helper()
	key, err := jwk.Import(public)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// certified is a client of a gateway, or of another server, that has a certificate.
func certified(t *testing.T, c *http.Client, cert, key []byte) *http.Client {
	t.Helper()
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	transport := c.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: c.Timeout, CheckRedirect: c.CheckRedirect}
}

// TestIntrospection has an OAuth server that is none of ours tell what its tokens mean, to clients that prove who they are
// in each of the ways, and take its tokens back, go down and come back.
func TestIntrospection(t *testing.T) {
	private, public := clientKey(t)
	cert, key := oauthtest.Certificate(t, "gateway.example")
	block, _ := pem.Decode(cert)
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	self := publicJWK(t, parsed.PublicKey)
	self["x5c"] = []string{base64.StdEncoding.EncodeToString(block.Bytes)}
	i := oauthtest.Start(t, oauthtest.Config{Clients: []map[string]any{
		{"client_id": "till"},
		{"client_id": "vault", "tls_client_certificate_bound_access_tokens": true},
		{"client_id": "gateway"},
		{"client_id": "gateway-key", "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256", "jwks": map[string]any{"keys": []any{public}}},
		{"client_id": "gateway-cert", "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": map[string]any{"keys": []any{self}}},
	}})
	ca, err := os.ReadFile(i.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("INTROSPECTION_SECRET", i.Secret("gateway"))
	config := func(path, lines string) string {
		return "\n\tapi_auth " + path + " {\n\t\tintrospection " + i.URL + "/token/introspection {\n\t\t\tca_file ca.pem\n\t\t\tissuer " + i.URL +
			"\n\t\t\tconsumer claims.client_id\n\t\t\ttimeout 10s\n\t\t\t" + strings.ReplaceAll(lines, "\n", "\n\t\t\t") + "\n\t\t}\n\t}"
	}
	g, s, dir := alone(t, map[string]string{"ca.pem": string(ca), "gateway.pem": private, "cert.pem": string(cert), "cert.key": string(key)}, `
	log default {
		output file {DIR}/default.log {
			roll_disabled
		}
		level DEBUG
		exclude events
	}`, `
	tls {
		client_auth {
			mode request
		}
	}`+
		config("/secret/*", "client gateway {env.INTROSPECTION_SECRET}\naudience "+oauthtest.Resource("opaque")+"\nscopes orders:read\ncache 1s\ndpop")+
		config("/key/*", "client gateway-key\nclient_key gateway.pem")+
		config("/certificate/*", "client gateway-cert\nclient_certificate cert.pem cert.key")+
		config("/bound/*", "client gateway {env.INTROSPECTION_SECRET}\ndpop {\n\twindow 5m\n}\nbound dpop certificate")+`
	{PROXY}`)

	token := i.Token("till", "opaque", "orders:read")
	bearer := "Authorization: Bearer " + token
	for _, path := range []string{"/secret/orders", "/key/orders", "/certificate/orders"} {
		is(t, path, g.Do("GET", path, "", bearer, "X-Consumer-Id: admin"), 200, "")
		if _, _, header, _ := s.saw(); header.Get("X-Consumer-Id") != "till" || header["Authorization"] != nil {
			t.Errorf("%s: the service is told %v", path, header)
		}
		is(t, path+", a token of nobody", g.Do("GET", path, "", "Authorization: Bearer opaque"), 401, "the token is not valid")
	}
	is(t, "no token", g.Do("GET", "/secret/orders", ""), 401, "the request carries no credentials")
	is(t, "a scope too few", g.Do("GET", "/secret/orders", "", "Authorization: Bearer "+i.Token("till", "opaque", "orders:write")), 403, "")
	is(t, "a token that is not bound", g.Do("GET", "/bound/orders", "", bearer), 401, "the token is not bound to its holder")

	// DPoP.
	holder := dpoptest.New(t, "ES256")
	grant := url.Values{"grant_type": {"client_credentials"}, "resource": {oauthtest.Resource("opaque")}, "scope": {"orders:read"}}
	answer := i.Post("/token", "till", grant, http.Header{"Dpop": {holder.Proof(t, "POST", i.URL+"/token", "", time.Now())}})
	bound, _ := answer["access_token"].(string)
	if answer["token_type"] != "DPoP" || bound == "" {
		t.Fatalf("the OAuth server gives no bound token: %v", answer)
	}
	sends := func(what string, status int, text string, proof ...string) {
		t.Helper()
		fields := []string{"Authorization: DPoP " + bound}
		for _, p := range proof {
			fields = append(fields, "DPoP: "+p)
		}
		is(t, what, g.Do("GET", "/bound/orders?id=7", "", fields...), status, text)
	}
	proof := func(method, path, token string, change ...func(header, claims map[string]any)) string {
		return holder.Proof(t, method, g.URL+path, token, time.Now(), change...)
	}
	good := proof("GET", "/bound/orders", bound)
	sends("its holder", 200, "", good)
	if _, _, header, _ := s.saw(); header.Get("X-Consumer-Id") != "till" || header["Authorization"] != nil || header["Dpop"] != nil {
		t.Errorf("the service is told %v", header)
	}
	sends("the same proof", 401, "the DPoP proof is not valid", good)
	sends("no proof", 401, "the request does not carry one DPoP proof")
	sends("a proof for another method", 401, "the DPoP proof is not valid", proof("POST", "/bound/orders", bound))
	sends("a proof for another address", 401, "the DPoP proof is not valid", proof("GET", "/secret/orders", bound))
	sends("a proof for another token", 401, "the DPoP proof is not valid", proof("GET", "/bound/orders", token))
	sends("a proof of another key", 401, "the token is bound to another key", dpoptest.New(t, "ES256").Proof(t, "GET", g.URL+"/bound/orders", bound, time.Now()))
	sends("an old proof", 401, "the DPoP proof is not valid", holder.Proof(t, "GET", g.URL+"/bound/orders", bound, time.Now().Add(-time.Hour)))
	sends("a proof with HS256", 401, "the DPoP proof is not valid", proof("GET", "/bound/orders", bound, func(header, _ map[string]any) { header["alg"] = "HS256" }))
	if res := g.Do("GET", "/bound/orders", "", "Authorization: DPoP "+bound, "DPoP: "+proof("GET", "/bound/orders", bound), "DPoP: "+proof("GET", "/bound/orders", bound)); res.Status != 401 && res.Status != 400 {
		t.Errorf("two proofs: %d %s", res.Status, res.Body)
	}
	is(t, "a bound token as a bearer token", g.Do("GET", "/bound/orders", "", "Authorization: Bearer "+bound), 401, "the token is bound to a key and does not come with a proof of it")
	res := g.Do("GET", "/secret/orders", "", "Authorization: DPoP "+token, "DPoP: "+proof("GET", "/secret/orders", token))
	is(t, "a token that is not bound, with a proof", res, 401, "the token is not bound to a key")
	if challenge := res.Header.Get("WWW-Authenticate"); !strings.Contains(challenge, `DPoP realm="api", error="invalid_token"`) || !strings.Contains(challenge, "algs=\"ES256 ") {
		t.Errorf("the challenge is %s", challenge)
	}

	// A certificate that only has to be the same.
	holderCert, holderKey := oauthtest.Certificate(t, "vault")
	otherCert, otherKey := oauthtest.Certificate(t, "vault")
	plain := i.Client
	i.Client = certified(t, plain, holderCert, holderKey)
	vault := i.Token("vault", "opaque", "orders:read")
	i.Client = plain
	for _, test := range []struct {
		name   string
		client *http.Client
		status int
	}{
		{"its holder", certified(t, g.Client, holderCert, holderKey), 200},
		{"another certificate", certified(t, g.Client, otherCert, otherKey), 401},
		{"no certificate", g.Client, 401},
	} {
		before := g.Client
		g.Client = test.client
		res := g.Do("GET", "/bound/orders", "", "Authorization: Bearer "+vault)
		g.Client = before
		if res.Status != test.status {
			t.Errorf("%s: %d %s", test.name, res.Status, res.Body)
		}
	}

	// The server takes a token back, goes down and comes back.
	i.Revoke("till", token)
	g.Within(10*time.Second, "the token is taken back", func() bool { return g.Do("GET", "/secret/orders", "", bearer).Status == 401 })
	is(t, "one that is remembered for longer", g.Do("GET", "/key/orders", "", bearer), 200, "")
	fresh := "Authorization: Bearer " + i.Token("till", "opaque", "orders:read")
	i.Stop()
	res = g.Do("GET", "/secret/orders", "", fresh)
	is(t, "while the server is down", res, 503, "the token cannot be checked at present")
	if res.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to try again")
	}
	is(t, "one that is remembered", g.Do("GET", "/key/orders", "", bearer), 200, "")
	i.Restart()
	g.Within(10*time.Second, "the server is back", func() bool { return g.Do("GET", "/secret/orders", "", fresh).Status == 200 })

	text, err := os.ReadFile(filepath.Join(dir, "default.log"))
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{"the client's secret": i.Secret("gateway"), "a token": token, "a bound token": bound, "a proof": good} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the log shows %s", what)
		}
	}
}

// TestCertificates takes callers by the certificates of their connections.
func TestCertificates(t *testing.T) {
	till, tillKey := oauthtest.Certificate(t, "till.acme.example")
	other, otherKey := oauthtest.Certificate(t, "other.example")
	acme, line := apiKey(t, "acme")
	g, s, _ := alone(t, map[string]string{"clients.pem": string(till), "partners.keys": line}, "", `
	tls {
		client_auth {
			mode request
		}
	}
	api_auth /open/* {
		certificate
		anonymous
	}
	api_auth /tills/* {
		key X-API-Key partners.keys
		certificate {
			trusted_ca_file clients.pem
			consumer "'till:' + certificate.sans.dns[0]"
		}
	}
	{PROXY}`)
	as := func(cert, key []byte, path string, fields ...string) gatewaytest.Answer {
		t.Helper()
		before := g.Client
		defer func() { g.Client = before }()
		if cert != nil {
			g.Client = certified(t, before, cert, key)
		}
		return g.Do("GET", path, "", fields...)
	}
	is(t, "nobody", as(nil, nil, "/tills/x"), 401, "the request carries no credentials")
	is(t, "nobody where anybody may come", as(nil, nil, "/open/x"), 200, "")
	is(t, "somebody whom nobody verified there", as(till, tillKey, "/open/x"), 401, "the client certificate is not accepted")
	is(t, "a stranger", as(other, otherKey, "/tills/x"), 401, "the client certificate is not accepted")
	is(t, "a till", as(till, tillKey, "/tills/x"), 200, "")
	if _, _, header, _ := s.saw(); header.Get("X-Consumer-Id") != "till:till.acme.example" {
		t.Errorf("the service is told %v", header)
	}
	is(t, "a till with a key", as(till, tillKey, "/tills/x", "X-API-Key: "+acme), 200, "")
	if _, _, header, _ := s.saw(); header.Get("X-Consumer-Id") != "acme" {
		t.Errorf("the service is told %v", header)
	}
}
