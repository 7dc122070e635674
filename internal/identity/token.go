package identity

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// maxToken is how long a token may be: 8 KiB. It is more than any issuer needs, and with it the header and the claims
// are bounded too.
const maxToken = 8 << 10

// tokenBounds are the bounds of the JSON in a token.
var tokenBounds = jsonspan.Bounds{Depth: 32, Number: 40}

// token is a JWT in JWS compact serialization (RFC 7515, section 7.1), taken apart before any of it is believed.
//
// The library that checks the signature is liberal in what it accepts: other spellings of one token in base64url, a
// name twice in an object, JSON followed by something else. What two parsers may read in two ways is refused here
// first.
type token struct {
	alg    string
	kid    string // "" if the token names no key
	hasKid bool
	access bool // of type at+jwt: an access token by RFC 9068
}

var base64URL = base64.RawURLEncoding.Strict()

// parseToken reads the header of a token. The claims it leaves unread until the signature is proven.
func parseToken(compact string) (token, error) {
	if len(compact) > maxToken {
		return token{}, fmt.Errorf("it is longer than %d bytes", maxToken)
	}
	header, rest, ok := strings.Cut(compact, ".")
	payload, signature, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || strings.Contains(signature, ".") { // five segments are a JWE
		return token{}, errors.New("it is not three segments")
	}
	for _, segment := range [...]string{payload, signature} {
		if !canonical(segment) {
			return token{}, errNotCanonical
		}
	}
	if !canonical(header) {
		return token{}, errNotCanonical
	}
	raw, err := base64URL.DecodeString(header)
	if err != nil {
		return token{}, errNotCanonical
	}
	return parseHeader(raw)
}

var errNotCanonical = errors.New("a segment is empty or not canonical base64url")

// canonical says whether s is the one spelling of some bytes in base64url without padding (RFC 7515, section 2).
func canonical(s string) bool {
	if s == "" || len(s)%4 == 1 {
		return false
	}
	for i := range len(s) {
		if base64Value(s[i]) < 0 {
			return false
		}
	}
	// The last character of a group that is not whole has bits that mean nothing and must be 0.
	last := base64Value(s[len(s)-1])
	switch len(s) % 4 {
	case 2:
		return last&0xf == 0
	case 3:
		return last&0x3 == 0
	}
	return true
}

func base64Value(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	}
	return -1
}

// parseHeader reads a token's JOSE header (RFC 7515, section 4).
func parseHeader(raw []byte) (token, error) {
	if err := jsonspan.Check(raw, tokenBounds); err != nil {
		return token{}, fmt.Errorf("its header is not strict JSON: %w", err)
	}
	if raw[jsonspan.Space(raw, 0)] != '{' {
		return token{}, errors.New("its header is not an object")
	}
	var t token
	typ := ""
	for name, value := range jsonspan.Members(raw) {
		var err error
		switch n := jsonspan.Text(name); n {
		case "alg":
			t.alg, err = text(n, value)
		case "kid":
			t.hasKid = true
			t.kid, err = text(n, value)
		case "typ":
			typ, err = text(n, value)
		case "jku", "jwk", "x5u", "x5c":
			// A key that comes with the token proves nothing (RFC 8725, section 3.10).
			err = fmt.Errorf("its header brings a key of its own in %s", n)
		case "crit", "b64":
			// No extension is understood here, so none may be critical (RFC 7515, section 4.1.11; RFC 7797).
			err = fmt.Errorf("its header demands an extension in %s", n)
		case "enc", "zip":
			err = fmt.Errorf("its header speaks of encryption in %s", n)
		}
		if err != nil {
			return token{}, err
		}
	}
	if _, ok := algorithms[t.alg]; !ok { // an exact spelling, so never "none", "NONE" or nothing
		return token{}, errors.New("its algorithm is not one that is known here")
	}
	// Another type of token from the same issuer must not pass for one that grants access (RFC 8725, section 3.11).
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "at+jwt":
		t.access = true
	case "", "jwt":
	default:
		return token{}, errors.New("its type is neither JWT nor at+jwt")
	}
	return t, nil
}

func text(name string, value []byte) (string, error) {
	if value[0] != '"' {
		return "", fmt.Errorf("its header's %s is not a string", name)
	}
	return jsonspan.Text(value), nil
}
