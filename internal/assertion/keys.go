// Package assertion is the gateway's word on who calls: a short-lived JSON Web Token (RFC 7519) that it signs for the
// service behind it, and the keys that it signs with. They are the operator's own, or the gateway makes them, shares them
// between its nodes by a storage, and replaces them in time.
package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

const (
	// Path is where the public keys are published.
	Path = "/.well-known/jwks.json"
	// MediaType is that of a key set (RFC 7517, section 8.5.2).
	MediaType = "application/jwk-set+json"
	// MaxAge is for how long services may keep a key set. A new key is published for longer before it signs.
	MaxAge = 5 * time.Minute
)

// key is one that signs, or once did, or will. What it prints is its id.
type key struct {
	id      string // RFC 7638: the same on every node, and another for another key
	alg     jwa.SignatureAlgorithm
	private crypto.Signer // nil for one that is only published
	public  jwk.Key
	from    time.Time // when it begins to sign
}

func (k *key) String() string   { return k.id }
func (k *key) GoString() string { return k.id }

// newKey makes a key of a crypto.Signer, or of a public key alone.
func newKey(raw any, from time.Time) (*key, error) {
	k := &key{from: from}
	public := raw
	if private, ok := raw.(crypto.Signer); ok {
		k.private, public = private, private.Public()
	}
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		switch p.Curve {
		case elliptic.P256():
			k.alg = jwa.ES256()
		case elliptic.P384():
			k.alg = jwa.ES384()
		case elliptic.P521():
			k.alg = jwa.ES512()
		default:
			return nil, errors.New("its curve is none of P-256, P-384 and P-521")
		}
	case *rsa.PublicKey:
		const least = 2048 // RFC 7518, section 3.3
		if p.N.BitLen() < least {
			return nil, fmt.Errorf("an RSA key has at least %d bits", least)
		}
		k.alg = jwa.RS256()
	case ed25519.PublicKey:
		k.alg = jwa.EdDSA()
	default:
		return nil, errors.New("it is neither EC, RSA nor Ed25519")
	}
	var err error
	if k.public, err = jwk.Import(public); err != nil {
		return nil, err
	}
	thumb, err := k.public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	k.id = base64.RawURLEncoding.EncodeToString(thumb)
	return k, errors.Join(k.public.Set(jwk.KeyIDKey, k.id), k.public.Set(jwk.AlgorithmKey, k.alg), k.public.Set(jwk.KeyUsageKey, jwk.ForSignature))
}

// Keys are the keys at one time, ready. They never change.
type Keys struct {
	keys []*key // by the time from which on they sign
	set  []byte
	tag  string
}

func newKeys(keys []*key) (*Keys, error) {
	k := &Keys{keys: keys}
	public := make([]jwk.Key, len(keys))
	for i := range keys {
		public[i] = keys[i].public
	}
	var err error
	if k.set, err = json.Marshal(struct {
		Keys []jwk.Key `json:"keys"`
	}{public}); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(k.set)
	k.tag = `"` + hex.EncodeToString(sum[:16]) + `"`
	return k, nil
}

// Set is the public keys as a key set (RFC 7517, section 5), and its entity tag.
func (k *Keys) Set() (text []byte, tag string) { return k.set, k.tag }

// signer is the key that signs at a time: of those that may, the one that began last. Where the clock is behind them all,
// it is the first.
func (k *Keys) signer(now time.Time) *key {
	found := k.keys[0]
	for _, other := range k.keys {
		if other.private != nil && !other.from.After(now) {
			found = other
		}
	}
	return found
}

// Source is where the keys in force come from.
type Source interface {
	// Keys are those in force, nil before there are any.
	Keys() *Keys
}
