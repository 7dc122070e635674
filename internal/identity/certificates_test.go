package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/certificate"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key = a.issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue makes a certificate, of itself where the authority has none yet.
func (a *authority) issue(t *testing.T, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
	}
	c.SerialNumber = big.NewInt(7)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func TestCertificates(t *testing.T) {
	ours, theirs := newAuthority(t, "Acme CA"), newAuthority(t, "Globex CA")
	client := func(a *authority, name string, change ...func(*x509.Certificate)) *x509.Certificate {
		c := &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		for _, f := range change {
			f(c)
		}
		made, _ := a.issue(t, c)
		return made
	}
	till := client(ours, "till")
	stranger := client(theirs, "till")
	self := client(&authority{}, "till")
	web := client(ours, "till", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	nameless := client(ours, "")
	dns := client(ours, "", func(c *x509.Certificate) { c.DNSNames = []string{"till.acme.example"} })
	odd := client(ours, "till\nadmin")
	old := client(ours, "till", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = now.Add(-2*time.Hour), now.Add(-time.Second)
	})
	early := client(ours, "till", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = now.Add(time.Second), now.Add(time.Hour)
	})
	pinned := CertificateConfig{Fingerprints: []string{strings.ToUpper(certificate.Fingerprint(self))}}
	trusting := CertificateConfig{TrustedCAFile: "ca.pem"}

	for _, test := range []struct {
		name     string
		config   CertificateConfig
		cert     *x509.Certificate
		verified bool // by Caddy
		consumer string
		detail   string // "" where it is taken
	}{
		{"verified", CertificateConfig{}, till, true, "till", ""},
		{"not verified", CertificateConfig{}, till, false, "", invalidCertificate},
		{"signed by itself", CertificateConfig{}, self, false, "", invalidCertificate},
		{"none", CertificateConfig{}, nil, false, "", "the request carries no credentials"},
		{"expired meanwhile", CertificateConfig{}, old, true, "", "the client certificate has expired, or is not valid yet"},
		{"not valid yet", CertificateConfig{}, early, true, "", "the client certificate has expired, or is not valid yet"},
		{"without a name", CertificateConfig{}, nameless, true, "", invalidCertificate},
		{"with a host name alone", CertificateConfig{}, dns, true, "till.acme.example", ""},
		{"with a name that no log can show", CertificateConfig{}, odd, true, "", invalidCertificate},
		{"pinned", pinned, self, false, "till", ""},
		{"another than the pinned", pinned, till, true, "", invalidCertificate},
		{"of a listed issuer", CertificateConfig{Issuers: []string{"CN=Other", "CN=Acme CA"}}, till, true, "till", ""},
		{"of another issuer", CertificateConfig{Issuers: []string{"CN=Other"}}, till, true, "", invalidCertificate},
		{"of the listed issuer's name", CertificateConfig{Issuers: []string{"CN=Acme CA"}}, till, false, "", invalidCertificate},
		{"of a trusted authority", trusting, till, false, "till", ""},
		{"of an authority that Caddy trusts", trusting, stranger, true, "", invalidCertificate},
		{"of a trusted authority, for servers", trusting, web, false, "", invalidCertificate},
		{"signed by itself, and not trusted", trusting, self, false, "", invalidCertificate},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, diags := NewCertificates(test.config, ours.pem(), nil)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			s, diags := New(Config{}, m)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := request()
			x.TLS = &tls.ConnectionState{}
			if test.cert != nil {
				x.TLS.PeerCertificates = []*x509.Certificate{test.cert}
			}
			if test.verified {
				x.TLS.VerifiedChains = [][]*x509.Certificate{{test.cert, ours.cert}}
			}
			p := s.Handle(x)
			switch {
			case test.detail == "" && p != nil:
				t.Fatal(p)
			case test.detail == "":
				if c := x.Consumer; c.ID != test.consumer || c.Method != "certificate" || !c.Expires.Equal(test.cert.NotAfter) {
					t.Errorf("%+v", c)
				}
			case p == nil || p.StatusCode() != 401 || p.Detail != test.detail || p.Header.Get("WWW-Authenticate") != `Certificate realm="api"`:
				t.Errorf("%v %v, want %s", p, x.Consumer, test.detail)
			}
		})
	}
}

// A certificate that does not count is a wrong credential, and not none.
func TestCertificatesBesideOthers(t *testing.T) {
	printed, key := newKey(t, Key{Consumer: "acme"})
	m, diags := NewCertificates(CertificateConfig{}, nil, func(*exchange.Exchange) (string, error) { return "computed", nil })
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	s, diags := New(Config{Anonymous: true}, m, keyMethod(t, APIKeyConfig{}, key))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	c := &x509.Certificate{Raw: []byte("x"), NotBefore: now, NotAfter: now.Add(time.Hour)}
	unverified := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}}
	verified := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
	for _, test := range []struct {
		name     string
		tls      *tls.ConnectionState
		fields   []string
		consumer string
		status   int
	}{
		{"nothing", &tls.ConnectionState{}, nil, "", 0},
		{"plain HTTP", nil, nil, "", 0},
		{"a certificate", verified, nil, "computed", 0},
		{"a certificate of nobody", unverified, nil, "", 401},
		{"a key too", verified, []string{"X-API-Key", printed}, "acme", 0},
		{"a key, and a certificate of nobody", unverified, []string{"X-API-Key", printed}, "acme", 0},
		{"a wrong key", verified, []string{"X-API-Key", "x"}, "", 401},
	} {
		x := request(test.fields...)
		x.TLS = test.tls
		p := s.Handle(x)
		id := ""
		if x.Consumer != nil {
			id = x.Consumer.ID
		}
		if (p != nil) != (test.status != 0) || p != nil && p.StatusCode() != test.status || id != test.consumer {
			t.Errorf("%s: %v, %q", test.name, p, id)
		}
	}
}

func TestCertificatesMistakes(t *testing.T) {
	for _, test := range []struct {
		config CertificateConfig
		want   string
	}{
		{CertificateConfig{Fingerprints: []string{"AA:BB"}}, "Invalid fingerprint"},
		{CertificateConfig{Fingerprints: []string{"aabb"}}, "Invalid fingerprint"},
		{CertificateConfig{Fingerprints: fingerprints(maxFingerprints + 1)}, "Too many fingerprints"},
		{CertificateConfig{Issuers: []string{""}}, "Invalid issuers"},
		{CertificateConfig{Fingerprints: fingerprints(1), TrustedCAFile: "ca.pem"}, "Trusted in two ways"},
		{CertificateConfig{TrustedCAFile: "ca.pem"}, "No authorities"},
	} {
		if _, diags := NewCertificates(test.config, []byte("none"), nil); len(diags) != 1 || diags[0].Summary != test.want {
			t.Errorf("%+v: %v, want %s", test.config.Issuers, diags, test.want)
		}
	}
}

// fingerprints are so many fingerprints.
func fingerprints(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = strings.Repeat("0", 64)
	}
	return all
}
