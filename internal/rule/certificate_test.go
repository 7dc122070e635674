package rule

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// What an expression may say of a client certificate.
func TestCertificate(t *testing.T) {
	spiffe, err := url.Parse("spiffe://acme.example/till")
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange.Exchange{TLS: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{
		Raw: []byte("certificate"), SerialNumber: big.NewInt(7),
		Subject: pkix.Name{CommonName: "till", Organization: []string{"Acme"}}, Issuer: pkix.Name{CommonName: "Acme CA"},
		DNSNames: []string{"till.acme.example", "north.acme.example"}, EmailAddresses: []string{"till@acme.example"},
		URIs: []*url.URL{spiffe}, IPAddresses: []net.IP{net.ParseIP("192.0.2.7")},
	}}}}
	at := hcl.Range{Filename: "Caddyfile", Start: hcl.InitialPos, End: hcl.InitialPos}
	env := Environment{Roots: Certificate}
	for _, test := range []struct{ text, want string }{
		{`certificate.common_name`, "till"},
		{`certificate.subject`, "CN=till,O=Acme"},
		{`certificate.issuer`, "CN=Acme CA"},
		{`certificate.serial`, "7"},
		{`certificate.fingerprint`, "03d66dd08835c1ca3f128cceacd1f31ac94163096b20f445ae84285bc0832d72"},
		{`certificate.sans.dns[0]`, "till.acme.example"},
		{`certificate.sans.dns[1]`, "north.acme.example"},
		{`certificate.sans.email[0]`, "till@acme.example"},
		{`certificate.sans.uri[0]`, "spiffe://acme.example/till"},
		{`certificate.sans.ip[0]`, "192.0.2.7"},
		{`"acme:" + lower(certificate.common_name)`, "acme:till"},
	} {
		p, diags := CompileText(test.text, at, env, String)
		if diags.HasErrors() {
			t.Errorf("%s: %v", test.text, diags)
			continue
		}
		got, err := p.String(x)
		if err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.text, got, err, test.want)
		}
	}
	for text, want := range map[string]string{
		`certificate`:             "Name a member of certificate, such as certificate.common_name.",
		`certificate.cn`:          `certificate has no member "cn".`,
		`certificate.sans`:        `certificate has no member "sans".`,
		`certificate.sans.nds[0]`: `certificate.sans is not an object: it has no member "nds".`,
		`claims.sub`:              "claims cannot be used here; an expression in this place begins with certificate.",
		`certificate.sans.dns`:    "Expected a string, a number or a truth value.",
	} {
		if _, diags := CompileText(text, at, env, String); len(diags) == 0 || !strings.Contains(diags[0].Detail, want) {
			t.Errorf("%s: %v, want %s", text, diags, want)
		}
	}
	if p, diags := CompileText(`certificate.sans.dns[5]`, at, env, String); !diags.HasErrors() {
		if got, err := p.String(x); err == nil {
			t.Errorf("a name that is not there is %q", got)
		}
	}
}
