package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/hcl/v2"

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
	// bits. Default: the set is fetched.
	Keys string `json:"keys,omitempty"`

	// JWKS is the https address from which the issuer's key set is fetched, every 5m or as often as its server says,
	// from 1m to 1h. Default: what the metadata at the issuer's address say (OpenID Connect Discovery, RFC 8414).
	JWKS string `json:"jwks,omitempty"`

	// CAFile is the path of the authorities that the certificates of the issuer's servers come from, in PEM, at most
	// 256 KiB. Default: the system's.
	CAFile string `json:"ca_file,omitempty"`

	// MaxStale is how long fetched keys are good that the issuer does not confirm, from 5m to 30d; after it its tokens
	// are refused. Default: 24h.
	MaxStale duration.Duration `json:"max_stale,omitempty"`

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

	// Required are claims that a token must have besides those it must have anyway, at most 16. One within another is
	// written with dots: realm_access.roles. Default: none.
	Required []string `json:"required,omitempty"`

	// Type is at+jwt where only access tokens of RFC 9068 will do, which cannot be taken for tokens of another kind.
	// Default: those that say JWT or nothing will do too.
	Type string `json:"type,omitempty"`

	// Scopes must all be granted by the token, or it is answered 403; at most 16. Default: none.
	Scopes []string `json:"scopes,omitempty"`

	// Plan is an expression over the claims for the consumer's plan of quotas; null is none. Default: none.
	Plan string `json:"plan,omitempty"`

	// Version is an expression over the claims for the version to which the consumer is pinned; null is none.
	// Default: none.
	Version string `json:"version,omitempty"`

	// Groups is an expression over the claims for the consumer's groups, a list of strings or one; null is none.
	// Default: claims.groups.
	Groups string `json:"groups,omitempty"`

	Possession

	// Range is where the settings were written, for messages; zero where they were not written in a file.
	Range hcl.Range `json:"-"`
}

const (
	defaultLeeway = 60 * time.Second
	maxLeeway     = 5 * time.Minute
	maxAudience   = 16
	maxRequired   = 16
	maxClaimName  = 256 // bytes
	maxScopes     = 16
)

// Tokens is the Method of a JWTConfig.
type Tokens struct {
	issuer   string
	audience []string
	leeway   time.Duration
	allowed  []string // algorithms
	access   bool     // only access tokens of RFC 9068
	source   KeySource
	bound    atomic.Pointer[boundSet]

	demands
	possession *possession
}

// NewTokens makes the method of c with the keys of a source. A source that has its keys already, as a file has, must
// have one that is allowed.
func NewTokens(c JWTConfig, source KeySource, compute Computed) (*Tokens, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	wrong := func(summary, detail string) {
		d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail}
		if c.Range != (hcl.Range{}) {
			d.Subject = &c.Range
		}
		diags = append(diags, d)
	}
	t := &Tokens{
		issuer: c.Issuer, audience: c.Audience, leeway: time.Duration(c.Leeway), allowed: c.Algorithms, access: c.Type == accessType,
		source: source, demands: newDemands("jwt", c.Required, c.Scopes, compute),
	}
	if c.Issuer == "" {
		wrong("Missing issuer", "A token is believed only from one issuer: write its iss.")
	}
	if len(c.Audience) == 0 || len(c.Audience) > maxAudience || slices.Contains(c.Audience, "") {
		wrong("Invalid audience", fmt.Sprintf("Write 1 to %d names under which tokens address this API; without one, a token meant for another service of the issuer would do.", maxAudience))
	}
	if t.leeway == 0 {
		t.leeway = defaultLeeway
	}
	if len(t.allowed) == 0 {
		t.allowed = defaultAlgorithms
	}
	for _, d := range slices.Concat(CheckAlgorithms(t.allowed), CheckKeys(c), CheckDemands(c)) {
		wrong(d.Summary, d.Detail)
	}
	bound, mistakes := newPossession(c.Possession)
	for _, d := range mistakes {
		wrong(d.Summary, d.Detail)
	}
	t.possession = bound
	if diags.HasErrors() {
		return nil, diags
	}
	if set, ok := source.(*JWKS); ok {
		bound, diags := bind(set, t.allowed)
		if diags.HasErrors() {
			return nil, diags
		}
		t.bound.Store(bound)
	}
	return t, nil
}

// accessType is the type of the access tokens of RFC 9068 (section 2.1).
const accessType = "at+jwt"

// CheckDemands tells what is wrong with what c demands of tokens.
func CheckDemands(c JWTConfig) (diags hcl.Diagnostics) {
	wrong := func(summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
	}
	if c.Leeway < 0 || time.Duration(c.Leeway) > maxLeeway {
		wrong("Invalid leeway", fmt.Sprintf("The clocks may differ by up to %s.", duration.Duration(maxLeeway)))
	}
	if c.Type != "" && c.Type != accessType {
		wrong("Unknown type of token", fmt.Sprintf("The type that can be demanded is %s, of the access tokens of RFC 9068.", accessType))
	}
	if len(c.Required) > maxRequired || slices.ContainsFunc(c.Required, func(name string) bool { return name == "" || len(name) > maxClaimName }) {
		wrong("Invalid required claims", fmt.Sprintf("Write at most %d names of claims, each of 1 to %d bytes.", maxRequired, maxClaimName))
	}
	if len(c.Scopes) > maxScopes || slices.ContainsFunc(c.Scopes, func(s string) bool { return !validID(s) || !quotable(s) || strings.Contains(s, " ") }) {
		wrong("Invalid scopes", fmt.Sprintf("Write at most %d scopes, each of printable ASCII without blanks, quotes and backslashes.", maxScopes))
	}
	return diags
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
	if b := t.bound.Load(); b != nil && b.remembers(sent, x.Time) != nil {
		return Certain
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

// describe implements granted.
func (t *Tokens) describe(m *Metadata) { m.grant(t.issuer, t.scopes, t.possession) }

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

// prove is Authenticate of one token. What it is bound to is checked of each request, whether or not the token is
// remembered.
func (t *Tokens) prove(x *exchange.Exchange, sent sentToken) (*exchange.Consumer, *Refusal) {
	c, r := t.accept(x, sent.text)
	if r != nil {
		return nil, r
	}
	if r := t.possession.check(x, sent, c.Claims); r != nil {
		return nil, r
	}
	return c, nil
}

// accept gives the consumer of a token that was accepted before, or is now.
func (t *Tokens) accept(x *exchange.Exchange, compact string) (*exchange.Consumer, *Refusal) {
	bound, r := t.keys(x, compact)
	if r != nil {
		return nil, r
	}
	if known := bound.remembers(compact, x.Time); known != nil {
		return known, nil
	}
	known, r := t.verify(x, compact, bound)
	if r != nil {
		return nil, r
	}
	known.bound.remember(compact, &known)
	return known.consumer, nil
}

var _ Sharing = (*Tokens)(nil)
