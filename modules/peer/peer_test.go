package peer

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/oauthtest"
)

func TestPlaceholder(t *testing.T) {
	for text, want := range map[string]bool{
		"{env.TOKEN}": true, "{file./run/secrets/token}": true,
		"": false, "token": false, "{env.TOKEN": false, "{http.request.header.X}": false, "{env.A}{env.B}": false, "a{env.A}": false,
	} {
		if Placeholder(text) != want {
			t.Errorf("%q: %v, want %v", text, !want, want)
		}
	}
}

// A secret is read anew each time, and a missing one is told.
func TestSecret(t *testing.T) {
	if Secret("") != nil {
		t.Error("no placeholder gives a secret")
	}
	path := filepath.Join(t.TempDir(), "token")
	read := Secret("{file." + path + "}")
	for _, text := range []string{"a", "b\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(); err != nil || got.Reveal() != strings.TrimSpace(text) {
			t.Errorf("got %q, %v", got.Reveal(), err)
		}
	}
	if _, err := Secret("{env.PEER_NOT_THERE}")(); err == nil {
		t.Error("a missing secret is no error")
	}
}

// Certificates are read for each connection; what is none is told by the file's name.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name string) {
		c, k := oauthtest.Certificate(t, name)
		for path, text := range map[string][]byte{cert: c, key: k} {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if err := show(config, cert, key); err == nil || !strings.Contains(err.Error(), "client_certificate: ") {
		t.Errorf("no files: %v", err)
	}
	write("one.example")
	if err := show(config, cert, key); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one.example", "two.example"} {
		write(name)
		pair, err := config.GetClientCertificate(nil)
		if err != nil || pair.Leaf.DNSNames[0] != name {
			t.Errorf("%s: %v, %v", name, pair, err)
		}
	}
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	if err := trust(config, cert, text); err != nil || config.RootCAs == nil {
		t.Error(err)
	}
	read := func(string) ([]byte, error) { return text, nil }
	for _, shown := range []*Certificate{nil, {cert, key}} {
		if c, err := TLS(cert, shown, read); err != nil || c.RootCAs == nil || (c.GetClientCertificate != nil) != (shown != nil) {
			t.Errorf("%v: %v", shown, err)
		}
	}
	for _, half := range []Certificate{{}, {Certificate: cert}, {Key: key}} {
		if _, err := TLS("", &half, nil); err == nil || !strings.Contains(err.Error(), "a certificate needs its key") {
			t.Errorf("%v: %v", half, err)
		}
	}
	if err := trust(config, key, []byte("none")); err == nil || !strings.Contains(err.Error(), key) {
		t.Errorf("no certificate: %v", err)
	}
}
