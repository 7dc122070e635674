package modules_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// whoami sends the caller on as the policy sees it.
const whoami = `package httpapi.whoami

allow if input.consumer

allow if startswith(input.request.path, "/open")

headers["X-Who"] := concat(" ", [input.consumer.method, input.consumer.id])

headers["X-Groups"] := concat("+", input.consumer.groups)
`

// TestPolicyKnowsUsersOfBasicAuth has Caddy's own basic_auth find who calls.
func TestPolicyKnowsUsersOfBasicAuth(t *testing.T) {
	g, s, _ := alone(t, map[string]string{"policies/whoami.rego": whoami}, `
	api_gateway {
		policies policies
	}`, `
	@team not path /open/*
	basic_auth @team {
		ada $2a$04$wl2s7Yw3rQphrXvSJZqCj.bXWOOKWrEA/vrN6OOLJ1J4fNJ.B7XFO
	}
	api_policy data.httpapi.whoami
	{PROXY}`)
	req, _ := http.NewRequest("GET", "/", nil)
	req.SetBasicAuth("ada", "secret")
	ada := "Authorization: " + req.Header.Get("Authorization")
	is(t, "ada", g.Do("GET", "/orders", "", ada), 200, "")
	if _, _, header, _ := s.saw(); header.Get("X-Who") != "user ada" {
		t.Errorf("the policy saw %q", header["X-Who"])
	}
	// Where nobody asked for them, credentials are a field like any other.
	is(t, "ada, whom nobody asked", g.Do("GET", "/open/x", "", ada, "X-Who: user root"), 200, "")
	if _, _, header, _ := s.saw(); header.Get("X-Who") == "user ada" {
		t.Error("the policy saw a user whom nobody identified")
	}
}

// TestPolicyKnowsWhomForwardAuthFound has a server of the operator's find who calls, and the policy believe its answer
// and nothing else.
func TestPolicyKnowsWhomForwardAuthFound(t *testing.T) {
	logins := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Cookie") {
		case "session=ada":
			w.Header().Set("Remote-User", "ada")
			w.Header().Set("Remote-Groups", "staff, admins")
		case "session=none":
		case "session=control":
			w.Header().Set("Remote-User", "a\tb")
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	logins.Config.SetKeepAlivesEnabled(false)
	defer logins.Close()
	g, s, _ := alone(t, map[string]string{"policies/whoami.rego": whoami}, `
	api_gateway {
		policies policies
	}`, `
	@asked not path /unasked /open/*
	forward_auth @asked `+logins.URL+` {
		uri /verify
		copy_headers Remote-User
	}
	api_policy data.httpapi.whoami {
		consumer {rp.header.Remote-User}
		groups {rp.header.Remote-Groups}
	}
	{PROXY}`)
	for _, test := range []struct {
		what, path, cookie string
		status             int
		who, groups        string
	}{
		{"ada", "/orders", "session=ada", 200, "user ada", "staff+admins"},
		{"nobody by the server's word", "/orders", "session=none", 403, "", ""},
		{"an id that is none", "/orders", "session=control", 403, "", ""},
		{"nobody asked", "/unasked", "session=ada", 403, "", ""},
		{"nobody asked, and none needed", "/open/x", "session=ada", 200, "", ""},
	} {
		res := g.Do("GET", test.path, "", "Cookie: "+test.cookie, "Remote-User: root", "Remote-Groups: admins")
		is(t, test.what, res, test.status, "")
		if test.status == 200 {
			if _, _, header, _ := s.saw(); header.Get("X-Who") != test.who || header.Get("X-Groups") != test.groups {
				t.Errorf("%s: the policy saw %q, %q", test.what, header["X-Who"], header["X-Groups"])
			}
		}
	}
	if res := g.Do("GET", "/orders", "", "Remote-User: ada"); res.Status != 401 {
		t.Errorf("no session: got %d", res.Status)
	}
}

// authority is an authority for client certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clients"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// sign makes a certificate of a template, signed by the authority, or by itself if it is the authority's own.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// client speaks to g with a certificate of the authority's.
func (a *authority) client(t *testing.T, g *gatewaytest.Gateway, subject string, uris ...string) *http.Client {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: subject}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, text := range uris {
		uri, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, uri)
	}
	cert, key := a.sign(template)
	transport := g.Client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// TestPolicyKnowsClientCertificates has Caddy verify client certificates, and the policy see whom they name.
