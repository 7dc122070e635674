// Package peer says how the gateway proves who it is to servers of its operator, and whom it takes for them: those with
// bundles, counters and records of decisions. What is secret is read where it is kept each time it is needed, so that a new
// one needs no reload.
package peer

import (
	"crypto/tls"
	"crypto/x509"
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

// Trust has a connection take no other certificates than those of authorities, in PEM, which were read from a file.
func Trust(config *tls.Config, file string, authorities []byte) error {
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(authorities) {
		return fmt.Errorf("ca: %s holds no certificate in PEM", file)
	}
	return nil
}

// Show has a connection show a certificate, which must be there by now. Its files are read for each connection.
func Show(config *tls.Config, certificate, key string) error {
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
