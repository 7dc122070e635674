// Package dpop proves that who sends a token holds the key that it was issued to (RFC 9449): each request carries a
// proof, signed with that key, for this request and this token alone.
package dpop

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/duration"

	"github.com/hashicorp/hcl/v2"
)

// Field is the header field that carries the proof, in canonical form; NonceField the one in which a client is told the
// nonce that its proofs are to hold.
const (
	Field      = "Dpop"
	NonceField = "Dpop-Nonce"
)

// Config says which proofs are believed.
type Config struct {
	// Algorithms are those that proofs may be signed with, of ES256, ES384, ES512, EdDSA, Ed25519, PS256, PS384, PS512,
	// RS256, RS384 and RS512. Default: all of them.
	Algorithms []string `json:"algorithms,omitempty"`

	// Window is how far the time at which a proof was made may be from now, in either direction, 5s to 5m; a proof is
	// remembered for as long as it could be sent again. Default: 60s.
	Window duration.Duration `json:"window,omitempty"`

	// Nonce demands that proofs hold a nonce of this gateway's, which changes every few minutes and which a client is
	// told when its proof holds none or an old one, so that no proof can be made long before it is sent. Each process
	// knows its own nonces only. Default: off.
	Nonce bool `json:"nonce,omitempty"`
}

const (
	defaultWindow = 60 * time.Second
	minWindow     = 5 * time.Second
	maxWindow     = 5 * time.Minute
)

// Verifier verifies the proofs of a Config. It serves many requests at once.
type Verifier struct {
	algorithms []string
	window     time.Duration
	nonce      bool
	memory     *Memory
}

// Check tells what is wrong with c.
func (c Config) Check() hcl.Diagnostics {
	var diags hcl.Diagnostics
	wrong := func(summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(Algorithms, a) {
			wrong("Unknown algorithm", fmt.Sprintf("A proof of possession is signed with one of %s, and %q is none of them.%s",
				strings.Join(Algorithms, ", "), a, diagnostic.DidYouMean(a, Algorithms)))
		}
	}
	if w := time.Duration(c.Window); w != 0 && (w < minWindow || w > maxWindow) {
		wrong("Invalid window", fmt.Sprintf("A proof of possession is believed for %s to %s.", duration.Duration(minWindow), duration.Duration(maxWindow)))
	}
	return diags
}

// New makes the verifier of c, with the memory of the proofs that were sent already.
func New(c Config, memory *Memory) (*Verifier, hcl.Diagnostics) {
	if diags := c.Check(); diags.HasErrors() {
		return nil, diags
	}
	v := &Verifier{algorithms: c.Algorithms, window: time.Duration(c.Window), nonce: c.Nonce, memory: memory}
	if len(v.algorithms) == 0 {
		v.algorithms = Algorithms
	}
	if v.window == 0 {
		v.window = defaultWindow
	}
	return v, nil
}

// Algorithms are those that proofs may be signed with, for the challenge (RFC 9449, section 7.1).
func (v *Verifier) Algorithms() []string { return v.algorithms }

// Request is the request that a proof was sent with.
type Request struct {
	Method     string
	Address    string // what the client asked for, as an https address, with or without a query
	Token      string // that was sent beside the proof
	Thumbprint string // of the key that the token was issued to (RFC 7638, SHA-256, base64url)
	Time       time.Time
}

// What a client can mend.
var (
	// ErrNonce is of a proof that is valid but for the nonce that it should hold.
	ErrNonce = errors.New("the proof holds no nonce of this gateway, or an old one")
	// ErrFull is of a valid proof that could not be remembered.
	ErrFull = errors.New("no more proofs can be remembered")
	// ErrKey is of a proof with another key than the one the token was issued to.
	ErrKey = errors.New("the proof is signed with another key than the one the token was issued to")
)

// Verify says what is wrong with a proof: nil once, for a proof that is valid for the request and was not sent before.
// The token must have been proven already, for what is remembered is a proof of somebody who has one.
func (v *Verifier) Verify(proof string, r Request) error {
	p, err := parse(proof)
	if err != nil {
		return err
	}
	if !slices.Contains(v.algorithms, p.alg) {
		return errors.New("its algorithm is not one that is accepted here")
	}
	if p.method != r.Method {
		return errors.New("it is for another method")
	}
	asked, err := parseAddress(r.Address)
	if err != nil {
		return fmt.Errorf("what was asked for cannot be told: %w", err)
	}
	named, err := parseAddress(p.address)
	if err != nil {
		return fmt.Errorf("its htu: %w", err)
	}
	if named != asked {
		return errors.New("it is for another address")
	}
	if age := r.Time.Sub(p.issued); age > v.window || age < -v.window {
		return fmt.Errorf("it was made at %s, too far from now", p.issued.UTC().Format(time.RFC3339))
	}
	hash := sha256.Sum256([]byte(r.Token))
	if subtle.ConstantTimeCompare([]byte(p.token), []byte(encode(hash[:]))) != 1 {
		return errors.New("it is for another token")
	}
	if p.key.thumbprint != r.Thumbprint {
		return ErrKey
	}
	if !p.key.verify(p.alg, p.signed, p.signature) {
		return errors.New("its signature is not that of its key")
	}
	// What has no nonce is only told one if all else is well, so that nobody else has one made.
	if v.nonce && !v.memory.current(p.nonce, r.Time) {
		return ErrNonce
	}
	return v.memory.once(p.key.thumbprint, p.id, p.issued, v.window, r.Time)
}

// Nonce is the nonce that proofs are to hold from now on.
func (v *Verifier) Nonce(now time.Time) string { return v.memory.nonce(now) }
