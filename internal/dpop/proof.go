package dpop

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/compact"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

const (
	maxProof = 8 << 10 // bytes: with an RSA key of 8192 bits, and room
	maxID    = 256     // bytes of a jti; 96 random bits are 16 (RFC 9449, section 4.2)
	maxNonce = 256     // bytes
)

// proof is a proof as it was sent (RFC 9449, section 4.2). Nothing of it is believed yet.
type proof struct {
	alg string
	key *key

	id      string    // jti
	method  string    // htm
	address string    // htu
	issued  time.Time // iat
	token   string    // ath, a hash
	nonce   string    // "" for none

	signed    string // what the signature is over
	signature []byte
}

// parse reads a proof, strictly.
func parse(sent string) (*proof, error) {
	header, err := compact.Header(sent, maxProof)
	if err != nil {
		return nil, err
	}
	p := &proof{}
	if err := p.header(header); err != nil {
		return nil, err
	}
	last := strings.LastIndexByte(sent, '.')
	p.signed = sent[:last]
	if p.signature, err = compact.Base64.DecodeString(sent[last+1:]); err != nil {
		return nil, compact.ErrNotCanonical
	}
	payload, err := compact.Base64.DecodeString(p.signed[strings.IndexByte(p.signed, '.')+1:])
	if err != nil {
		return nil, compact.ErrNotCanonical
	}
	return p, p.claims(payload)
}

func (p *proof) header(raw []byte) error {
	typ := ""
	for name, value := range jsonspan.Members(raw) {
		var err error
		switch n := jsonspan.Text(name); n {
		case "typ":
			typ, err = compact.Text(n, value)
		case "alg":
			p.alg, err = compact.Text(n, value)
		case "jwk":
			p.key, err = parseKey(value)
		case "crit", "b64":
			err = fmt.Errorf("its header demands an extension in %s", n)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case typ != "dpop+jwt":
		return errors.New("its type is not dpop+jwt")
	case p.key == nil:
		return errors.New("it brings no key")
	case p.key.alg != "" && p.key.alg != p.alg:
		return errors.New("its key is for another algorithm")
	}
	return nil
}

func (p *proof) claims(raw []byte) error {
	if err := jsonspan.Check(raw, compact.Bounds); err != nil {
		return fmt.Errorf("its claims are not strict JSON: %w", err)
	}
	if raw[jsonspan.Space(raw, 0)] != '{' {
		return errors.New("its claims are not an object")
	}
	for name, value := range jsonspan.Members(raw) {
		var err error
		switch n := jsonspan.Text(name); n {
		case "jti":
			p.id, err = claim(n, value, maxID)
		case "htm":
			p.method, err = claim(n, value, maxProof)
		case "htu":
			p.address, err = claim(n, value, maxProof)
		case "ath":
			p.token, err = claim(n, value, maxProof)
		case "nonce":
			p.nonce, err = claim(n, value, maxNonce)
		case "iat":
			p.issued, err = date(value)
		}
		if err != nil {
			return err
		}
	}
	if p.id == "" || p.method == "" || p.address == "" || p.token == "" || p.issued.IsZero() {
		return errors.New("it has not all of jti, htm, htu, iat and ath")
	}
	return nil
}

func claim(name string, value []byte, most int) (string, error) {
	if value[0] != '"' {
		return "", fmt.Errorf("its %s is not a string", name)
	}
	text := jsonspan.Text(value)
	if text == "" || len(text) > most {
		return "", fmt.Errorf("its %s has not 1 to %d bytes", name, most)
	}
	return text, nil
}

// maxDate is the end of the year 9999.
const maxDate = 253402300799

// date reads a NumericDate (RFC 7519, section 2).
func date(value []byte) (time.Time, error) {
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(n > 0 && n <= maxDate) {
		return time.Time{}, errors.New("its iat is not a date")
	}
	whole := int64(n)
	return time.Unix(whole, int64((n-float64(whole))*1e9)), nil
}
