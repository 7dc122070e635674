package catalogue

import (
	"net/http"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/forward"
)

// Forward is a forward block: what the service is told of who calls.
type Forward struct {
	Headers    []ForwardHeader // in written order
	Credential bool            // the caller's own goes on
	Range      hcl.Range
}

// ForwardHeader is a header block of a forward block.
type ForwardHeader struct {
	Name  string // in canonical form
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
}
