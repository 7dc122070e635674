package command

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestExamplesOfTheReference checks the catalogue whose blocks are the examples of docs/catalogue.md, with its policies,
// as `caddy gateway check` does, and runs the cases that are those of docs/testing.md.
func TestExamplesOfTheReference(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../internal/catalogue/testdata/reference")); err != nil {
		t.Fatal(err)
	}
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gateway"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, client.Public(), client)
	if err != nil {
		t.Fatal(err)
	}
	private := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for name, block := range map[string]*pem.Block{
		"client.pem": {Type: "PRIVATE KEY", Bytes: private(client)}, "signing.pem": {Type: "PRIVATE KEY", Bytes: private(signing)},
		"certificate.pem": {Type: "CERTIFICATE", Bytes: certificate}, "ca.pem": {Type: "CERTIFICATE", Bytes: certificate},
	} {
		gatewaytest.Write(t, filepath.Join(dir, name), string(pem.EncodeToMemory(block)))
	}
	gatewaytest.Write(t, filepath.Join(dir, "stripe.secret"), "whsec_of_the_reference\n")
	gatewaytest.Write(t, filepath.Join(dir, "partner.secret"), "whsec_b2YgdGhlIHJlZmVyZW5jZSwgZm9yIG5vYm9keQ==\n")
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	log {
		format api_gateway
	}
	api_gateway {
		catalogue .
		policies rego
		variable region eu-1
		signing {
			issuer https://gateway.acme.example
		}
	}
}
https://localhost {
	tls internal
	api_gateway
}
`)
	for _, name := range []string{"STRIPE_SECRET_KEY", "INTROSPECTION_SECRET", "SIGNING_SECRET"} {
		t.Setenv(name, "of the reference")
	}
	config := filepath.Join(dir, "Caddyfile")
	var out bytes.Buffer
	if err := check(&out, config, ""); err != nil || out.Len() > 0 {
		t.Fatalf("%v\n%s", err, &out)
	}
	options := testOptions{source: source{config: config}, format: "text"}
	if _, err := options.once(t.Context(), &out, &out); err != nil || !strings.Contains(out.String(), " passed, 0 failed") {
		t.Errorf("%v\n%s", err, &out)
	}
}
