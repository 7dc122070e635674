package forward

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// Config is what the service is told of who calls.
type Config struct {
	// Headers are header fields with the expressions that give their values, at most 16. Default: none.
	Headers []HeaderConfig `json:"headers,omitempty"`

	// Token is a short-lived JSON Web Token that the gateway signs. Default: none.
	Token *TokenConfig `json:"token,omitempty"`

	// Credential lets the caller's own credential go on to the service. Default: it ends at the gateway.
	Credential bool `json:"credential,omitempty"`
}

// HeaderConfig is a header field that the service is told something in.
type HeaderConfig struct {
	// Name is the field's name: letters, digits and hyphens, at most 64, none that HTTP or the gateway uses itself.
	Name string `json:"name"`

	// Value is an expression over consumer, claims, client, api and request. Null, an empty text, and what an anonymous
	// caller or a credential without that claim does not have, leave the field out.
	Value string `json:"value"`
}

// TokenConfig is a token that tells the service who calls. Anonymous callers have none.
type TokenConfig struct {
	// Header is the field that carries the token; Authorization carries it as a bearer token. Default: X-Consumer-Token.
	Header string `json:"header,omitempty"`

	// Audience are the names of the services that the token is for, its aud: 1 to 16.
	Audience []string `json:"audience"`

	// Lifetime is how long a token is valid, from 10s to 10m; it never outlives the caller's credential. Default: 1m.
	Lifetime duration.Duration `json:"lifetime,omitempty"`

	// Claims are added to those that the gateway writes, at most 32. Default: none.
	Claims []ClaimConfig `json:"claims,omitempty"`
}

// ClaimConfig is a claim that is added to a token.
type ClaimConfig struct {
	// Name is the claim's name, none of those that say what the token is and for whom.
	Name string `json:"name"`

	// Value is an expression over consumer, claims, client and api. Null, and what the credential does not have, leave
	// the claim out.
	Value string `json:"value"`
}

// DefaultToken is the field that carries the token where nothing else is configured.
const DefaultToken = "X-Consumer-Token"

// Default is the field in which the service is told the consumer's id where nothing else is configured.
const Default = "X-Consumer-Id"

// MaxHeaders is how many header fields a service may be told something in.
const MaxHeaders = 16

// Roots are what the values of fields are computed from: what the gateway found out itself. What else the client wrote
// is in the request as it is, and nothing of it can come to pass for the gateway's word.
const Roots = rule.Consumer | rule.Claims | rule.Client | rule.API | rule.Request

// ValidName says whether a service may be told something in a header field of this name.
func ValidName(name string) bool {
	// Remote-User is what the programs of a web server are told of who calls (RFC 3875, section 4.1.11). No client's
	// passes.
	return admit.Free(name) || http.CanonicalHeaderKey(name) == "Remote-User"
}

// ValidTokenName says whether a token may be in a header field of this name.
func ValidTokenName(name string) bool {
	return ValidName(name) || http.CanonicalHeaderKey(name) == authorization
}

const authorization = "Authorization"

// Signing gives what tokens are signed with and issued by.
type Signing func() (signer *assertion.Signer, issuer string, diags hcl.Diagnostics)

// Told makes ready what a configuration says, which is nil where it says nothing. at is its place; sign is asked if there
// is a token.
func (c *Config) Told(at hcl.Range, sign Signing) (Told, hcl.Diagnostics) {
	if c == nil {
		return Plain(), nil
	}
	var t Told
	var diags hcl.Diagnostics
	wrong := func(summary, detail string, args ...any) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)})
	}
	if len(c.Headers) > MaxHeaders {
		wrong("Too many header fields", "A service is told something in at most %d header fields.", MaxHeaders)
	}
	seen := make(map[string]bool)
	for _, h := range c.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		switch {
		case !ValidName(h.Name):
			wrong("Invalid header field", "A service is told something in a header field of letters, digits and hyphens, none that HTTP or the gateway uses itself, and not in %q.", h.Name)
		case seen[name]:
			wrong("Duplicate header field", "The header field %s is named twice.", name)
		}
		seen[name] = true
		p, more := rule.CompileText(h.Value, at, rule.Environment{Roots: Roots}, rule.Any)
		diags = append(diags, more...)
		t.Fields = append(t.Fields, Field{Name: name, Value: p})
	}
	if c.Token == nil {
		return t, diags
	}
	token, more := c.Token.compile(at)
	diags = append(diags, more...)
	t.TokenField = http.CanonicalHeaderKey(c.Token.Header)
	if c.Token.Header == "" {
		t.TokenField = DefaultToken
	}
	switch {
	case !ValidTokenName(t.TokenField):
		wrong("Invalid header field", "A token is in Authorization, or in a header field of letters, digits and hyphens that HTTP and the gateway do not use themselves, and not in %q.", c.Token.Header)
	case seen[t.TokenField]:
		wrong("Duplicate header field", "The header field %s is named twice.", t.TokenField)
	case c.Credential && t.TokenField == authorization:
		wrong("Token and credential in one field", "The token takes the place of the caller's own credential in Authorization, which is to go on.")
	}
	if diags.HasErrors() || sign == nil {
		return t, diags
	}
	signer, issuer, more := sign()
	if diags = append(diags, more...); !diags.HasErrors() {
		token.Issuer = issuer
		t.Token = signer.New(token)
	}
	return t, diags
}

// compile makes ready what a token is made of, but for its issuer.
func (c *TokenConfig) compile(at hcl.Range) (to assertion.Config, diags hcl.Diagnostics) {
	wrong := func(summary, detail string, args ...any) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)})
	}
	to.Audience, to.Lifetime = c.Audience, time.Duration(c.Lifetime)
	if to.Lifetime == 0 {
		to.Lifetime = assertion.DefaultLifetime
	}
	if to.Lifetime < assertion.MinLifetime || to.Lifetime > assertion.MaxLifetime {
		wrong("Invalid lifetime", "A token is valid for 10s to 10m.")
	}
	if len(c.Audience) == 0 || len(c.Audience) > assertion.MaxAudience || slices.Contains(c.Audience, "") {
		wrong("Invalid audience", "A token is for 1 to %d services, each by its name.", assertion.MaxAudience)
	}
	if len(c.Claims) > assertion.MaxClaims {
		wrong("Too many claims", "At most %d claims are added to a token.", assertion.MaxClaims)
	}
	seen := make(map[string]bool)
	for _, claim := range c.Claims {
		if err := assertion.CheckClaim(claim.Name); err != nil {
			wrong("Invalid claim", "%v.", err)
		} else if seen[claim.Name] {
			wrong("Duplicate claim", "The claim %s is named twice.", claim.Name)
		}
		seen[claim.Name] = true
		p, more := rule.CompileText(claim.Value, at, rule.Environment{Roots: assertion.Roots}, rule.Any)
		diags = append(diags, more...)
		to.Claims = append(to.Claims, assertion.Claim{Name: claim.Name, Value: p})
	}
	return to, diags
}
