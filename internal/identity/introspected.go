package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/introspection"
)

// IntrospectionConfig identifies callers by a token that only its issuer can read, which is asked what it means
// (RFC 7662). Where a jwt is beside it, a token in the form of a JWT of that issuer is read there.
type IntrospectionConfig struct {
	// URL is the address of the issuer's introspection endpoint, https. Required.
	URL string `json:"url"`

	// Client is the id of the client by which the gateway asks. Required.
	Client string `json:"client"`

	// Secret is the client's secret, as a placeholder: {env.INTROSPECTION_SECRET} or {file./run/secrets/introspection}. It
	// is sent in Authorization. Default: none.
	Secret string `json:"secret,omitempty"`

	// Post sends the secret in the form instead, for servers that want it there. Default: off.
	Post bool `json:"post,omitempty"`

	// Key is the path of the client's private key, in PEM or as a JWK, with which it signs assertions (private_key_jwt);
	// at most 64 KiB. Default: none.
	Key string `json:"key,omitempty"`

	// Certificate is the path of the certificate, in PEM, that the client proves who it is by (tls_client_auth,
	// self_signed_tls_client_auth); at most 64 KiB. Default: none.
	Certificate string `json:"certificate,omitempty"`

	// CertificateKey is the path of that certificate's key, in PEM; at most 64 KiB. Default: none.
	CertificateKey string `json:"certificate_key,omitempty"`

	// CAFile is the path of the authorities, in PEM, that the endpoint's certificate is checked against; at most 1 MiB.
	// Default: the system's.
	CAFile string `json:"ca_file,omitempty"`

	// Issuer is what an answer's iss must be, to the character, and whom assertions are for. Default: the answer may
	// say nothing or anything, for the endpoint belongs to one issuer; assertions are for the endpoint.
	Issuer string `json:"issuer,omitempty"`

	// Audience are the names under which this API is addressed; one of them must be in an answer's aud, to the
	// character; at most 16. Default: the issuer alone decides whom a token is for.
	Audience []string `json:"audience,omitempty"`

	// Scopes must all be granted by the token, or it is answered 403; at most 16. Default: none.
	Scopes []string `json:"scopes,omitempty"`

	// Consumer is an expression over the members of the answer, called claims, for the consumer's id; if it fails or is
	// not a string of 1 to 256 characters of printable ASCII, the token is refused. Default: claims.sub.
	Consumer string `json:"consumer,omitempty"`

	// Plan is an expression over the claims for the consumer's plan of quotas; null is none. Default: none.
	Plan string `json:"plan,omitempty"`

	// Version is an expression over the claims for the version to which the consumer is pinned; null is none.
	// Default: none.
	Version string `json:"version,omitempty"`

	// Groups is an expression over the claims for the consumer's groups, a list of strings or one; null is none.
	// Default: claims.groups.
	Groups string `json:"groups,omitempty"`

	// Cache is how long an answer is remembered, 1s to 1h and never past the token's end; that a token is not good is
	// remembered for 5s at most. A token that is revoked is taken for as long. Default: 60s.
	Cache duration.Duration `json:"cache,omitempty"`

	// Timeout is how long the endpoint may take to answer, 100ms to 30s; then the request is answered 503. Default: 2s.
	Timeout duration.Duration `json:"timeout,omitempty"`

	Possession

	// Range is where the settings were written, for messages; zero where they were not written in a file.
	Range hcl.Range `json:"-"`
}

// MaxClientFile is how long the files of a client's key and certificate may be.
const MaxClientFile = 64 << 10

// Introspector knows what tokens mean.
type Introspector interface {
	// Introspect says what the issuer says of a token that came from an address; an error means that nobody knows.
	Introspect(ctx context.Context, token string, from netip.Addr, now time.Time) (*introspection.Answer, error)
}

// Introspected is the Method of an IntrospectionConfig.
type Introspected struct {
	issuer   string
	audience []string
	client   Introspector

	demands
	possession *possession
}

// describe implements granted.
func (i *Introspected) describe(m *Metadata) { m.grant(i.issuer, i.scopes, i.possession) }

// Check tells what is wrong with c, as far as it can be told without its files.
func (c IntrospectionConfig) Check() hcl.Diagnostics {
	var diags hcl.Diagnostics
	wrong := func(summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
	}
	if len(c.Audience) > maxAudience || slices.Contains(c.Audience, "") {
		wrong("Invalid audience", fmt.Sprintf("Write at most %d names under which tokens address this API.", maxAudience))
	}
	if c.Cache != 0 && (time.Duration(c.Cache) < time.Second || time.Duration(c.Cache) > time.Hour) {
		wrong("Invalid cache", "An answer is remembered for 1s to 1h.")
	}
	if c.Timeout != 0 && (time.Duration(c.Timeout) < 100*time.Millisecond || time.Duration(c.Timeout) > 30*time.Second) {
		wrong("Invalid timeout", "The endpoint may take 100ms to 30s.")
	}
	if (c.Certificate == "") != (c.CertificateKey == "") {
		wrong("Certificate without key", "A client's certificate and its key are two files, which are written together.")
	}
	if c.Post && c.Secret == "" {
		wrong("No secret to post", "Only a secret is sent in the form.")
	}
	return append(diags, slices.Concat(CheckDemands(JWTConfig{Scopes: c.Scopes}), c.Possession.Check())...)
}

