package identity

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/certificate"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// CertificateConfig identifies callers by the client certificate of their connection. It counts if Caddy has verified
// it (client_auth in the site's tls), or if it is one of Fingerprints, or issued by an authority of TrustedCAFile.
type CertificateConfig struct {
	// Consumer is an expression over the certificate for the consumer's id: certificate.common_name, .subject, .issuer,
	// .serial, .fingerprint, .sans.dns, .sans.email, .sans.uri, .sans.ip. If it fails or is not a string of 1 to 256
	// characters of printable ASCII, the certificate is refused. Default: the common name or, where there is none, the
	// first URI, host name or address of mail.
	Consumer string `json:"consumer,omitempty"`

	// Fingerprints are the SHA-256 hashes, in hexadecimal, of the only certificates that count, at most 1,000; then
	// they need not be verified otherwise. Default: all that are verified.
	Fingerprints []string `json:"fingerprints,omitempty"`

	// Issuers are the names of the only issuers whose certificates count, as certificate.issuer has them, at most 100.
	// Default: all.
	Issuers []string `json:"issuers,omitempty"`

	// TrustedCAFile is a file of authorities in PEM, at most 1 MiB, that certificates must be issued by, whatever Caddy
	// trusts; Caddy need only ask for certificates then. Default: those that Caddy trusts.
	TrustedCAFile string `json:"trusted_ca_file,omitempty"`
}

// MaxCAFile is how long a file of authorities may be.
const MaxCAFile = 1 << 20

const (
	maxFingerprints = 1000
	maxIssuers      = 100
)

// Certificates is the Method of a CertificateConfig.
type Certificates struct {
	fingerprints map[string]bool // nil for all
	issuers      []string        // nil for all
	roots        *x509.CertPool  // nil where Caddy verifies
	consumer     func(x *exchange.Exchange) (string, error)
}

// Check tells what is wrong with c.
func (c CertificateConfig) Check() hcl.Diagnostics {
	var diags hcl.Diagnostics
	wrong := func(summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
	}
	for _, f := range c.Fingerprints {
		if b, err := hex.DecodeString(f); err != nil || len(b) != 32 {
			wrong("Invalid fingerprint", fmt.Sprintf("A fingerprint is the SHA-256 of a certificate, 64 hexadecimal digits without colons, and %q is not.", f))
		}
	}
	if len(c.Fingerprints) > maxFingerprints {
		wrong("Too many fingerprints", fmt.Sprintf("Write at most %d; more certificates are better issued by an authority.", maxFingerprints))
	}
	if len(c.Issuers) > maxIssuers || slices.Contains(c.Issuers, "") {
		wrong("Invalid issuers", fmt.Sprintf("Write at most %d names of issuers, none of them empty.", maxIssuers))
	}
	if len(c.Fingerprints) > 0 && c.TrustedCAFile != "" {
		wrong("Trusted in two ways", "Certificates are known by their fingerprints or by their authority: write one of the two.")
	}
	return diags
}

// NewCertificates makes the method of c, with the authorities of its file. consumer computes c.Consumer of a request
// with a certificate; nil is its name.
func NewCertificates(c CertificateConfig, authorities []byte, consumer func(x *exchange.Exchange) (string, error)) (*Certificates, hcl.Diagnostics) {
	if diags := c.Check(); diags.HasErrors() {
		return nil, diags
	}
	m := &Certificates{issuers: c.Issuers, consumer: consumer}
	if m.consumer == nil {
		m.consumer = func(x *exchange.Exchange) (string, error) { return certificate.Name(x.TLS.PeerCertificates[0]), nil }
	}
	for _, f := range c.Fingerprints {
		if m.fingerprints == nil {
			m.fingerprints = make(map[string]bool, len(c.Fingerprints))
		}
		m.fingerprints[strings.ToLower(f)] = true
	}
	if c.TrustedCAFile != "" {
		m.roots = x509.NewCertPool()
		if !m.roots.AppendCertsFromPEM(authorities) {
			return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "No authorities", Detail: fmt.Sprintf("The file %q holds no certificate in PEM.", c.TrustedCAFile)}}
		}
	}
	return m, nil
}

// Fields implements Method: the certificate is part of the connection.
func (*Certificates) Fields() []string { return nil }

// Parameters implements Method.
func (*Certificates) Parameters() []string { return nil }

// Ambient implements Ambient.
func (*Certificates) Ambient() {}

// Present implements Method. A certificate that does not count is a credential too, and a wrong one.
func (*Certificates) Present(x *exchange.Exchange) bool {
	return x.TLS != nil && len(x.TLS.PeerCertificates) > 0
}

// Challenge implements Method. Certificate is not a registered scheme: TLS asks for certificates itself. It tells people
// why they were refused.
func (*Certificates) Challenge(space Space, _ *Refusal) string {
	return challenge("Certificate", "realm", space.Realm)
}

const invalidCertificate = "the client certificate is not accepted"

// Authenticate implements Method.
func (m *Certificates) Authenticate(x *exchange.Exchange) (*exchange.Consumer, *Refusal) {
	c := x.TLS.PeerCertificates[0]
	invalid := func(err error) (*exchange.Consumer, *Refusal) {
		return nil, &Refusal{Detail: invalidCertificate, Cause: fmt.Errorf("certificate %s: %w", certificate.Fingerprint(c), err)}
	}
	// A connection may last longer than the certificate that it began with.
	if x.Time.After(c.NotAfter) || x.Time.Before(c.NotBefore) {
		return nil, &Refusal{Detail: "the client certificate has expired, or is not valid yet", Cause: fmt.Errorf("certificate %s is valid from %s to %s", certificate.Fingerprint(c), c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))}
	}
	if err := m.trusts(x, c); err != nil {
		return invalid(err)
	}
	if m.issuers != nil && !slices.Contains(m.issuers, c.Issuer.String()) {
		return invalid(errors.New("its issuer is none of those listed"))
	}
	id, err := m.consumer(x)
	if err != nil {
		return invalid(fmt.Errorf("its consumer cannot be told: %w", err))
	}
	if !validID(id) {
		return invalid(errors.New("its consumer's id is empty or not printable ASCII"))
	}
	return &exchange.Consumer{ID: id, Name: id, Method: "certificate", Expires: c.NotAfter}, nil
}

// trusts says why the certificate counts for nothing; nil where it counts.
func (m *Certificates) trusts(x *exchange.Exchange, c *x509.Certificate) error {
	switch {
	case m.fingerprints != nil:
		if !m.fingerprints[certificate.Fingerprint(c)] {
			return errors.New("it is none of those listed")
		}
	case m.roots != nil:
		between := x509.NewCertPool()
		for _, i := range x.TLS.PeerCertificates[1:] {
			between.AddCert(i)
		}
		_, err := c.Verify(x509.VerifyOptions{Roots: m.roots, Intermediates: between, CurrentTime: x.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	case len(x.TLS.VerifiedChains) == 0 || len(x.TLS.VerifiedChains[0]) == 0:
		return errors.New("the server has not verified it")
	}
	return nil
}

var _ Ambient = (*Certificates)(nil)
