package catalogue

import (
	"net/http"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/forward"
)

// Forward is a forward block: what the service is told of who calls.
type Forward struct {
	Headers    []ForwardHeader // in written order
	Token      *ForwardToken   // nil for none
	Credential bool            // the caller's own goes on
	Range      hcl.Range
}

// ForwardHeader is a header block of a forward block.
type ForwardHeader struct {
	Name  string // in canonical form
	Value hcl.Expression
	Range hcl.Range
}

// ForwardToken is a token block of a forward block.
type ForwardToken struct {
	Header   string   // in canonical form
	Audience []string // empty: the name of the upstream
	Lifetime time.Duration
	Claims   []ForwardClaim // in written order
	Range    hcl.Range
}

// ForwardClaim is a claim that a token block adds.
type ForwardClaim struct {
	Name  string
	Value hcl.Expression
	Range hcl.Range
}

var forwardBlock = &block{
	name: "forward", max: 1,
	doc: "What the service is told of who calls, all of it; the nearest wins. Without one it is told `consumer.id` in `X-Consumer-Id`. Whatever clients send in these fields, on any route, is taken off.",
	attributes: []attribute{
		{name: "credential", kind: truth{}, def: false, doc: "Whether the caller's own credential goes on to the service."},
	},
	blocks: []*block{
		{
			name: "header", max: forward.MaxHeaders,
			label: &label{"the name of a header field of letters, digits and -, none that HTTP or the gateway uses itself", forward.ValidName, true, nil},
			doc:   "A header field that the service is told something in.",
			attributes: []attribute{
				{name: "value", kind: expression{"an expression over consumer, claims, client, api and request"}, required: true,
					doc: "What it is told, a list with commas between its items. Null, an empty text, and what an anonymous caller or a credential without that claim does not have, leave the field out."},
			},
		},
		{
			name: "token", max: 1,
			doc: "A short-lived JSON Web Token (RFC 7519) that the gateway signs and the service verifies with the keys at `/.well-known/jwks.json`; the issuer is written in the Caddyfile. Anonymous callers have none.",
			attributes: []attribute{
				{name: "header", kind: word{"Authorization, or the name of a header field of letters, digits and -, none that HTTP or the gateway uses itself", forward.ValidTokenName}, def: forward.DefaultToken,
					doc: "The header field that carries the token; `Authorization` carries it as a bearer token."},
				{name: "audience", kind: each{of: anyText, min: 1, max: assertion.MaxAudience}, absent: "the name of the upstream, so that no other service takes the token",
					doc: "The services that the token is for, its `aud`."},
				{name: "lifetime", kind: span{min: assertion.MinLifetime, max: assertion.MaxLifetime, whole: true}, def: assertion.DefaultLifetime,
					doc: "How long a token is valid; it never outlives the caller's credential."},
				{name: "claims", kind: computedMembers{what: "expressions over consumer, claims, client and api by the names of claims, such as { tenant = claims.tenant }", max: assertion.MaxClaims, check: assertion.CheckClaim}, absent: "none",
					doc: "Claims besides those that the gateway writes. Null, and what the credential does not have, leave the claim out."},
			},
		},
	},
}

// forward makes what the service is told, nil where it is not written.
func (b *builder) forward(n *node) *Forward {
	from := n.one("forward")
	if from == nil {
		return nil
	}
	f := &Forward{Credential: take[bool](from, "credential"), Range: from.rng}
	for _, h := range from.all("header") {
		if value := kept(h, "value"); value != nil {
			f.Headers = append(f.Headers, ForwardHeader{http.CanonicalHeaderKey(h.label), value, h.rng})
		}
	}
	if t := from.one("token"); t != nil {
		f.Token = &ForwardToken{Header: http.CanonicalHeaderKey(take[string](t, "header")), Audience: texts(t, "audience"),
			Lifetime: take[time.Duration](t, "lifetime"), Range: t.rng}
		for _, c := range take[[]computedMember](t, "claims") {
			f.Token.Claims = append(f.Token.Claims, ForwardClaim{c.name, c.value, c.rng})
		}
	}
	return f
}

// checkForward looks for fields in which two things would be said, or which callers have other uses for: a client's are
// taken off before anything else reads them.
func (d *decoder) checkForward(c *Catalogue, root *node) {
	taken := make(map[string]string)
	for _, a := range c.APIs {
		if a.Versioning != nil && a.Versioning.Header != "" {
			taken[a.Versioning.Header] = "names the version of requests to the API " + a.Name
		}
	}
	for _, i := range c.Identities {
		if i.APIKey != nil {
			taken[i.APIKey.Header] = "carries the API keys of the identity " + i.Name
		}
	}
	for _, api := range root.all("api") {
		levels := append(append([]*node{api}, api.all("version")...), api.all("route")...)
		for _, level := range levels {
			for _, n := range level.all("forward") {
				d.checkForwarded(n, taken)
			}
		}
	}
}

func (d *decoder) checkForwarded(n *node, taken map[string]string) {
	seen := make(map[string]*node)
	for _, h := range n.all("header") {
		name := http.CanonicalHeaderKey(h.label)
		if why := taken[name]; why != "" {
			d.wrong(h.named, "Ambiguous header", "The header field %q %s, so that the service cannot be told anything in it.", name, why)
		}
		if first := seen[name]; first != nil && first.label != h.label {
			d.wrong(h.named, "Declared twice", "The header field %q is already declared at %s.", name, at(first.rng))
		}
		seen[name] = h
	}
	for _, t := range n.all("token") {
		name := http.CanonicalHeaderKey(take[string](t, "header"))
		switch first := seen[name]; {
		case taken[name] != "":
			d.wrong(t.place("header"), "Ambiguous header", "The header field %q %s, so that the service cannot be told anything in it.", name, taken[name])
		case first != nil:
			d.wrong(t.place("header"), "Declared twice", "The header field %q is already declared at %s.", name, at(first.rng))
		case name == "Authorization" && take[bool](n, "credential"):
			d.wrong(t.place("header"), "Token and credential in one field", "The token takes the place of the caller's own credential in Authorization, which is to go on.")
		}
	}
}
