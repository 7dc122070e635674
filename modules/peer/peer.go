// Package peer says how the gateway proves who it is to servers of its operator, and whom it takes for them: those with
// bundles, counters and records of decisions. What is secret is read where it is kept each time it is needed, so that a new
// one needs no reload.
package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// Placeholder says whether text is one placeholder for an environment variable or a file, and nothing else.
func Placeholder(text string) bool {
	inner, ok := strings.CutPrefix(text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	return ok && closed && !strings.ContainsAny(inner, "{}") && (strings.HasPrefix(inner, "env.") || strings.HasPrefix(inner, "file."))
}

// Secret gives what reads a secret by its placeholder; nil for none.
func Secret(placeholder string) func() (secret.Text, error) {
	if placeholder == "" {
		return nil
	}
	return func() (secret.Text, error) {
		text, err := caddy.NewReplacer().ReplaceOrErr(placeholder, true, true)
		return secret.New(strings.TrimSpace(text)), err
	}
}

// Certificate names the files of a certificate and its key.
type Certificate struct{ Certificate, Key string }

// TLS is how a connection is secured whose server's certificate comes from the authorities in the file ca, the system's where
// it is "", and to which a certificate is shown; nil for none. read reads ca.
func TLS(ca string, shown *Certificate, read func(path string) ([]byte, error)) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		authorities, err := read(ca)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		if err := trust(config, ca, authorities); err != nil {
			return nil, err
		}
	}
	if shown == nil {
		return config, nil
	}
	if shown.Certificate == "" || shown.Key == "" {
		return nil, errors.New("client_certificate: a certificate needs its key, and a key its certificate")
	}
	if err := show(config, shown.Certificate, shown.Key); err != nil {
		return nil, err
	}
	return config, nil
}

// trust has a connection take no other certificates than those of authorities, in PEM, which were read from a file.
func trust(config *tls.Config, file string, authorities []byte) error {
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(authorities) {
		return fmt.Errorf("ca: %s holds no certificate in PEM", file)
	}
	return nil
}

// show has a connection show a certificate, which must be there by now. Its files are read for each connection.
func show(config *tls.Config, certificate, key string) error {
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("client_certificate: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(nil); err != nil {
		return err
	}
	config.GetClientCertificate = load
	return nil
}
