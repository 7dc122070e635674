package gateway

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/issuer"
)

// jwt makes the method that takes an issuer's tokens; nil after a mistake.
func (b *builder) jwt(from *catalogue.JWT) (identity.Method, hcl.Diagnostics) {
	c := identity.JWTConfig{
		Issuer: from.Issuer, Keys: from.Keys.Path, JWKS: from.JWKS, CAFile: from.CAFile.Path, MaxStale: duration.Duration(from.MaxStale),
		Audience: from.Audience, Algorithms: from.Algorithms, Leeway: duration.Duration(from.Leeway),
		Required: from.Required, Type: from.Type, Scopes: from.Scopes, Possession: possession(from.Possession), Range: from.Range,
	}
	source, diags := b.keysOf(from, c)
	if diags.HasErrors() || source == nil {
		return nil, diags
	}
	computed, whole := b.computed(from.Consumer, from.Plan, from.Version, from.Groups)
	if !whole {
		return nil, nil
	}
	return identity.NewTokens(c, source, computed)
}

// keysOf gives the keys of an issuer, of a file or fetched; nil after a mistake.
func (b *builder) keysOf(from *catalogue.JWT, c identity.JWTConfig) (identity.KeySource, hcl.Diagnostics) {
	if c.Keys != "" {
		src, diags := b.read(from.Keys)
		if diags.HasErrors() {
			return nil, diags
		}
		keys, diags := identity.ParseJWKS(c.Keys, src)
		if diags.HasErrors() {
			return nil, diags
		}
		return keys, nil
	}
	if b.Broken { // what is not there may have been written and have a mistake, which has been told
		return nil, nil
	}
	var authorities []byte
	if c.CAFile != "" {
		var diags hcl.Diagnostics
		if authorities, diags = b.read(from.CAFile); diags.HasErrors() {
			return nil, diags
		}
	}
	source, err := b.IssuerKeys(issuer.Config{Issuer: c.Issuer, JWKS: c.JWKS, MaxStale: from.MaxStale}, authorities)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unusable issuer", Subject: from.Range.Ptr(), Detail: "The keys cannot be fetched: " + err.Error() + "."}}
	}
	return source, nil
}
