// Package webhook knows the calls of third parties: whether one is the sender's own, what it is about, and what names
// it. All senders' schemes are rows of one table (scheme.go), judged by one verifier over the bytes as they came. It
// also signs what goes on, in the form of Standard Webhooks.
package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// Bounds and defaults.
const (
	// DefaultTolerance is how far a call's time may lie from ours.
	DefaultTolerance = 5 * time.Minute
	// DefaultTimeout is how long a call may take to come whole: as long as the most patient senders wait for its answer.
	DefaultTimeout = 30 * time.Second
	// MaxSecrets is how many secrets may be in use at once, while one takes another's place.
	MaxSecrets = 8
	// maxField bounds a header field that is read, in bytes: 4 KiB.
	maxField = 4 << 10
	// maxSignatures bounds the signatures of one call that are looked at.
	maxSignatures = 16
)

// Call is a call as it came.
type Call struct {
	Header http.Header
	URL    string // the address as the sender wrote it, scheme, host and query included
	Body   []byte
	Time   time.Time // when it came
}

// Config says how calls are known to be a sender's.
type Config struct {
	// Scheme is the name of a row of the table: "stripe", "hmac".
	Scheme string
	// Secrets are shared with the sender, or are its public keys: 1 to MaxSecrets.
	Secrets []secret.Text
	// Tolerance is how far a call's time may lie from ours, where it has one; 0 for DefaultTolerance.
	Tolerance time.Duration
	// WebhookID is the id that PayPal gave the endpoint, which is part of what it signs; "" for other senders.
	WebhookID string
	// Custom says what hmac and ed25519 look at.
	Custom Custom
}

// Custom is what a sender without a row of its own does. What is left empty is as the row says.
type Custom struct {
	// The header field with the signature. Default: X-Signature.
	Signature string `json:"signature,omitempty"`
	// What the signature begins with: "sha256=". Default: nothing.
	Prefix string `json:"prefix,omitempty"`
	// How the signature is written: hex or base64. Default: hex.
	Encoding string `json:"encoding,omitempty"`
	// The hash of hmac: sha256, sha512 or sha1. Default: sha256.
	Hash string `json:"hash,omitempty"`
	// The header field with the time, in seconds since 1970. Default: none; of ed25519 X-Signature-Timestamp.
	Timestamp string `json:"timestamp,omitempty"`
	// The header field that names the call. Default: none.
	ID string `json:"id,omitempty"`
	// What is signed, with {body}, {timestamp}, {id} and {url} in it. Default: "{body}"; of ed25519 "{timestamp}{body}".
	Signed string `json:"signed,omitempty"`
}

// Verifier tells a sender's calls from others. It is immutable and serves many calls at once.
type Verifier struct {
	scheme    scheme
	keys      []key
	tolerance time.Duration
}

// Why a call is refused. The texts go to the log; whoever called is told no more than that it was.
var (
	errUnsigned  = errors.New("the call has no signature")
	errRepeated  = errors.New("a field of the signature is there twice, or is too long")
	errMalformed = errors.New("the signature is not well formed")
	errWrong     = errors.New("no signature is right")
	errTime      = errors.New("the call's time is missing or not well formed")
	errAmbiguous = errors.New("the call's id holds what divides it from what is signed behind it, so that it may be another's")
	errOld       = errors.New("the call's time lies too far from ours")
)

// New makes the verifier of a sender's calls. Its errors name no secret.
func New(c Config) (*Verifier, error) {
	s, ok := schemes[c.Scheme]
	if !ok {
		return nil, fmt.Errorf("there is no scheme %q", c.Scheme)
	}
	if c.Custom != (Custom{}) {
		if !s.custom {
			return nil, fmt.Errorf("what %s signs, and where its signature stands, is known; only hmac and ed25519 are told", c.Scheme)
		}
		var err error
		if s, err = s.with(c.Custom); err != nil {
			return nil, err
		}
	}
	switch {
	case len(c.Secrets) == 0 || len(c.Secrets) > MaxSecrets:
		return nil, fmt.Errorf("1 to %d secrets are needed", MaxSecrets)
	case s.webhookID && c.WebhookID == "":
		return nil, fmt.Errorf("%s needs the id that it gave the endpoint", c.Scheme)
	case !s.webhookID && c.WebhookID != "":
		return nil, fmt.Errorf("%s gives endpoints no id", c.Scheme)
	case c.Tolerance < 0:
		return nil, errors.New("the tolerance is negative")
	}
	s.endpoint = c.WebhookID
	v := &Verifier{scheme: s, tolerance: c.Tolerance}
	if v.tolerance == 0 {
		v.tolerance = DefaultTolerance
	}
	for i, text := range c.Secrets {
		k, err := s.read(text.Reveal())
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		v.keys = append(v.keys, k)
	}
	return v, nil
}

// Verify says whether a call is the sender's: nil, or why not. All secrets and all signatures are tried, in constant
// time each.
func (v *Verifier) Verify(c Call) error {
	field, err := one(c.Header, v.scheme.signature)
	if err != nil {
		return err
	}
	if field == "" {
		return errUnsigned
	}
	given, err := v.scheme.form(field, v.scheme)
	if err != nil {
		return err
	}
	p := parts{call: c, endpoint: v.scheme.endpoint, timestamp: given.timestamp}
	if v.scheme.timestamp != "" {
		if p.timestamp, err = one(c.Header, v.scheme.timestamp); err != nil {
			return err
		}
	}
	if p.timestamp != "" || v.scheme.timed() {
		if err := v.timely(p.timestamp, c.Time); err != nil {
			return err
		}
	}
	if v.scheme.id != "" && v.scheme.names(partID) {
		if p.id, err = one(c.Header, v.scheme.id); err != nil {
			return err
		}
		if p.id == "" {
			return errMalformed
		}
		if v.scheme.ambiguous(p.id) {
			return errAmbiguous
		}
	}
	if v.scheme.digest != nil {
		if err := v.scheme.digest(c); err != nil {
			return err
		}
	}
	right := false
	for _, contents := range v.scheme.contents(p) {
		for _, k := range v.keys {
			for _, sig := range given.signatures {
				if k.kind(sig.version) && k.right(contents, sig.bytes) {
					right = true
				}
			}
		}
	}
	if !right {
		return errWrong
	}
	return nil
}

// timely says whether a call's time is near ours.
func (v *Verifier) timely(text string, now time.Time) error {
	at, err := v.scheme.clock(text)
	if err != nil {
		return err
	}
	if apart := now.Sub(at).Abs(); apart > v.tolerance {
		return errOld
	}
	return nil
}

// unix reads seconds since 1970: digits and nothing else.
func unix(text string) (time.Time, error) {
	if text == "" || len(text) > 12 || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, errTime
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, errTime
	}
	return time.Unix(n, 0), nil
}

// rfc3339 reads the time as PayPal writes it.
func rfc3339(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errTime
	}
	return at, nil
}

// one gives the only value of a field, "" where it is missing: of two, the verifier and whoever reads on might take
// different ones.
func one(h http.Header, name string) (string, error) {
	values := h[name]
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1 || len(values[0]) > maxField:
		return "", errRepeated
	}
	return values[0], nil
}

// Schemes are the names of the rows of the table, in order.
func Schemes() []string {
	var names []string
	for name := range schemes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// written joins what is signed, for schemes that need it as a whole.
func written(contents [][]byte) []byte { return bytes.Join(contents, nil) }
