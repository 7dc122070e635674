package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/wicketgate/wicketgate/internal/compact"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Bounds of a key set.
const (
	MaxKeySet  = 256 << 10 // bytes
	maxJWKs    = 100
	minRSABits = 2048
	maxRSABits = 8192 // a longer one would make each verification a burden
	maxKid     = 256  // bytes
)

// algorithm is a signature algorithm of RFC 7518 or RFC 8037 that is known here.
type algorithm struct {
	jwa    jwa.SignatureAlgorithm
	kty    string
	curve  elliptic.Curve // of EC
	secret int            // bytes of an HMAC's key, at least: those of its hash (RFC 7518, section 3.2)
}

// algorithms are all algorithms known here, by their exact names.
var algorithms = map[string]algorithm{
	"RS256": {jwa: jwa.RS256(), kty: "RSA"},
	"RS384": {jwa: jwa.RS384(), kty: "RSA"},
	"RS512": {jwa: jwa.RS512(), kty: "RSA"},
	"PS256": {jwa: jwa.PS256(), kty: "RSA"},
	"PS384": {jwa: jwa.PS384(), kty: "RSA"},
	"PS512": {jwa: jwa.PS512(), kty: "RSA"},
	"ES256": {jwa: jwa.ES256(), kty: "EC", curve: elliptic.P256()},
	"ES384": {jwa: jwa.ES384(), kty: "EC", curve: elliptic.P384()},
	"ES512": {jwa: jwa.ES512(), kty: "EC", curve: elliptic.P521()},
	"EdDSA": {jwa: jwa.EdDSA(), kty: "OKP"},
	"HS256": {jwa: jwa.HS256(), kty: "oct", secret: 32},
	"HS384": {jwa: jwa.HS384(), kty: "oct", secret: 48},
	"HS512": {jwa: jwa.HS512(), kty: "oct", secret: 64},
}

// defaultAlgorithms are all but HMAC, whose key both sides know, so that whoever can verify a token can make one.
var defaultAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// JWKS is a set of keys for verification, as a file has them (RFC 7517, section 5). Which algorithm each of them is for
// is settled when they are bound to a list of allowed ones.
type JWKS struct {
	keys []parsedJWK
}

type parsedJWK struct {
	kid    string
	alg    string // "" if the file does not say
	kty    string
	public any // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or, of oct, []byte
	at     hcl.Range
}

// ParseJWKS reads a key set. Keys that are there for something else than signatures are left out; a weak, broken or
// private key is a mistake, and so is a set without any key to verify with. A set is returned only if there is none.
func ParseJWKS(file string, src []byte) (*JWKS, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	add := func(r hcl.Range, summary, detail string, extra any) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &r, Extra: extra})
	}
	wrong := func(r hcl.Range, summary, detail string) { add(r, summary, detail, nil) }
	// What lies at the place may be a private key.
	hidden := func(r hcl.Range, summary, detail string) { add(r, summary, detail, diagnostic.Sensitive{}) }
	at := func(start, end int) hcl.Range {
		return hcl.Range{Filename: file, Start: position(src, start), End: position(src, end)}
	}
	if len(src) > MaxKeySet {
		wrong(at(0, 0), "Key set too large", fmt.Sprintf("A key set has at most %d bytes, and this one has %d.", MaxKeySet, len(src)))
		return nil, diags
	}
	if err := jsonspan.Check(src, jsonspan.Bounds{Number: compact.Bounds.Number, Depth: compact.Bounds.Depth}); err != nil {
		offset := 0
		if e := (*jsonspan.Error)(nil); errors.As(err, &e) {
			offset = min(e.Offset, len(src))
		}
		hidden(at(offset, offset), "Invalid key set", "A key set is strict JSON: "+err.Error()+".")
		return nil, diags
	}
	list, ok := jsonspan.Get(src, "keys")
	if !ok || list[0] != '[' {
		wrong(at(0, 0), "Invalid key set", "A key set is an object whose member keys is a list of keys (RFC 7517, section 5).")
		return nil, diags
	}
	set := &JWKS{}
	n := 0
	for raw := range jsonspan.Items(list) {
		if n++; n > maxJWKs {
			wrong(at(0, 0), "Too many keys", fmt.Sprintf("A key set has at most %d keys.", maxJWKs))
			break
		}
		start := cap(src) - cap(raw) // raw is a slice of src
		r := at(start, start+len(raw))
		k, err := parseJWK(raw)
		if err != nil {
			// The whole key is blotted out where it is shown: it may be a private one.
			hidden(r, "Invalid key", fmt.Sprintf("The key cannot be used: %s.", err))
			continue
		}
		if k == nil {
			continue
		}
		if k.kid != "" && slices.ContainsFunc(set.keys, func(o parsedJWK) bool { return o.kid == k.kid }) {
			hidden(r, "Duplicate key id", "Another key of the set has the same kid, so a token could mean either.")
			continue
		}
		k.at = r
		set.keys = append(set.keys, *k)
	}
	if len(set.keys) == 0 && !diags.HasErrors() {
		wrong(at(0, 0), "Empty key set", "No key of the set can verify a signature.")
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return set, nil
}

