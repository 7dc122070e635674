package identity

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// holding is a request of somebody who has proven to have the key of a certificate, which need not be verified.
func holding(certificate string, fields ...string) *exchange.Exchange {
	x := request(fields...)
	x.Method, x.Scheme, x.Host, x.Port = "GET", "https", "api.example", ":8443"
	x.Path = exchange.Path{Escaped: "/v1/orders/7"}
	x.TLS = &tls.ConnectionState{}
	if certificate != "" {
		x.TLS.PeerCertificates = []*x509.Certificate{{Raw: []byte(certificate)}}
	}
	return x
}

const ordersSeven = "https://api.example:8443/v1/orders/7"

func TestPossession(t *testing.T) {
	i := newIssuer(t)
	key, other := dpoptest.New(t, "ES256"), dpoptest.New(t, "ES256")
	token := func(cnf any) string {
		return i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"cnf": cnf}))
	}
	sum := sha256.Sum256([]byte("certificate"))
	ofCertificate := token(map[string]any{"x5t#S256": dpoptest.Encode(sum[:])})
	ofKey := token(map[string]any{"jkt": key.Thumbprint(t)})
	ofBoth := token(map[string]any{"jkt": key.Thumbprint(t), "x5t#S256": dpoptest.Encode(sum[:])})
	ofNothing := i.sign(t, "ES256", header("ES256"), claimsWith(nil))
	proof := func(token string) string { return key.Proof(t, "GET", ordersSeven, token, now) }
	replayed := proof(ofKey)
	on := Possession{DPoP: &dpop.Config{Algorithms: []string{"ES256"}}}
	demands := func(p Possession, bound ...string) Possession {
		p.Bound = bound
		return p
	}
	methods := map[string]*Stage{}
	for name, p := range map[string]Possession{
		"off": {}, "on": on, "dpop": demands(on, "dpop"), "certificate": demands(Possession{}, "certificate"), "either": demands(on, "dpop", "certificate"),
	} {
		s, diags := New(Config{}, i.tokens(t, JWTConfig{Possession: p}, nil))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		methods[name] = s
	}
	const bearer, both = `Bearer realm="api"`, `Bearer realm="api"%s, DPoP realm="api"%s, algs="ES256"`
	inBearer := func(detail string) string {
		return fmt.Sprintf(both, `, error="invalid_token", error_description="`+detail+`"`, "")
	}
	inDPoP := func(code, detail string) string {
		return fmt.Sprintf(both, "", `, error="`+code+`", error_description="`+detail+`"`)
	}
	for _, test := range []struct {
		name        string
		on          string
		certificate string
		fields      []string
		challenge   string // "" where the token is taken
		status      int    // default 401
	}{
		{name: "bound to nothing", on: "off", fields: []string{"Authorization", "Bearer " + ofNothing}},
		{name: "bound to nothing, dpop is on", on: "on", fields: []string{"Authorization", "Bearer " + ofNothing}},
		{name: "with a proof that nobody needs", on: "on", fields: []string{"Authorization", "Bearer " + ofNothing, "DPoP", proof(ofNothing)}},
		{name: "nothing at all", on: "on", challenge: fmt.Sprintf(both, "", "")},

		{name: "of a certificate", on: "off", certificate: "certificate", fields: []string{"Authorization", "Bearer " + ofCertificate}},
		{name: "of another certificate", on: "off", certificate: "another", fields: []string{"Authorization", "Bearer " + ofCertificate},
			challenge: bearer + `, error="invalid_token", error_description="the token is bound to another client certificate"`},
		{name: "of a certificate, without one", on: "on", fields: []string{"Authorization", "Bearer " + ofCertificate}, challenge: inBearer("the token is bound to another client certificate")},
		{name: "demanded of a certificate", on: "certificate", certificate: "certificate", fields: []string{"Authorization", "Bearer " + ofCertificate}},
		{name: "demanded of a certificate, of none", on: "certificate", certificate: "certificate", fields: []string{"Authorization", "Bearer " + ofNothing},
			challenge: bearer + `, error="invalid_token", error_description="the token is not bound to its holder"`},

		{name: "of a key", on: "on", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", proof(ofKey)}},
		{name: "of a key, dpop in lower case", on: "on", fields: []string{"Authorization", "dpop " + ofKey, "dpop", proof(ofKey)}},
		{name: "of a key, once", on: "on", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", replayed}},
		{name: "of a key, twice", on: "on", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", replayed}, challenge: inDPoP("invalid_dpop_proof", "the DPoP proof is not valid")},
		{name: "of a key, twice, at another method with one memory", on: "either", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", replayed}, challenge: inDPoP("invalid_dpop_proof", "the DPoP proof is not valid")},
		{name: "of a key, as a bearer token", on: "on", fields: []string{"Authorization", "Bearer " + ofKey}, challenge: inBearer("the token is bound to a key and does not come with a proof of it")},
		{name: "of a key, as a bearer token with a proof", on: "on", fields: []string{"Authorization", "Bearer " + ofKey, "DPoP", proof(ofKey)}, challenge: inBearer("the token is bound to a key and does not come with a proof of it")},
		{name: "of a key, dpop is off", on: "off", fields: []string{"Authorization", "Bearer " + ofKey},
			challenge: bearer + `, error="invalid_token", error_description="the token is bound to a key and does not come with a proof of it"`},
		{name: "of a key, with DPoP, which is off", on: "off", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", proof(ofKey)},
			challenge: bearer + `, error="invalid_token", error_description="the credentials are not a bearer token"`},
		{name: "of a key, without proof", on: "on", fields: []string{"Authorization", "DPoP " + ofKey}, challenge: inDPoP("invalid_dpop_proof", "the request does not carry one DPoP proof")},
		{name: "of a key, with two proofs", on: "on", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", proof(ofKey), "DPoP", proof(ofKey)}, challenge: inDPoP("invalid_dpop_proof", "the request does not carry one DPoP proof")},
		{name: "of a key, with a proof of another token", on: "on", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", proof(ofNothing)}, challenge: inDPoP("invalid_dpop_proof", "the DPoP proof is not valid")},
		{name: "of a key, with a proof of another key", on: "on", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", other.Proof(t, "GET", ordersSeven, ofKey, now)}, challenge: inDPoP("invalid_token", "the token is bound to another key")},
		{name: "of a key, with a proof of another method", on: "on", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", key.Proof(t, "POST", ordersSeven, ofKey, now)}, challenge: inDPoP("invalid_dpop_proof", "the DPoP proof is not valid")},
		{name: "bound to nothing, with a proof", on: "on", fields: []string{"Authorization", "DPoP " + ofNothing, "DPoP", proof(ofNothing)}, challenge: inDPoP("invalid_token", "the token is not bound to a key")},
		{name: "no token, with a proof", on: "on", fields: []string{"Authorization", "DPoP x", "DPoP", proof("x")}, challenge: inDPoP("invalid_token", invalidToken)},
		{name: "a proof alone", on: "on", fields: []string{"DPoP", proof("")}, challenge: fmt.Sprintf(both, "", "")},
		{name: "two tokens", on: "on", fields: []string{"Authorization", "DPoP " + ofKey + ", Bearer " + ofKey}, status: 400, challenge: inDPoP("invalid_request", "the Authorization field is not one bearer token")},

		{name: "of both", on: "on", certificate: "certificate", fields: []string{"Authorization", "DPoP " + ofBoth, "DPoP", proof(ofBoth)}},
		{name: "of both, without the certificate", on: "on", fields: []string{"Authorization", "DPoP " + ofBoth, "DPoP", proof(ofBoth)}, challenge: inDPoP("invalid_token", "the token is bound to another client certificate")},
		{name: "of both, without the key", on: "on", certificate: "certificate", fields: []string{"Authorization", "Bearer " + ofBoth}, challenge: inBearer("the token is bound to a key and does not come with a proof of it")},

		{name: "demanded of a key", on: "dpop", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", proof(ofKey)}},
		{name: "demanded of a key, of none", on: "dpop", fields: []string{"Authorization", "Bearer " + ofNothing}, challenge: `DPoP realm="api", error="invalid_token", error_description="the token is not bound to its holder", algs="ES256"`},
		{name: "demanded of a key, of a certificate", on: "dpop", certificate: "certificate", fields: []string{"Authorization", "Bearer " + ofCertificate}, challenge: `DPoP realm="api", error="invalid_token", error_description="the token is not bound to its holder", algs="ES256"`},
		{name: "demanded of either, of a key", on: "either", fields: []string{"Authorization", "DPoP " + ofKey, "DPoP", proof(ofKey)}},
		{name: "demanded of either, of a certificate", on: "either", certificate: "certificate", fields: []string{"Authorization", "Bearer " + ofCertificate}},
		{name: "demanded of either, of none", on: "either", certificate: "certificate", fields: []string{"Authorization", "Bearer " + ofNothing}, challenge: inBearer("the token is not bound to its holder")},

		{name: "of something else", on: "off", fields: []string{"Authorization", "Bearer " + token(map[string]any{"kid": "x"})}, challenge: bearer + `, error="invalid_token", error_description="the token is not valid"`},
		{name: "of an empty cnf", on: "off", fields: []string{"Authorization", "Bearer " + token(map[string]any{})}, challenge: bearer + `, error="invalid_token", error_description="the token is not valid"`},
		{name: "cnf is a list", on: "off", fields: []string{"Authorization", "Bearer " + token([]string{"jkt"})}, challenge: bearer + `, error="invalid_token", error_description="the token is not valid"`},
		{name: "jkt is a number", on: "off", fields: []string{"Authorization", "Bearer " + token(map[string]any{"jkt": 1})}, challenge: bearer + `, error="invalid_token", error_description="the token is not valid"`},
		{name: "jkt is empty", on: "on", fields: []string{"Authorization", "Bearer " + token(map[string]any{"jkt": "", "x5t#S256": "x"})}, challenge: inBearer(invalidToken)},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := holding(test.certificate, test.fields...)
			p := methods[test.on].Handle(x)
			if test.challenge == "" {
				if p != nil {
					t.Fatal(p)
				}
				if x.Consumer == nil || x.Consumer.ID != "ada" || len(x.Header) != 1 {
					t.Errorf("%+v, to the upstream: %v", x.Consumer, x.Header)
				}
				return
			}
			if test.status == 0 {
				test.status = 401
			}
			if p == nil || p.StatusCode() != test.status {
				t.Fatalf("%v, want %d", p, test.status)
			}
			if got := p.Header["Www-Authenticate"]; !slices.Equal(got, []string{test.challenge}) {
				t.Errorf("%q, want %q", got, test.challenge)
			}
			if text := p.Error(); strings.Contains(text, "eyJ") {
				t.Errorf("the problem holds a credential: %s", text)
			}
		})
	}
}

// A client that needs a nonce is told one, and comes again with it.
func TestPossessionNonce(t *testing.T) {
	i, key := newIssuer(t), dpoptest.New(t, "EdDSA")
	token := i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"cnf": map[string]any{"jkt": key.Thumbprint(t)}}))
	s, diags := New(Config{}, i.tokens(t, JWTConfig{Possession: Possession{DPoP: &dpop.Config{Nonce: true}}}, nil))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p := s.Handle(holding("", "Authorization", "DPoP "+token, "DPoP", key.Proof(t, "GET", ordersSeven, token, now)))
	if p == nil || p.StatusCode() != 401 || p.Header.Get("DPoP-Nonce") == "" || !strings.Contains(p.Header.Get("WWW-Authenticate"), `DPoP realm="api", error="use_dpop_nonce"`) {
		t.Fatalf("%v %v", p, p.Header)
	}
	again := key.Proof(t, "GET", ordersSeven, token, now, func(_, claims map[string]any) { claims["nonce"] = p.Header.Get("DPoP-Nonce") })
	if p := s.Handle(holding("", "Authorization", "DPoP "+token, "DPoP", again)); p != nil {
		t.Error(p)
	}
}

// Behind a proxy, or a directive that rewrites, a proof is for what the client asked for.
func TestPossessionAddress(t *testing.T) {
	i, key := newIssuer(t), dpoptest.New(t, "ES256")
	token := i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"cnf": map[string]any{"jkt": key.Thumbprint(t)}}))
	m := i.tokens(t, JWTConfig{Possession: Possession{DPoP: &dpop.Config{}}}, nil)
	for address, ok := range map[string]bool{"https://shop.example/orders/7": true, ordersSeven: false} {
		x := holding("", "Authorization", "DPoP "+token, "DPoP", key.Proof(t, "GET", address, token, now))
		x.Address = "https://shop.example/orders/7"
		if _, r := m.Authenticate(x); (r == nil) != ok {
			t.Errorf("%s: %v", address, r)
		}
	}
	x := holding("", "Authorization", "DPoP "+token, "DPoP", key.Proof(t, "GET", ordersSeven, token, now))
	x.Time = now.Add(61 * time.Second)
	if _, r := m.Authenticate(x); r == nil {
		t.Error("a proof of a minute ago was believed")
	}
}

func TestPossessionMistakes(t *testing.T) {
	for _, test := range []struct {
		config Possession
		want   string
	}{
		{Possession{Bound: []string{"dpop"}}, "DPoP is off"},
		{Possession{Bound: []string{"certificat"}}, "Unknown binding"},
		{Possession{DPoP: &dpop.Config{Algorithms: []string{"none"}}}, "Unknown algorithm"},
	} {
		keys, diags := ParseJWKS("keys.json", newIssuer(t).set(t, nil, "ES256"))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, diags = NewTokens(JWTConfig{Issuer: iss, Audience: []string{aud}, Possession: test.config}, keys, Computed{})
		if len(diags) != 1 || diags[0].Summary != test.want {
			t.Errorf("%+v: %v", test.config, diags)
		}
	}
}
