package gateway

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/forward"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// told lists the fields in which the services of a catalogue are told who calls, whichever route it is that does.
func told(c *catalogue.Catalogue) []string {
	fields := []string{forward.Default}
	add := func(t catalogue.Terms) {
		if t.Forward == nil {
			return
		}
		for _, h := range t.Forward.Headers {
			fields = append(fields, h.Name)
		}
		if t.Forward.Token != nil {
			fields = append(fields, t.Forward.Token.Header)
		}
	}
	for _, a := range c.APIs {
		add(a.Terms)
		for _, v := range a.Versions {
			add(v.Terms)
		}
		for _, r := range a.Routes {
			add(r.Terms)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// Told lists the fields in which services are told who calls.
func (g *Gateway) Told() []string { return g.told }

// Reserve has clients' fields of these names end at admission too: those in which services that the catalogue does not
// know of are told who calls. It may be called while requests are served.
func (g *Gateway) Reserve(fields []string) {
	all := slices.DeleteFunc(slices.Concat(g.told, fields), func(f string) bool { return f == "Authorization" }) // whose credentials are asked for first
	g.admit.Store(admit.New(admit.Config{Reserved: all, Credentials: g.credentials}))
}

// forward builds the stage that tells a route's service who calls.
func (b *builder) forward(from *catalogue.API, terms catalogue.Terms) *forward.Stage {
	t := forward.Plain()
	if !keeps(terms) && pinned(from) { // who calls was asked before it was known whether the credential goes on
		t.Others = b.fieldsIn(terms)
	}
	if written := terms.Forward; written != nil {
		t.Fields = nil
		for _, h := range written.Headers {
			if p := b.expression(h.Value, rule.Environment{Roots: forward.Roots}, rule.Any); p != nil {
				t.Fields = append(t.Fields, forward.Field{Name: h.Name, Value: p})
			}
		}
		if written.Token != nil {
			t.Token, t.TokenField = b.token(written.Token, terms), written.Token.Header
			b.signing[from] = true
		}
	}
	return forward.New(t)
}

// token makes what a route's service is told in a token; nil after a mistake.
func (b *builder) token(from *catalogue.ForwardToken, terms catalogue.Terms) *assertion.Token {
	if b.Signing == nil {
		return nil
	}
	if b.signer == nil && !b.unsigned {
		var diags hcl.Diagnostics
		b.signer, b.issuer, diags = b.Signing()
		b.unsigned = diags.HasErrors()
		for _, d := range diags {
			if d.Subject == nil {
				d.Subject = from.Range.Ptr()
			}
		}
		b.add(diags)
	}
	c := assertion.Config{Issuer: b.issuer, Audience: from.Audience, Lifetime: from.Lifetime}
	if len(c.Audience) == 0 && terms.Upstream != nil {
		c.Audience = []string{terms.Upstream.Name}
	}
	for _, claim := range from.Claims {
		if p := b.expression(claim.Value, rule.Environment{Roots: assertion.Roots}, rule.Any); p != nil {
			c.Claims = append(c.Claims, assertion.Claim{Name: claim.Name, Value: p})
		}
	}
	if b.signer == nil {
		return nil
	}
	return b.signer.New(c)
}

// keeps says whether the credential of callers goes on to the service.
func keeps(t catalogue.Terms) bool { return t.Forward != nil && t.Forward.Credential }

// keepsAny says so of any of an API's services.
func keepsAny(from *catalogue.API) bool {
	return keeps(from.Terms) ||
		slices.ContainsFunc(from.Versions, func(v *catalogue.Version) bool { return keeps(v.Terms) }) ||
		slices.ContainsFunc(from.Routes, func(r *catalogue.Route) bool { return keeps(r.Terms) })
}

// fieldsIn gives the fields in which callers send the credentials that a route asks for.
func (b *builder) fieldsIn(terms catalogue.Terms) []string {
	var fields []string
	for _, i := range terms.Identify {
		if m := b.methods[i]; m != nil {
			fields = append(fields, m.Fields()...)
		}
	}
	return fields
}

// dropKeys has no service get an API key of the gateway's that was sent to an API which takes none, in a place where
// another API takes them. What else is sent there is the service's own affair.
func (g *Gateway) dropKeys(x *exchange.Exchange, keeps []string) {
	for _, field := range g.keyed {
		if slices.ContainsFunc(x.Header[field], identity.HasKey) && !slices.Contains(keeps, field) {
			delete(x.Header, field)
		}
	}
	for _, parameter := range g.parameters {
		if slices.ContainsFunc(x.Query.Values()[parameter], identity.HasKey) {
			x.Query.Drop(parameter)
		}
	}
}

// drop has no service get what callers of the API send in the fields of credentials, not even of a route that asks for
// another credential or for none; but for one that is written to get its route's own. Nor does any get a client's word
// in a field in which another is told who calls, which admission lets pass where it may be a credential.
func (w ways) drop(credentials, told []string) {
	for _, to := range w {
		if to == nil {
			continue
		}
		for _, field := range slices.Concat(credentials, told) {
			if !slices.Contains(to.keeps, field) {
				to.drops = append(to.drops, field)
			}
		}
		slices.Sort(to.drops)
		to.drops = slices.Compact(to.drops)
	}
}
