package catalogue

import (
	"net/http"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Idempotency is a route's idempotency block: what callers' Idempotency-Keys do.
type Idempotency struct {
	Keep     time.Duration
	Required bool
	Repeat   bool // a request whose answer was lost is carried out when it comes again
	Range    hcl.Range
}

var idempotencyBlock = &block{
	name: "idempotency", max: 1,
	doc: "Carries a request with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07) out once, on routes with POST, PATCH, PUT and DELETE: the answer is in the ledger before the caller has it, and whoever sends the request again gets it again. Keys are the caller's own on each route. [Idempotency](idempotency.md) says how.",
	attributes: []attribute{
		{name: "keep", kind: keepSpan, required: true, doc: "How long answers are kept, from when they came."},
		{name: "required", kind: truth{}, def: false, doc: "Whether a request without a key is answered 400; otherwise it is carried out each time."},
		{name: "lost", kind: choice{of: []string{"refuse", "repeat"}}, def: "refuse",
			doc: "What becomes of a request that was sent to the service without an answer that is known, because the service took too long, the connection broke or the gateway was killed: when it comes again it is answered 409, or carried out again, which is right where the service itself knows the key."},
	},
}

func idempotent(n *node) *Idempotency {
	x := n.one("idempotency")
	if x == nil {
		return nil
	}
	return &Idempotency{Keep: take[time.Duration](x, "keep"), Required: take[bool](x, "required"), Repeat: take[string](x, "lost") == "repeat", Range: x.rng}
}

// checkIdempotency looks whether there is anything that must not be done twice.
func (d *decoder) checkIdempotency(r *Route, n *node) {
	x := n.one("idempotency")
	switch {
	case x == nil:
	case slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method):
		d.wrong(x.named, "Unsuitable block", "%s changes nothing, so that it can be sent as often as anyone likes (RFC 9110, section 9.2.1).", r.Method)
	case r.Publish != nil:
		d.wrong(x.named, "Contradictory route", "An event that is published twice is known by its id: write id in the publish block, such as header[\"Idempotency-Key\"].")
	}
}

// Keeps says whether answers are kept for any route.
func (c *Catalogue) Keeps() bool {
	return slices.ContainsFunc(c.APIs, func(a *API) bool {
		return slices.ContainsFunc(a.Routes, func(r *Route) bool { return r.Idempotency != nil })
	})
}
