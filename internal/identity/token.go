package identity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wicketgate/wicketgate/internal/compact"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// maxToken is how long a token may be: 8 KiB. It is more than any issuer needs, and with it the header and the claims
// are bounded too.
const maxToken = 8 << 10

// token is the header of a JWT in JWS compact serialization, read strictly before any of it is believed.
type token struct {
	alg    string
	kid    string // "" if the token names no key
	hasKid bool
	access bool // of type at+jwt: an access token by RFC 9068
}

// parseToken reads the header of a token. The claims it leaves unread until the signature is proven.
func parseToken(jws string) (token, error) {
	raw, err := compact.Header(jws, maxToken)
	if err != nil {
		return token{}, err
	}
	return parseHeader(raw)
}

// parseHeader reads a token's JOSE header (RFC 7515, section 4).
func parseHeader(raw []byte) (token, error) {
	var t token
	typ := ""
	for name, value := range jsonspan.Members(raw) {
		var err error
		switch n := jsonspan.Text(name); n {
		case "alg":
			t.alg, err = compact.Text(n, value)
		case "kid":
			t.hasKid = true
			t.kid, err = compact.Text(n, value)
		case "typ":
			typ, err = compact.Text(n, value)
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
