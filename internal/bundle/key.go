package bundle

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/bundle"
)

// Key is one of those that bundles may be signed with.
type Key struct {
	ID        string // which signatures name it; empty: it is the only one, whatever they name
	Text      []byte // a public key in PEM, or the secret of an HMAC
	Algorithm string // of the signature; empty: what the key is for
	Scope     string // what signatures must say they are for
}

// anyID is the name of a key without one, to OPA.
const anyID = "key"

// minRSA is the least length of an RSA key, in bits.
const minRSA = 2048

// Verification makes of keys what OPA verifies signatures with; nil of none, which takes unsigned bundles.
func Verification(keys []Key) (*bundle.VerificationConfig, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	config := bundle.NewVerificationConfig(make(map[string]*bundle.KeyConfig, len(keys)), "", "", nil)
	for _, k := range keys {
		id := k.ID
		if id == "" {
			if len(keys) > 1 {
				return nil, errors.New("of several keys each needs an id, by which signatures name it")
			}
			id, config.KeyID = anyID, anyID
		}
		if config.PublicKeys[id] != nil {
			return nil, fmt.Errorf("two keys have the id %q", id)
		}
		algorithm, err := k.algorithm()
		if err != nil {
			return nil, err
		}
		config.PublicKeys[id] = &bundle.KeyConfig{Key: string(k.Text), Algorithm: algorithm, Scope: k.Scope}
	}
	return config, nil
}

// Algorithms are those of signatures.
var Algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"}

// algorithm gives the algorithm that a key is for, and refuses a key that is for another, or too weak: OPA would use a
// public key as the secret of an HMAC if told to, which everybody knows.
func (k *Key) algorithm() (string, error) {
	fits, err := k.algorithms()
	if err != nil {
		return "", err
	}
	if k.Algorithm == "" {
		return fits[0], nil
	}
	if !slices.Contains(fits, k.Algorithm) {
		return "", fmt.Errorf("the key is for %s, not for %s", strings.Join(fits, ", "), k.Algorithm)
	}
	return k.Algorithm, nil
}

// algorithms are those that a key is for, the usual one first.
func (k *Key) algorithms() ([]string, error) {
	block, _ := pem.Decode(k.Text)
	if block == nil {
		return k.hashes()
	}
	if strings.Contains(block.Type, "PRIVATE") {
		return nil, errors.New("the file holds a private key, which belongs to the signer alone; expected its public key")
	}
	public, err := publicKey(block)
	if err != nil {
		return nil, err
	}
	switch key := public.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return nil, fmt.Errorf("an RSA key has at least %d bits, not %d", minRSA, key.N.BitLen())
		}
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case *ecdsa.PublicKey:
		switch key.Curve.Params().BitSize {
		case 256:
			return []string{"ES256"}, nil
		case 384:
			return []string{"ES384"}, nil
		case 521:
			return []string{"ES512"}, nil
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}, nil
	}
	return nil, fmt.Errorf("a key of this kind verifies no signatures: %T", public)
}

// hashes are the algorithms that a secret is long enough for (RFC 7518, section 3.2).
func (k *Key) hashes() ([]string, error) {
	switch n := len(k.Text); {
	case n >= 64:
		return []string{"HS256", "HS384", "HS512"}, nil
	case n >= 48:
		return []string{"HS256", "HS384"}, nil
	case n >= 32:
		return []string{"HS256"}, nil
	}
	return nil, errors.New("expected a public key in PEM, or the secret of an HMAC of at least 32 bytes")
}

func publicKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PUBLIC KEY":
		key, err := x509.ParsePKCS1PublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading the public key: %w", err)
		}
		return key, nil
	case "PUBLIC KEY":
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading the public key: %w", err)
		}
		return key, nil
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate: %w", err)
		}
		return certificate.PublicKey, nil
	}
	return nil, fmt.Errorf("expected a public key, not a PEM block called %.40q", block.Type)
}
