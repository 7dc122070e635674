package gateway

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/introspection"
	"github.com/wicketgate/wicketgate/internal/rule"
)

func possession(from catalogue.Possession) identity.Possession {
	p := identity.Possession{Bound: from.Bound}
	if d := from.DPoP; d != nil {
		p.DPoP = &dpop.Config{Algorithms: d.Algorithms, Window: duration.Duration(d.Window), Nonce: d.Nonce}
	}
	return p
}

// introspection makes the method that has an issuer asked for its tokens; nil after a mistake.
func (b *builder) introspection(from *catalogue.Introspection) (identity.Method, hcl.Diagnostics) {
	c := introspection.Config{
		URL: from.URL, Client: from.Client, Secret: from.Secret, Post: from.Post, Audience: from.Issuer, Timeout: from.Timeout, Cache: from.Cache,
	}
	for _, f := range []struct {
		from catalogue.File
		to   *[]byte
	}{{from.Key, &c.Key}, {from.Certificate, &c.Certificate}, {from.CertificateKey, &c.CertificateKey}, {from.CAFile, &c.CA}} {
		if f.from.Path == "" {
			continue
		}
		src, diags := b.read(f.from)
		if diags.HasErrors() {
			return nil, diags
		}
		*f.to = src
	}
	computed, whole := b.computed(from.Consumer, from.Plan, from.Version, from.Groups)
	if !whole {
		return nil, nil
	}
	client, err := b.Introspection(c)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unusable introspection", Subject: from.Range.Ptr(), Detail: "Tokens cannot be asked for: " + err.Error() + "."}}
	}
	return identity.NewIntrospected(identity.IntrospectionConfig{
		URL: from.URL, Client: from.Client, Issuer: from.Issuer, Audience: from.Audience, Scopes: from.Scopes,
		Possession: possession(from.Possession), Range: from.Range,
	}, client, computed)
}

// computed makes the expressions over claims ready; whole is false after a mistake.
func (b *builder) computed(consumer, plan, version, groups hcl.Expression) (c identity.Computed, whole bool) {
	var e identity.Expressions
	whole = true
	for _, one := range []struct {
		from hcl.Expression
		to   **rule.Program
		want rule.Kind
	}{
		{consumer, &e.Consumer, identity.WantedText}, {plan, &e.Plan, identity.WantedText},
		{version, &e.Version, identity.WantedText}, {groups, &e.Groups, identity.WantedGroups},
	} {
		if one.from != nil {
			*one.to = b.expression(one.from, rule.Environment{Roots: rule.Claims}, one.want)
			whole = whole && *one.to != nil
		}
	}
	return e.Computed(), whole
}

// certificates makes the method that takes client certificates; nil after a mistake.
func (b *builder) certificates(from *catalogue.Certificate) (identity.Method, hcl.Diagnostics) {
	var authorities []byte
	if from.TrustedCAFile.Path != "" {
		var diags hcl.Diagnostics
		if authorities, diags = b.read(from.TrustedCAFile); diags.HasErrors() {
			return nil, diags
		}
	}
	var consumer func(*exchange.Exchange) (string, error)
	if from.Consumer != nil {
		p := b.expression(from.Consumer, rule.Environment{Roots: rule.Certificate}, rule.String)
		if p == nil {
			return nil, nil
		}
		consumer = p.String
	}
	return identity.NewCertificates(identity.CertificateConfig{
		Fingerprints: from.Fingerprints, Issuers: from.Issuers, TrustedCAFile: from.TrustedCAFile.Path,
	}, authorities, consumer)
}
