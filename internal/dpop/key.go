package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for the algorithms that name it
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/wicketgate/wicketgate/internal/compact"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Algorithms are those known here: all that are asymmetric, as a proof's must be (RFC 9449, section 4.2).
var Algorithms = []string{"ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}

const (
	minRSABits = 2048
	maxRSABits = 8192 // a longer one would make each verification a burden
)

// curve is an elliptic curve of a JWK (RFC 7518, section 6.2.1.1) and the one algorithm for it.
type curve struct {
	elliptic.Curve
	alg  string
	hash crypto.Hash
}

var curves = map[string]curve{
	"P-256": {elliptic.P256(), "ES256", crypto.SHA256},
	"P-384": {elliptic.P384(), "ES384", crypto.SHA384},
	"P-521": {elliptic.P521(), "ES512", crypto.SHA512},
}

// hashes are those of the algorithms for RSA.
var hashes = map[string]crypto.Hash{
	"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512,
	"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512,
}

// key is the public key that a proof brings.
type key struct {
	kty        string
	curve      curve  // of EC
	alg        string // that the key names; "" if it does not
	public     any    // *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey
	thumbprint string
}

// secretMembers are those of a JWK that nobody else must see (RFC 7518, section 6; RFC 8037, section 2).
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// parseKey reads the key of a proof's header. The values that make the key, and only they, make its thumbprint, so each
// is read in its one spelling.
func parseKey(raw []byte) (*key, error) {
	if raw[0] != '{' {
		return nil, errors.New("its key is not an object")
	}
	member := make(map[string]string, 4)
	for name, value := range jsonspan.Members(raw) {
		n := jsonspan.Text(name)
		if slices.Contains(secretMembers, n) {
			return nil, errors.New("its key is not a public one")
		}
		switch n {
		case "kty", "crv", "x", "y", "n", "e", "alg", "use":
			if value[0] != '"' {
				return nil, fmt.Errorf("its key's %s is not a string", n)
			}
			member[n] = jsonspan.Text(value)
		}
	}
	if use, ok := member["use"]; ok && use != "sig" {
		return nil, errors.New("its key is not for signatures")
	}
	k := &key{kty: member["kty"], alg: member["alg"]}
	var err error
	switch k.kty {
	case "EC":
		err = k.ec(member)
	case "OKP":
		err = k.okp(member)
	case "RSA":
		err = k.rsa(member)
	default:
		err = errors.New("its key is of a kind that is not known here")
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

var errKey = errors.New("its key is not well formed")

// octets gives the bytes of a member in base64url, of a length.
func octets(text string, length int) ([]byte, error) {
	if !compact.Canonical(text) {
		return nil, errKey
	}
	b, err := compact.Base64.DecodeString(text)
	if err != nil || length != 0 && len(b) != length {
		return nil, errKey
	}
	return b, nil
}

func (k *key) ec(member map[string]string) error {
	c, ok := curves[member["crv"]]
	if !ok {
		return errors.New("its key is on a curve that is not known here")
	}
	size := (c.Params().BitSize + 7) / 8
	x, err := octets(member["x"], size)
	if err != nil {
		return err
	}
	y, err := octets(member["y"], size)
	if err != nil {
		return err
	}
	point := append(append([]byte{4}, x...), y...)
	public, err := ecdsa.ParseUncompressedPublicKey(c.Curve, point)
	if err != nil {
		return errKey
	}
	k.curve, k.public = c, public
	k.thumbprint = thumbprint(`{"crv":"` + member["crv"] + `","kty":"EC","x":"` + member["x"] + `","y":"` + member["y"] + `"}`)
	return nil
}

func (k *key) okp(member map[string]string) error {
	if member["crv"] != "Ed25519" {
		return errors.New("its key is on a curve that is not known here")
	}
	x, err := octets(member["x"], ed25519.PublicKeySize)
	if err != nil {
		return err
	}
	k.public = ed25519.PublicKey(x)
	k.thumbprint = thumbprint(`{"crv":"Ed25519","kty":"OKP","x":"` + member["x"] + `"}`)
	return nil
}

func (k *key) rsa(member map[string]string) error {
	n, err := octets(member["n"], 0)
	if err != nil {
		return err
	}
	e, err := octets(member["e"], 0)
	if err != nil {
		return err
	}
	const most = 4 // bytes of an exponent, as crypto/rsa has it
	if n[0] == 0 || e[0] == 0 || len(e) > most {
		return errKey
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Errorf("its RSA key has not %d to %d bits", minRSABits, maxRSABits)
	}
	if public.E < 3 || public.E&1 == 0 || public.E > 1<<31-1 {
		return errKey
	}
	k.public = public
	k.thumbprint = thumbprint(`{"e":"` + member["e"] + `","kty":"RSA","n":"` + member["n"] + `"}`)
	return nil
}

// thumbprint is that of a key whose members are given as RFC 7638, section 3.2, orders them.
func thumbprint(members string) string {
	sum := sha256.Sum256([]byte(members))
	return encode(sum[:])
}

func encode(b []byte) string { return compact.Base64.EncodeToString(b) }

// verify says whether a signature is the key's. The algorithm must be one for keys of its kind.
func (k *key) verify(alg, signed string, signature []byte) bool {
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		if alg != k.curve.alg || len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(public, digest(k.curve.hash, signed), r, s)
	case ed25519.PublicKey:
		return (alg == "EdDSA" || alg == "Ed25519") && ed25519.Verify(public, []byte(signed), signature)
	case *rsa.PublicKey:
		hash, ok := hashes[alg]
		if !ok {
			return false
		}
		if alg[0] == 'P' {
			return rsa.VerifyPSS(public, hash, digest(hash, signed), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, hash, digest(hash, signed), signature) == nil
	}
	return false
}

func digest(hash crypto.Hash, text string) []byte {
	h := hash.New()
	h.Write([]byte(text))
	return h.Sum(nil)
}