func position(src []byte, offset int) hcl.Pos {
	p := hcl.Pos{Line: 1, Column: 1, Byte: offset}
	for i := 0; i < offset; {
		r, n := utf8.DecodeRune(src[i:])
		if i += n; r == '\n' {
			p.Line, p.Column = p.Line+1, 1
		} else {
			p.Column++
		}
	}
	return p
}

// privateMembers are the members of a JWK that make it a private one (RFC 7518, section 6; RFC 8037, section 2).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth"}

// parseJWK reads one key; nil if it is there for something else than the signatures known here.
func parseJWK(raw []byte) (*parsedJWK, error) {
	if raw[0] != '{' {
		return nil, errors.New("it is not an object")
	}
	member := make(map[string]string)
	for name, value := range jsonspan.Members(raw) {
		n := jsonspan.Text(name)
		if slices.Contains(privateMembers, n) {
			return nil, errors.New("it is a private key; a set for verification holds public keys only, and whoever read this file can sign with it")
		}
		switch n {
		case "kty", "crv", "use", "alg", "kid":
			if value[0] != '"' {
				return nil, fmt.Errorf("its %s is not a string", n)
			}
			member[n] = jsonspan.Text(value)
		case "key_ops":
			verify := false
			for op := range jsonspan.Items(value) {
				verify = verify || jsonspan.Is(op, "verify")
			}
			if !verify {
				return nil, nil
			}
		}
	}
	if use, ok := member["use"]; ok && use != "sig" {
		return nil, nil
	}
	switch member["kty"] + " " + member["crv"] { // of others a reader knows nothing and skips them (RFC 7517, section 5)
	case "RSA ", "oct ", "EC P-256", "EC P-384", "EC P-521", "OKP Ed25519":
	default:
		return nil, nil
	}
	k := &parsedJWK{kid: member["kid"], alg: member["alg"], kty: member["kty"]}
	if len(k.kid) > maxKid {
		return nil, fmt.Errorf("its kid is longer than %d bytes", maxKid)
	}
	if k.alg != "" {
		a, ok := algorithms[k.alg]
		if !ok {
			return nil, nil
		}
		if a.kty != k.kty {
			return nil, errors.New("its alg and its kty do not belong together")
		}
	}
	key, err := jwk.ParseKey(raw)
	if err != nil {
		if k.kty == "RSA" { // the library refuses short ones itself
			return nil, fmt.Errorf("it is not well formed, or has fewer than %d bits", minRSABits)
		}
		return nil, errors.New("it is not well formed")
	}
	var public any
	if err := jwk.Export(key, &public); err != nil {
		return nil, errors.New("it is not well formed")
	}
	switch p := public.(type) {
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, fmt.Errorf("an RSA key has %d to %d bits here, and it has %d", minRSABits, maxRSABits, bits)
		}
		if guessable(p.N) {
			return nil, errors.New("it was made by a device whose keys can be computed (ROCA, CVE-2017-15361), and must be withdrawn")
		}
	case *ecdsa.PublicKey:
		natural := curveAlgorithm(p.Curve)
		if k.alg != "" && k.alg != natural {
			return nil, errors.New("its alg and its curve do not belong together")
		}
		k.alg = natural
	case ed25519.PublicKey:
		k.alg = "EdDSA"
	case []byte:
	default:
		return nil, errors.New("it is not well formed")
	}
	k.public = public
	return k, nil
}

// curveAlgorithm is the one algorithm of a curve (RFC 7518, section 3.4).
func curveAlgorithm(c elliptic.Curve) string {
	for name, a := range algorithms {
		if a.curve == c {
			return name
		}
	}
	return ""
}

// boundKey is a key with the one algorithm it verifies (RFC 8725, section 3.1).
type boundKey struct {
	kid string
	alg string
	jwa jwa.SignatureAlgorithm
	key any
}

// bind settles which algorithm each key is for: the one it names, and for an RSA or oct key that names none the first
// one allowed of its kind. Keys for algorithms that are not allowed are left out.
func (s *JWKS) bind(allowed []string) ([]boundKey, hcl.Diagnostics) {
	var bound []boundKey
	var diags hcl.Diagnostics
	for i := range s.keys {
		k := &s.keys[i]
		alg := k.alg
		if alg == "" {
			n := slices.IndexFunc(allowed, func(a string) bool { return algorithms[a].kty == k.kty })
			if n < 0 {
				continue
			}
			alg = allowed[n]
		}
		if !slices.Contains(allowed, alg) {
			continue
		}
		a := algorithms[alg]
		if secret, ok := k.public.([]byte); ok && len(secret) < a.secret {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Key too short", Subject: &k.at, Extra: diagnostic.Sensitive{},
				Detail: fmt.Sprintf("A key for %s has at least %d bytes (RFC 7518, section 3.2), and this one has %d.", alg, a.secret, len(secret)),
			})
			continue
		}
		bound = append(bound, boundKey{kid: k.kid, alg: alg, jwa: a.jwa, key: k.public})
	}
	if len(bound) == 0 && !diags.HasErrors() {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "No usable key", Subject: &s.keys[0].at, Extra: diagnostic.Sensitive{},
			Detail: "No key of the set is for an allowed algorithm. HMAC algorithms are allowed only where they are listed.",
		})
	}
	return bound, diags
}

// Len is how many keys the set has.
func (s *JWKS) Len() int { return len(s.keys) }