func TestPolicyKnowsClientCertificates(t *testing.T) {
	clients := newAuthority(t)
	files := map[string]string{"policies/whoami.rego": whoami, "clients.pem": clients.pem()}
	options := "api_gateway {\n\tpolicies policies\n}"
	for _, test := range []struct {
		mode, subject, uri string
		status             int
		who                string
	}{
		{"verify_if_given", "billing", "spiffe://acme.example/billing", 200, "certificate billing"},
		{"verify_if_given", "", "spiffe://acme.example/billing", 200, "certificate spiffe://acme.example/billing"},
		{"request", "billing", "", 403, ""}, // asked for, and not verified
	} {
		t.Run(test.mode+" "+test.subject, func(t *testing.T) {
			g, s, _ := alone(t, files, options, `
	tls {
		client_auth {
			mode `+test.mode+`
			trust_pool file {DIR}/clients.pem
		}
	}
	api_policy data.httpapi.whoami
	{PROXY}`)
			is(t, "without a certificate", g.Do("GET", "/orders", "", "X-Who: root"), 403, "")
			var uris []string
			if test.uri != "" {
				uris = []string{test.uri}
			}
			res, err := clients.client(t, g, test.subject, uris...).Get(g.URL + "/orders")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			_, _, header, _ := s.saw()
			if res.StatusCode != test.status || header.Get("X-Who") != test.who {
				t.Errorf("got %d; the policy saw %q", res.StatusCode, header["X-Who"])
			}
		})
	}
}

// A policy that a matcher asks decides which way a request goes, and what it cannot decide goes no way at all.
func TestPolicyMatcher(t *testing.T) {
	acme, line := apiKey(t, "acme")
	const rules = `package httpapi.partners

allow if input.consumer.id == "acme"

allow if json.unmarshal(input.request.headers["x-rights"][0]).admin

headers["X-Decided"] := "yes"
`
	g, s, dir := alone(t, map[string]string{"policies/partners.rego": rules, "partners.keys": line}, `
	api_gateway {
		policies policies
		watch 10ms
	}`, `
	@partners api_policy data.httpapi.partners
	@strangers not api_policy data.httpapi.partners
	route {
		api_auth {
			key X-API-Key partners.keys
			anonymous
		}
		header @partners X-Partner yes
		header @strangers X-Partner no
		respond @strangers "stranger" 200
		{PROXY}
	}`)
	s.text(200, "text/plain", "order")
	res := g.Do("GET", "/orders", "", "X-API-Key: "+acme)
	is(t, "a partner", res, 200, "order")
	if _, _, header, _ := s.saw(); header["X-Decided"] != nil || res.Header.Get("X-Partner") != "yes" {
		t.Errorf("a matcher changed the request: %v, or did not match: %v", header, res.Header)
	}
	is(t, "a stranger", g.Do("GET", "/orders", "", "X-Rights: {}"), 200, "stranger")
	is(t, "a stranger with rights", g.Do("GET", "/orders", "", `X-Rights: {"admin":true}`), 200, "order")
	// The policy fails on this: neither a partner nor, by `not`, a stranger.
	if res := g.Do("GET", "/orders", "", "X-Rights: {"); res.Status < 400 || res.Body == "stranger" {
		t.Errorf("an error: got %d %s", res.Status, res.Body)
	}
	if res := g.Do("GET", "/a/..%2forders", "", "X-Rights: {}"); res.Status != 400 {
		t.Errorf("an ambiguous path: got %d %s", res.Status, res.Body)
	}

	gatewaytest.Write(t, filepath.Join(dir, "policies", "partners.rego"), "package httpapi.partners\n\nallow if false\n")
	g.Within(10*time.Second, "the new policy holds", func() bool {
		return g.Do("GET", "/orders", "", "X-API-Key: "+acme).Body == "stranger"
	})
}

// A matcher that says yes and forgets what the policy obliges to would show what is to be hidden.
func TestPolicyMatcherOfAPolicyThatObliges(t *testing.T) {
	g, s, _ := alone(t, map[string]string{"policies/a.rego": `package a

answer := {"allow": true, "drop": ["/secret"]} if input.request.path == "/hidden"

answer := {"allow": true, "limits": {"a": {"b": 1}}} if input.request.path == "/counted"

answer := {"allow": true} if input.request.path == "/shown"
`}, `
	api_gateway {
		policies policies
	}`, `
	@a api_policy data.a.answer
	@others not api_policy data.a.answer
	handle @a {
		{PROXY}
	}
	respond @others "other" 200
`)
	s.text(200, "application/json", `{"secret":1}`)
	is(t, "nothing obliged to", g.Do("GET", "/shown", ""), 200, `{"secret":1}`)
	is(t, "undefined", g.Do("GET", "/other", ""), 200, "other")
	for _, path := range []string{"/hidden", "/counted"} {
		if res := g.Do("GET", path, ""); res.Status != 403 {
			t.Errorf("%s: got %d %s", path, res.Status, res.Body)
		}
	}
}

func TestPolicyMatcherRefused(t *testing.T) {
	for _, test := range []struct{ rules, want string }{
		{"allow if input.request.body.b", "data.a reads the body, which no matcher may"},
		{"allow if true\n\ndrop contains \"/b\" if true", "Obligations that nobody carries out: data.a has a rule drop"},
		{"allow if true\n\nlimits.a.b := 1", "ask data.a.allow here"},
	} {
		dir := t.TempDir()
		gatewaytest.Write(t, filepath.Join(dir, "policies", "a.rego"), "package a\n\n"+test.rules+"\n")
		gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	api_gateway {
		policies policies
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	@a api_policy data.a
	respond @a "a"
}
`)
		if err := gatewaytest.Load(t, filepath.Join(dir, "Caddyfile")); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.rules, err, test.want)
		}
	}
}