// NewIntrospected makes the method of c with a client of its endpoint.
func NewIntrospected(c IntrospectionConfig, client Introspector, compute Computed) (*Introspected, hcl.Diagnostics) {
	diags := c.Check()
	if diags.HasErrors() {
		for _, d := range diags {
			if c.Range != (hcl.Range{}) {
				d.Subject = &c.Range
			}
		}
		return nil, diags
	}
	i := &Introspected{issuer: c.Issuer, audience: c.Audience, client: client, demands: newDemands("introspection", nil, c.Scopes, compute)}
	i.possession, diags = newPossession(c.Possession)
	return i, diags
}

// Fields implements Method.
func (*Introspected) Fields() []string { return tokenFields }

// Parameters implements Method.
func (*Introspected) Parameters() []string { return nil }

// Present implements Method, as Tokens does.
func (*Introspected) Present(x *exchange.Exchange) bool { return len(x.Header[authorization]) > 0 }

// Likely implements Sharing: any token may be one of the issuer's.
func (i *Introspected) Likely(x *exchange.Exchange) Likelihood {
	if _, r := i.possession.token(x); r != nil {
		return Unlikely
	}
	return Possible
}

// Challenge implements Method.
func (i *Introspected) Challenge(space Space, r *Refusal) string {
	return i.possession.challenge(space, r)
}

// Authenticate implements Method. Where nobody can tell whether a token is good, it is not taken.
func (i *Introspected) Authenticate(x *exchange.Exchange) (*exchange.Consumer, *Refusal) {
	sent, r := i.possession.token(x)
	if r != nil {
		return nil, r
	}
	c, r := i.prove(x, sent)
	return c, sent.refused(r)
}

func (i *Introspected) prove(x *exchange.Exchange, sent sentToken) (*exchange.Consumer, *Refusal) {
	invalid := func(format string, args ...any) (*exchange.Consumer, *Refusal) {
		return nil, &Refusal{Detail: invalidToken, Cause: fmt.Errorf(format, args...)}
	}
	if len(sent.text) > maxToken || !bearable(sent.text) {
		return invalid("it is longer than %d bytes, or has characters that no token has", maxToken)
	}
	answer, err := i.client.Introspect(x.Context, sent.text, x.Origin(), x.Time)
	if err != nil {
		return nil, &Refusal{Unavailable: true, Detail: "the token cannot be checked at present", Cause: err}
	}
	if !answer.Active {
		return invalid("its issuer says that it is not active")
	}
	c, err := claimsOf(answer.Claims)
	if err != nil {
		return invalid("%w", err)
	}
	if r := i.check(&c, x.Time); r != nil {
		return nil, r
	}
	consumer, r := i.consumer(&c)
	if r != nil {
		return nil, r
	}
	if r := i.possession.check(x, sent, c.all); r != nil {
		return nil, r
	}
	return consumer, nil
}

// check says what is wrong with what the issuer says of a token that it calls active.
func (i *Introspected) check(c *claims, now time.Time) *Refusal {
	invalid := func(cause string) *Refusal { return &Refusal{Detail: invalidToken, Cause: errors.New(cause)} }
	_, ends := c.all["exp"]
	kind, named := c.all["token_type"].(string)
	switch {
	case ends && !now.Before(c.expires):
		return &Refusal{Detail: "the token has expired", Cause: fmt.Errorf("it expired at %s", c.expires)}
	case now.Before(c.notBefore.Add(-defaultLeeway)):
		return &Refusal{Detail: "the token is not valid yet", Cause: fmt.Errorf("it is valid from %s", c.notBefore)}
	case i.issuer != "" && c.issuer != i.issuer:
		return invalid("its issuer is not the one configured")
	case len(i.audience) > 0 && !slices.ContainsFunc(c.audience, func(a string) bool { return slices.Contains(i.audience, a) }):
		return invalid("its audience is none of those configured")
	case named && !strings.EqualFold(kind, schemeBearer) && !strings.EqualFold(kind, schemeDPoP):
		return invalid("it is a token of another type: a refresh token is active too, and grants no access")
	}
	return nil
}

// bearable says whether text has only characters that a token sent in Authorization may have (RFC 6750, section 2.1).
func bearable(text string) bool {
	body := strings.TrimRight(text, "=")
	for i := range len(body) {
		c := body[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~+/", c) >= 0) {
			return false
		}
	}
	return body != ""
}

var _ Sharing = (*Introspected)(nil)
