package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/wicketgate/wicketgate/internal/compact"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// JWTConfig identifies callers by a JWT sent as a bearer token (RFC 6750, section 2.1), verified by RFC 8725.
type JWTConfig struct {
	// Issuer is what a token's iss must be, to the character. Required.
	Issuer string `json:"issuer"`

	// Keys is the path of the issuer's key set (RFC 7517): public keys, at most 100 in 256 KiB; RSA has 2048 to 8192
	// bits.
	Keys string `json:"keys"`

	// Audience are the names under which this API is addressed; one of them must be in a token's aud, to the
	// character. Required, 1 to 16.
	Audience []string `json:"audience"`

	// Algorithms are those allowed, of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, HS256,
	// HS384 and HS512. Each key verifies one only: the one it names, or the first allowed of its kind. Default: all
	// but those with HS.
	Algorithms []string `json:"algorithms,omitempty"`

	// Leeway is how far the issuer's clock may differ from this one, up to 5m. Default: 60s.
	Leeway duration.Duration `json:"leeway,omitempty"`

	// Consumer is an expression over the claims for the consumer's id; if it fails or is not a string of 1 to 256
	// characters of printable ASCII, the token is refused. Default: claims.sub.
	Consumer string `json:"consumer,omitempty"`

	Possession

	// Range is where the settings were written, for messages; zero where they were not written in a file.
	Range hcl.Range `json:"-"`
}

const (
	defaultLeeway = 60 * time.Second
	maxLeeway     = 5 * time.Minute
	maxAudience   = 16
)

// Tokens is the Method of a JWTConfig.
type Tokens struct {
	issuer   string
	audience []string
	leeway   time.Duration
	keys     []boundKey
	consumer func(claims map[string]any) (string, error)

	possession *possession
}

// NewTokens makes the method of c with the keys of its file. consumer computes c.Consumer; nil is claims.sub.
func NewTokens(c JWTConfig, keys *JWKS, consumer func(claims map[string]any) (string, error)) (*Tokens, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	wrong := func(summary, detail string) {
		d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail}
		if c.Range != (hcl.Range{}) {
			d.Subject = &c.Range
		}
		diags = append(diags, d)
	}
	t := &Tokens{issuer: c.Issuer, audience: c.Audience, leeway: time.Duration(c.Leeway), consumer: consumer}
	if c.Issuer == "" {
		wrong("Missing issuer", "A token is believed only from one issuer: write its iss.")
	}
	if len(c.Audience) == 0 || len(c.Audience) > maxAudience || slices.Contains(c.Audience, "") {
		wrong("Invalid audience", fmt.Sprintf("Write 1 to %d names under which tokens address this API; without one, a token meant for another service of the issuer would do.", maxAudience))
	}
	if t.leeway == 0 {
		t.leeway = defaultLeeway
	}
	if t.leeway < 0 || t.leeway > maxLeeway {
		wrong("Invalid leeway", fmt.Sprintf("The clocks may differ by up to %s.", duration.Duration(maxLeeway)))
	}
	allowed := c.Algorithms
	if len(allowed) == 0 {
		allowed = defaultAlgorithms
	}
	for _, d := range CheckAlgorithms(allowed) {
		wrong(d.Summary, d.Detail)
	}
	bound, mistakes := newPossession(c.Possession)
	for _, d := range mistakes {
		wrong(d.Summary, d.Detail)
	}
	t.possession = bound
	if t.consumer == nil {
		t.consumer = subject
	}
	if diags.HasErrors() {
		return nil, diags
	}
	t.keys, diags = keys.bind(allowed)
	if diags.HasErrors() {
		return nil, diags
	}
	return t, nil
}

// CheckAlgorithms tells which names are not those of algorithms known here.
func CheckAlgorithms(names []string) hcl.Diagnostics {
	known := append(slices.Clone(defaultAlgorithms), "HS256", "HS384", "HS512")
	var diags hcl.Diagnostics
	for _, a := range names {
		if !slices.Contains(known, a) {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown algorithm",
				Detail: fmt.Sprintf("%q is not one of %s.%s", a, strings.Join(known, ", "), diagnostic.DidYouMean(a, known))})
		}
	}
	return diags
}

func subject(claims map[string]any) (string, error) {
	sub, ok := claims["sub"].(string)
	if !ok {
		return "", errors.New("it has no sub")
	}
	return sub, nil
}

const authorization = "Authorization"

