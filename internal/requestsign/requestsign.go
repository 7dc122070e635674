// Package requestsign signs requests, so that whoever gets them knows who sent them and that nobody changed them: with a
// keyed hash in a header field, as many services have it, each in its own way; or as HTTP messages (RFC 9421), with the
// digest of the body (RFC 9530).
package requestsign

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// Config says how requests are signed.
type Config struct {
	// Kind is "hmac" or "message".
	Kind string

	// Key is the secret of a keyed hash, or a private key in PEM (PKCS #8).
	Key secret.Text

	// Of the kind hmac: the header field of the signature, what is hashed and how, and how it is written.
	Header    string   // in canonical form
	Hash      string   // "sha256" or "sha512"; "" is the first
	Encoding  string   // "hex" or "base64"; "" is the first
	Prefix    string   // before the signature
	Over      []string // "timestamp", "method", "host", "path", "query", "body", in this order
	Separator string   // between them
	Timestamp string   // the header field of the time, in canonical form; "" for none

	// Of the kind message.
	Algorithm  string   // "ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512" or "hmac-sha256"
	KeyID      string   // "" for none
	Components []string // what is signed
	Expires    time.Duration
}

// Signer signs requests. It is immutable and serves many at once.
type Signer struct {
	config Config
	hash   func() hash.Hash
	sign   func(base []byte) ([]byte, error) // of messages
}

// New makes a signer. Its errors never quote the key.
func New(c Config) (*Signer, error) {
	s := &Signer{config: c, hash: sha256.New}
	if c.Key.Reveal() == "" {
		return nil, fmt.Errorf("signing requests: there is no key")
	}
	switch c.Kind {
	case "hmac":
		if c.Hash == "sha512" {
			s.hash = sha512.New
		}
		return s, nil
	case "message":
		var err error
		s.sign, err = algorithm(c)
		return s, err
	}
	return nil, fmt.Errorf("signing requests: there is no way %q", c.Kind)
}

// Sign puts the signature on a request whose body is body. It comes after everything else that is on the request.
func (s *Signer) Sign(req *http.Request, body []byte, now time.Time) error {
	if s.config.Kind == "message" {
		return s.message(req, body, now)
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(s.hash, []byte(s.config.Key.Reveal()))
	for i, part := range s.config.Over {
		if i > 0 {
			mac.Write([]byte(s.config.Separator)) //nolint:errcheck // it never fails
		}
		switch part {
		case "timestamp":
			mac.Write([]byte(stamp)) //nolint:errcheck // likewise
		case "method":
			mac.Write([]byte(req.Method)) //nolint:errcheck // likewise
		case "host":
			mac.Write([]byte(strings.ToLower(req.Host))) //nolint:errcheck // likewise
		case "path":
			mac.Write([]byte(pathOf(req))) //nolint:errcheck // likewise
		case "query":
			mac.Write([]byte(req.URL.RawQuery)) //nolint:errcheck // likewise
		case "body":
			mac.Write(body) //nolint:errcheck // likewise
		}
	}
	if s.config.Timestamp != "" {
		req.Header[s.config.Timestamp] = []string{stamp}
	}
	sum := mac.Sum(nil)
	text := hex.EncodeToString(sum)
	if s.config.Encoding == "base64" {
		text = base64.StdEncoding.EncodeToString(sum)
	}
	req.Header[s.config.Header] = []string{s.config.Prefix + text}
	return nil
}

func pathOf(req *http.Request) string {
	if p := req.URL.EscapedPath(); p != "" {
		return p
	}
	return "/"
}
