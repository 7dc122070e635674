// Package dpoptest makes proofs of possession as clients do, good ones and bad ones, for tests.
package dpoptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
)

// Key is a client's key, with the algorithm that it signs proofs with.
type Key struct {
	Algorithm string
	JWK       map[string]any // its public half

	private crypto.Signer
}

// New makes a key for an algorithm.
func New(t testing.TB, alg string) *Key {
	t.Helper()
	k := &Key{Algorithm: alg}
	var err error
	switch alg {
	case "ES256":
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		k.private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		k.private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA", "Ed25519":
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	switch p := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := len(point) / 2
		k.JWK = map[string]any{"kty": "EC", "crv": p.Curve.Params().Name, "x": Encode(point[1 : 1+half]), "y": Encode(point[1+half:])}
	case ed25519.PublicKey:
		k.JWK = map[string]any{"kty": "OKP", "crv": "Ed25519", "x": Encode(p)}
	case *rsa.PublicKey:
		k.JWK = map[string]any{"kty": "RSA", "n": Encode(p.N.Bytes()), "e": Encode(big.NewInt(int64(p.E)).Bytes())}
	}
	return k
}

// Public is its public half.
func (k *Key) Public() crypto.PublicKey { return k.private.Public() }

// Thumbprint is that of RFC 7638: what a token for the key has as cnf.jkt. A map's members are written in order.
func (k *Key) Thumbprint(t testing.TB) string {
	t.Helper()
	sum := sha256.Sum256([]byte(text(t, k.JWK)))
	return Encode(sum[:])
}

// Proof makes a proof for a request and a token, good unless changes says otherwise.
func (k *Key) Proof(t testing.TB, method, address, token string, now time.Time, changes ...func(header, claims map[string]any)) string {
	t.Helper()
	header := map[string]any{"typ": "dpop+jwt", "alg": k.Algorithm, "jwk": k.JWK}
	hash := sha256.Sum256([]byte(token))
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": now.Unix(), "ath": Encode(hash[:])}
	for _, change := range changes {
		change(header, claims)
	}
	return k.Sign(t, text(t, header), text(t, claims))
}

// Sign makes a JWS of a header and claims, whatever they are.
func (k *Key) Sign(t testing.TB, header, claims string) string {
	t.Helper()
	signed := Encode([]byte(header)) + "." + Encode([]byte(claims))
	return signed + "." + Encode(k.Raw(t, signed))
}

// Raw signs a text, whatever it is, as a JWS is signed.
func (k *Key) Raw(t testing.TB, signed string) []byte {
	t.Helper()
	var opts crypto.SignerOpts = crypto.Hash(0)
	digest := []byte(signed)
	if _, ed := k.private.(ed25519.PrivateKey); !ed {
		hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[k.Algorithm[2:]]
		h := hash.New()
		h.Write(digest)
		digest, opts = h.Sum(nil), hash
		if strings.HasPrefix(k.Algorithm, "PS") {
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		}
	}
	var signature []byte
	var err error
	if ec, ok := k.private.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, ec, digest)
		if err != nil {
			t.Fatal(err)
		}
		size := (ec.Curve.Params().BitSize + 7) / 8
		signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	} else if signature, err = k.private.Sign(rand.Reader, digest, opts); err != nil {
		t.Fatal(err)
	}
	return signature
}

// Encode is base64url without padding.
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func text(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
