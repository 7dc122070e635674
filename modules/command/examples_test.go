package command

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
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

	"github.com/nats-io/nkeys"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
	_ "github.com/wicketgate/wicketgate/modules/listener"
	_ "github.com/wicketgate/wicketgate/modules/transform"
	_ "github.com/wicketgate/wicketgate/modules/webhook"
)

// reference is a folder with the catalogue whose blocks are the examples of docs/catalogue.md, its policies, and what
// both name that nobody should keep in a repository.
func reference(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for to, from := range map[string]string{"catalogue": "", "rego": "rego", "next": "rego"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(filepath.Join("../../internal/catalogue/testdata/reference", from))); err != nil {
			t.Fatal(err)
		}
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
	bundles, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	verify, err := x509.MarshalPKIXPublicKey(bundles.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"client.pem": {Type: "PRIVATE KEY", Bytes: private(client)}, "signing.pem": {Type: "PRIVATE KEY", Bytes: private(signing)},
		"certificate.pem": {Type: "CERTIFICATE", Bytes: certificate}, "ca.pem": {Type: "CERTIFICATE", Bytes: certificate},
		"bundle.pem": {Type: "PUBLIC KEY", Bytes: verify},
	} {
		for _, folder := range []string{"", "catalogue"} {
			gatewaytest.Write(t, filepath.Join(dir, folder, name), string(pem.EncodeToMemory(block)))
		}
	}
	keys, err := os.ReadFile(filepath.Join(dir, "catalogue", "partners.keys"))
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.Write(t, filepath.Join(dir, "partners.keys"), string(keys))
	gatewaytest.Write(t, filepath.Join(dir, "catalogue", "stripe.secret"), "whsec_of_the_reference\n")
	gatewaytest.Write(t, filepath.Join(dir, "catalogue", "partner.secret"), secretOfDeliveries)
	for _, name := range []string{"STRIPE_SECRET_KEY", "INTROSPECTION_SECRET", "SIGNING_SECRET", "BUNDLE_TOKEN", "LOG_TOKEN", "REDIS_PASSWORD", "NATS_PASSWORD", "NATS_TOKEN"} {
		t.Setenv(name, "of-the-reference")
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NATS_NKEY", string(seed))
	gatewaytest.Write(t, filepath.Join(dir, "gateway.creds"), "read once there is a server")
	t.Setenv("DELIVERY_SECRET", strings.TrimSpace(secretOfDeliveries))
	t.Chdir(dir) // where {file.…} is looked for
	return dir
}

const secretOfDeliveries = "whsec_b2YgdGhlIHJlZmVyZW5jZSwgZm9yIG5vYm9keQ==\n"

// The catalogue of docs/catalogue.md has no mistakes, and the cases of docs/testing.md hold of it.
func TestCatalogueOfTheReference(t *testing.T) {
	dir := reference(t)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	log {
		format api_gateway
	}
	api_gateway {
		catalogue catalogue
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

// The Caddyfiles of docs/caddyfile.md have no mistakes either, and Caddy can run them.
func TestCaddyfilesOfTheReference(t *testing.T) {
	files, err := filepath.Glob("../testdata/reference/*.caddyfile")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(text)
	}
	dir := reference(t)
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			config := filepath.Join(dir, name)
			gatewaytest.Write(t, config, text)
			var out bytes.Buffer
			if err := check(&out, config, ""); err != nil || strings.Contains(out.String(), "error:") {
				t.Errorf("%v\n%s", err, &out)
			}
		})
	}
}
