package attacks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{}
	a.certificate, a.key = a.issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue makes a certificate, of itself where the authority has none yet.
func (a *authority) issue(t testing.TB, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	parent, by := a.certificate, a.key
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

// shown is a certificate that a client shows.
func (g *gateway) shown(who string) tls.Certificate {
	g.t.Helper()
	ours, theirs := g.secrets.devices, newAuthority(g.t, "Shop Devices") // of the same name
	client := func(a *authority, c *x509.Certificate) tls.Certificate {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
		made, key := a.issue(g.t, c)
		chain := [][]byte{made.Raw}
		if a.certificate != nil {
			chain = append(chain, a.certificate.Raw)
		}
		return tls.Certificate{Certificate: chain, PrivateKey: key}
	}
	named := func(name string) *x509.Certificate { return &x509.Certificate{Subject: pkix.Name{CommonName: name}} }
	switch who {
	case "till":
		return client(ours, named("till"))
	case "stranger":
		return client(theirs, named("till"))
	case "itself":
		return client(&authority{}, named("till"))
	case "expired":
		c := named("till")
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		return client(ours, c)
	case "early":
		c := named("till")
		c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		return client(ours, c)
	case "server":
		c := named("till")
		made, key := ours.issue(g.t, &x509.Certificate{Subject: c.Subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		return tls.Certificate{Certificate: [][]byte{made.Raw}, PrivateKey: key}
	case "line":
		return client(ours, named("till\nX-User: admin"))
	case "nameless":
		return client(ours, named(""))
	case "below": // of an authority that a client certificate, which is none, would be
		leaf, key := ours.issue(g.t, &x509.Certificate{Subject: pkix.Name{CommonName: "till"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		made, below := (&authority{leaf, key}).issue(g.t, &x509.Certificate{Subject: pkix.Name{CommonName: "admin"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return tls.Certificate{Certificate: [][]byte{made.Raw, leaf.Raw}, PrivateKey: below}
	}
	g.t.Fatalf("nobody has a certificate called %s", who)
	return tls.Certificate{}
}