// Fields implements Method.
func (t *Tokens) Fields() []string { return tokenFields }

// Parameters implements Method.
func (t *Tokens) Parameters() []string { return nil }

// Present implements Method. Another scheme than Bearer counts as a credential too: it is one, and not one that is
// accepted here.
func (t *Tokens) Present(x *exchange.Exchange) bool { return len(x.Header[authorization]) > 0 }

// Likely implements Sharing: by the issuer and the audience that the token names, of which nothing is proven yet.
func (t *Tokens) Likely(x *exchange.Exchange) Likelihood {
	values := x.Header[authorization]
	if len(values) != 1 {
		return Possible
	}
	_, sent, _ := strings.Cut(values[0], " ")
	sent = strings.TrimLeft(sent, " ")
	if len(sent) > maxToken {
		return Unlikely
	}
	_, rest, _ := strings.Cut(sent, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok {
		return Unlikely
	}
	raw, err := compact.Base64.DecodeString(payload)
	if err != nil {
		return Unlikely
	}
	c, err := parseClaims(raw)
	switch {
	case err != nil || c.issuer != t.issuer:
		return Unlikely
	case !slices.ContainsFunc(c.audience, func(a string) bool { return slices.Contains(t.audience, a) }):
		return Possible
	}
	return Certain
}

// Challenge implements Method.
func (t *Tokens) Challenge(space Space, r *Refusal) string {
	return t.possession.challenge(space, r)
}

const invalidToken = "the token is not valid"

// Authenticate implements Method. Of a token that is not valid, the client learns no more than whether it is too old or
// too new.
func (t *Tokens) Authenticate(x *exchange.Exchange) (*exchange.Consumer, *Refusal) {
	sent, r := t.possession.token(x)
	if r != nil {
		return nil, r
	}
	c, r := t.prove(x, sent)
	return c, sent.refused(r)
}

// prove is Authenticate of one token.
func (t *Tokens) prove(x *exchange.Exchange, sent sentToken) (*exchange.Consumer, *Refusal) {
	parsed, err := parseToken(sent.text)
	if err != nil {
		return nil, &Refusal{Detail: invalidToken, Cause: err}
	}
	key, err := t.key(&parsed)
	if err != nil {
		return nil, &Refusal{Detail: invalidToken, Cause: err}
	}
	// The library takes the token apart anew and compares the header's algorithm with that of the key. What it returns
	// is what was signed, and only that is read.
	payload, err := jws.VerifyCompactFast(key.key, []byte(sent.text), key.jwa)
	if err != nil {
		return nil, &Refusal{Detail: invalidToken, Cause: errors.New("its signature is not that of its key")}
	}
	c, err := parseClaims(payload)
	if err != nil {
		return nil, &Refusal{Detail: invalidToken, Cause: err}
	}
	if r := c.check(&parsed, t.issuer, t.audience, t.leeway, x.Time); r != nil {
		return nil, r
	}
	if r := t.possession.check(x, sent, c.all); r != nil {
		return nil, r
	}
	id, err := t.consumer(c.all)
	if err != nil {
		return nil, &Refusal{Detail: invalidToken, Cause: fmt.Errorf("its consumer cannot be told: %w", err)}
	}
	if !validID(id) {
		return nil, &Refusal{Detail: invalidToken, Cause: errors.New("its consumer's id is empty or not printable ASCII")}
	}
	name, _ := c.all["name"].(string)
	if name == "" {
		name = id
	}
	scopes, groups := Granted(c.all)
	return &exchange.Consumer{ID: id, Name: name, Method: "jwt", Claims: c.all, Scopes: scopes, Groups: groups, Expires: c.expires}, nil
}

// key chooses the key of a token: the one it names, and where it names none the only one there is for its algorithm.
func (t *Tokens) key(parsed *token) (*boundKey, error) {
	var found *boundKey
	for i := range t.keys {
		k := &t.keys[i]
		if parsed.hasKid {
			if k.kid != parsed.kid || k.kid == "" {
				continue
			}
			if k.alg != parsed.alg {
				return nil, errors.New("its algorithm is not that of its key")
			}
			return k, nil
		}
		if k.alg != parsed.alg {
			continue
		}
		if found != nil {
			return nil, errors.New("it names no key, and more than one would fit")
		}
		found = k
	}
	if found == nil {
		return nil, errors.New("no key of the set is its key")
	}
	return found, nil
}

var _ Sharing = (*Tokens)(nil)
