package policy

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"

	tells "github.com/wicketgate/wicketgate/internal/certificate"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// certificate is the one that the caller proved to have, nil where the server has not verified any: one that anybody
// could have made says nothing.
func certificate(x *exchange.Exchange) *x509.Certificate {
	if x.TLS == nil || len(x.TLS.VerifiedChains) == 0 || len(x.TLS.VerifiedChains[0]) == 0 {
		return nil
	}
	return x.TLS.VerifiedChains[0][0]
}

// certified is a place that tells something of the caller's certificate. In a key, it is the certificate.
type certified struct{ part }

func (certified) key(x *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) {
	c := certificate(x)
	if c == nil {
		return append(b, tagNone), true
	}
	return append(appendCount(b, tagString, len(c.Raw)), c.Raw...), true
}

// certificateMembers are what input says of the certificate. Subject, serial number and fingerprint are spelt as
// Caddy's placeholders {tls_client_...} spell them.
var certificateMembers = []member{
	{name: "subject", make: ofCertificate(func(c *x509.Certificate) string { return c.Subject.String() })},
	{name: "issuer", make: ofCertificate(func(c *x509.Certificate) string { return c.Issuer.String() })},
	{name: "serial", make: ofCertificate(func(c *x509.Certificate) string { return c.SerialNumber.String() })},
	{name: "fingerprint", make: ofCertificate(tells.Fingerprint)},
	{name: "not_before", make: ofCertificate(func(c *x509.Certificate) string { return c.NotBefore.UTC().Format(time.RFC3339) })},
	{name: "not_after", make: ofCertificate(func(c *x509.Certificate) string { return c.NotAfter.UTC().Format(time.RFC3339) })},
	{name: "sans", members: []member{
		{name: "dns", make: value(texts(func(x *exchange.Exchange) []string { return certificate(x).DNSNames }))},
		{name: "email", make: value(texts(func(x *exchange.Exchange) []string { return certificate(x).EmailAddresses }))},
		{name: "uri", make: value(texts(func(x *exchange.Exchange) []string { return tells.URIs(certificate(x)) }))},
		{name: "ip", make: value(texts(func(x *exchange.Exchange) []string { return tells.IPs(certificate(x)) }))},
	}},
}

// ofCertificate makes a text of the certificate, nothing where there is none.
func ofCertificate(of func(*x509.Certificate) string) func(*cut) part {
	return value(text(func(x *exchange.Exchange) (string, bool) {
		c := certificate(x)
		if c == nil {
			return "", false
		}
		s := of(c)
		return s, s != ""
	}))
}

// principal names the caller as Envoy does: by the first URI of the certificate, else its first DNS name, else its
// subject.
func principal(c *x509.Certificate) string {
	switch {
	case len(c.URIs) > 0:
		return c.URIs[0].String()
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	}
	return c.Subject.String()
}

// encoded is the certificate as Envoy gives it: PEM, and that percent-encoded.
func encoded(c *x509.Certificate) string {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	return percent.Replace(string(text))
}

var percent = strings.NewReplacer("\n", "%0A", " ", "%20", "+", "%2B", "/", "%2F", "=", "%3D")
