package webhook

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // Twilio signs with HMAC-SHA1, in which SHA-1's collisions do not matter
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"hash"
	"strings"
)

// key judges signatures.
type key interface {
	// kind says whether signatures of a version are made with such keys; plain ones have the version "".
	kind(version string) bool
	// right says whether sig is the signature of all contents together.
	right(contents [][]byte, sig []byte) bool
}

// macKey is a secret that both sides know.
type macKey struct {
	hash   func() hash.Hash
	secret []byte
}

func (k macKey) kind(version string) bool { return version != "v1a" }

func (k macKey) right(contents [][]byte, sig []byte) bool {
	mac := hmac.New(k.hash, k.secret)
	for _, c := range contents {
		mac.Write(c)
	}
	return hmac.Equal(mac.Sum(nil), sig)
}

// publicKey is an Ed25519 key.
type publicKey struct {
	key      ed25519.PublicKey
	versions string // "v1a" in a list, "" alone
}

func (k publicKey) kind(version string) bool { return version == k.versions }

func (k publicKey) right(contents [][]byte, sig []byte) bool {
	return len(sig) == ed25519.SignatureSize && ed25519.Verify(k.key, written(contents), sig)
}

// certificateKey is the RSA key of a certificate.
type certificateKey struct{ key *rsa.PublicKey }

func (k certificateKey) kind(string) bool { return true }

func (k certificateKey) right(contents [][]byte, sig []byte) bool {
	sum := sha256.Sum256(written(contents))
	return rsa.VerifyPKCS1v15(k.key, crypto.SHA256, sum[:], sig) == nil
}

// hashes are what an HMAC may be made with.
var hashes = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New, "sha1": sha1.New}

// leastSecret is the shortest secret that is taken, in bytes: one that is shorter is a mistake.
const leastSecret = 5

var errShort = errors.New("a secret has at least 5 bytes")

func hmacOf(name string) func(string) (key, error) {
	return func(secret string) (key, error) {
		if len(secret) < leastSecret {
			return nil, errShort
		}
		return macKey{hashes[name], []byte(secret)}, nil
	}
}

func hmacSHA256(secret string) (key, error) { return hmacOf("sha256")(secret) }

func hmacSHA1(secret string) (key, error) { return hmacOf("sha1")(secret) }

// standardKey reads a secret of Standard Webhooks: whsec_ and base64 of 24 to 64 bytes, or whpk_ and base64 of an
// Ed25519 key.
func standardKey(secret string) (key, error) {
	if text, ok := strings.CutPrefix(secret, "whpk_"); ok {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return nil, errors.New("whpk_ is followed by an Ed25519 key of 32 bytes in base64")
		}
		return publicKey{b, "v1a"}, nil
	}
	b, err := standardSecret(secret)
	if err != nil {
		return nil, err
	}
	return macKey{sha256.New, b}, nil
}

func standardSecret(secret string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(b) < 24 || len(b) > 64 {
		return nil, errors.New("a secret of Standard Webhooks is whsec_ and base64 of 24 to 64 bytes")
	}
	return b, nil
}

// ed25519Key reads a public key in hex, or in base64.
func ed25519Key(text string) (key, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		b, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, errors.New("a key of Ed25519 has 32 bytes, in hex or base64")
	}
	return publicKey{b, ""}, nil
}

// leastRSA is the smallest RSA key that is taken, in bits (NIST SP 800-131A).
const leastRSA = 2048

// rsaCertificate reads a certificate in PEM. PayPal names the address of its own in each call; fetching what a caller
// names would have callers choose whom to ask, so the operator keeps the certificate.
func rsaCertificate(text string) (key, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("a certificate in PEM is expected: the one that PayPal names in PAYPAL-CERT-URL")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("the certificate cannot be read")
	}
	k, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok || k.N.BitLen() < leastRSA {
		return nil, errors.New("the certificate's key is not RSA of at least 2048 bits")
	}
	return certificateKey{k}, nil
}

// payPalAlgorithm holds a call to the one algorithm that there is: it is never taken from the call.
func payPalAlgorithm(c Call) error {
	name, err := one(c.Header, "Paypal-Auth-Algo")
	if err != nil {
		return err
	}
	if name != "SHA256withRSA" {
		return errMalformed
	}
	return nil
}
