package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
)

func TestVerification(t *testing.T) {
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	public := func(key any) []byte {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return block("PUBLIC KEY", der)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	elliptic := bundletest.NewKey(t)
	short := public(&rsa.PublicKey{N: long.N.Rsh(long.N, 1024), E: 65537})
	long, err = rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := public(&long.PublicKey)
	secret := func(n int) []byte { return []byte(strings.Repeat("s", n)) }
	for _, c := range []struct {
		name string
		keys []Key
		want string // the algorithm, or a part of the error
	}{
		{"RSA", []Key{{Text: rsaKey}}, "RS256"},
		{"RSA, old form", []Key{{Text: block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&long.PublicKey))}}, "RS256"},
		{"RSA, otherwise", []Key{{Text: rsaKey, Algorithm: "PS384"}}, "PS384"},
		{"elliptic", []Key{{Text: []byte(elliptic.Public)}}, "ES256"},
		{"Edwards", []Key{{Text: public(edwards)}}, "EdDSA"},
		{"a secret", []Key{{Text: secret(32)}}, "HS256"},
		{"a longer secret", []Key{{Text: secret(64), Algorithm: "HS512"}}, "HS512"},
		{"a public key as a secret", []Key{{Text: rsaKey, Algorithm: "HS256"}}, "not for HS256"},
		{"an elliptic key for RSA", []Key{{Text: []byte(elliptic.Public), Algorithm: "RS256"}}, "the key is for ES256, not for RS256"},
		{"no algorithm at all", []Key{{Text: rsaKey, Algorithm: "none"}}, "not for none"},
		{"a short secret", []Key{{Text: secret(31)}}, "at least 32 bytes"},
		{"a secret too short for its algorithm", []Key{{Text: secret(32), Algorithm: "HS512"}}, "not for HS512"},
		{"short RSA", []Key{{Text: short}}, "at least 2048 bits"},
		{"a private key", []Key{{Text: []byte(elliptic.Private)}}, "belongs to the signer alone"},
		{"another block", []Key{{Text: block("DH PARAMETERS", nil)}}, "DH PARAMETERS"},
		{"a broken key", []Key{{Text: block("PUBLIC KEY", []byte("x"))}}, "reading the public key"},
		{"two without ids", []Key{{Text: rsaKey}, {ID: "b", Text: rsaKey}}, "each needs an id"},
		{"an id twice", []Key{{ID: "b", Text: rsaKey}, {ID: "b", Text: rsaKey}}, `two keys have the id "b"`},
	} {
		config, err := Verification(c.keys)
		if err != nil {
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "sss") {
				t.Errorf("%s: got %v, want %q", c.name, err, c.want)
			}
			continue
		}
		key, err := config.GetPublicKey(config.KeyID)
		if err != nil || key.Algorithm != c.want {
			t.Errorf("%s: got %v, %v, want %s", c.name, key, err, c.want)
		}
	}
	if config, err := Verification(nil); config != nil || err != nil {
		t.Errorf("no keys: %v, %v", config, err)
	}
	config, err := Verification([]Key{{ID: "a", Text: rsaKey, Scope: "write"}, {ID: "b", Text: []byte(elliptic.Public)}})
	if err != nil || config.KeyID != "" || config.PublicKeys["a"].Scope != "write" || config.PublicKeys["b"].Algorithm != "ES256" {
		t.Errorf("two keys: %+v, %v", config, err)
	}
}
