package auth

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// expressions are those over the claims of a token, by their keywords.
var expressions = map[string]struct {
	of   func(*identity.JWTConfig) *string
	to   func(*identity.Expressions) **rule.Program
	want rule.Kind
}{
	"consumer": {func(c *identity.JWTConfig) *string { return &c.Consumer }, func(e *identity.Expressions) **rule.Program { return &e.Consumer }, identity.WantedText},
	"plan":     {func(c *identity.JWTConfig) *string { return &c.Plan }, func(e *identity.Expressions) **rule.Program { return &e.Plan }, identity.WantedText},
	"version":  {func(c *identity.JWTConfig) *string { return &c.Version }, func(e *identity.Expressions) **rule.Program { return &e.Version }, identity.WantedText},
	"groups":   {func(c *identity.JWTConfig) *string { return &c.Groups }, func(e *identity.Expressions) **rule.Program { return &e.Groups }, identity.WantedGroups},
}

// tokens makes the method that takes an issuer's tokens.
func tokens(c identity.JWTConfig, l *gateway.Load) (identity.Method, hcl.Diagnostics) {
	if diags := identity.CheckKeys(c); diags.HasErrors() {
		return nil, diags
	}
	source, diags := keysOf(c, l)
	if diags.HasErrors() {
		return nil, diags
	}
	computed, diags := computedOf(c)
	if diags.HasErrors() {
		return nil, diags
	}
	return identity.NewTokens(c, source, computed)
}

// computedOf makes the expressions over claims ready.
func computedOf(c identity.JWTConfig) (computed identity.Computed, diags hcl.Diagnostics) {
	var e identity.Expressions
	for word, x := range expressions {
		text := *x.of(&c)
		if text == "" {
			continue
		}
		p, wrong := compile(text, hcl.Range{Filename: "api_auth " + word, Start: hcl.InitialPos, End: hcl.InitialPos}, x.want)
		diags = append(diags, wrong...)
		*x.to(&e) = p
	}
	return e.Computed(), diags
}

// keysOf gives the keys of an issuer, of a file or fetched.
func keysOf(c identity.JWTConfig, l *gateway.Load) (identity.KeySource, hcl.Diagnostics) {
	if c.Keys != "" {
		src, diags := read("key set", c.Keys, identity.MaxKeySet, l)
		if diags.HasErrors() {
			return nil, diags
		}
		keys, diags := identity.ParseJWKS(c.Keys, src)
		if diags.HasErrors() {
			return nil, diags
		}
		return keys, nil
	}
	var authorities []byte
	if c.CAFile != "" {
		var diags hcl.Diagnostics
		if authorities, diags = read("file of authorities", c.CAFile, identity.MaxAuthorities, l); diags.HasErrors() {
			return nil, diags
		}
	}
	source, err := l.IssuerKeys(issuerOf(c), authorities)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unusable issuer", Detail: "The keys cannot be fetched: " + err.Error() + "."}}
	}
	return source, nil
}

func issuerOf(c identity.JWTConfig) issuer.Config {
	return issuer.Config{Issuer: c.Issuer, JWKS: c.JWKS, MaxStale: time.Duration(c.MaxStale)}
}

// compile makes an expression of a token ready: there is nothing but claims to compute it from.
func compile(expression string, at hcl.Range, want rule.Kind) (*rule.Program, hcl.Diagnostics) {
	return rule.CompileText(expression, at, rule.Environment{Roots: rule.Claims}, want)
}
