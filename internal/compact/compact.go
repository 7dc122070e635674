// Package compact takes a JWS in compact serialization (RFC 7515, section 7.1) apart, before any of it is believed.
//
// The libraries that check signatures are liberal in what they accept: other spellings of one token in base64url, and
// segments that say nothing. What two parsers may read in two ways is refused here first.
package compact

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Bounds are those of the JSON in a token.
var Bounds = jsonspan.Bounds{Depth: 32, Number: 40}

// Base64 is base64url without padding, of which only the canonical spelling is read.
var Base64 = base64.RawURLEncoding.Strict()

// ErrNotCanonical is of a segment that is empty or could be spelt in another way.
var ErrNotCanonical = errors.New("a segment is empty or not canonical base64url")

// Header gives the header of a JWS of at most so many bytes, which is three segments in canonical base64url: a strict
// JSON object. What its members mean is for the caller to say.
func Header(jws string, most int) ([]byte, error) {
	if len(jws) > most {
		return nil, fmt.Errorf("it is longer than %d bytes", most)
	}
	header, rest, ok := strings.Cut(jws, ".")
	payload, signature, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || strings.Contains(signature, ".") { // five segments are a JWE
		return nil, errors.New("it is not three segments")
	}
	for _, segment := range [...]string{payload, signature, header} {
		if !Canonical(segment) {
			return nil, ErrNotCanonical
		}
	}
	raw, err := Base64.DecodeString(header)
	if err != nil {
		return nil, ErrNotCanonical
	}
	if err := jsonspan.Check(raw, Bounds); err != nil {
		return nil, fmt.Errorf("its header is not strict JSON: %w", err)
	}
	if raw[jsonspan.Space(raw, 0)] != '{' {
		return nil, errors.New("its header is not an object")
	}
	return raw, nil
}

// Text is the text of a header's member, which must be a string.
func Text(name string, value []byte) (string, error) {
	if value[0] != '"' {
		return "", fmt.Errorf("its header's %s is not a string", name)
	}
	return jsonspan.Text(value), nil
}

// Canonical says whether s is the one spelling of some bytes in base64url without padding (RFC 7515, section 2).
func Canonical(s string) bool {
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
