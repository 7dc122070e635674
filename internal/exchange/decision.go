package exchange

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/google/uuid"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Verdict is what a policy said. Equal requests share one, so nothing in it is ever changed: whoever puts its fields on
// a message copies their values.
type Verdict struct {
	Allow   bool
	Reasons []any
	// Denial is what a denied caller is told, but for the instance; nil where Allow.
	Denial *problem.Problem
	// UpstreamSet and UpstreamRemove are header fields for the upstream; AnswerSet for the caller.
	UpstreamSet    http.Header
	UpstreamRemove []string
	AnswerSet      http.Header
	// QuerySet and QueryRemove are query parameters for the upstream.
	QuerySet    map[string][]string
	QueryRemove []string
	// Obligations are what the caller does not see of the answer; nil for nothing.
	Obligations *change.Obligations
	// Limits are the requests that quotas allow this caller, by the names of limit and quota, in place of their own.
	Limits map[string]map[string]int64
}

// Decision is a verdict in force for one request.
type Decision struct {
	*Verdict
	Query  string // "data.shop.orders"
	Cached bool   // the verdict was remembered from an equal request

	id     uuid.UUID       // its name; zero until it is asked for
	urn    string          // the same; "" until it is asked for
	denied problem.Problem // room for Denied
}

const urnPrefix = "urn:uuid:"

// UUID names the decision in logs and problems. It is made when first asked for, by the goroutine that serves the request.
func (d *Decision) UUID() uuid.UUID {
	if d.id == uuid.Nil {
		d.id = name()
	}
	return d.id
}

// ID is the same as text.
func (d *Decision) ID() string { return d.URN()[len(urnPrefix):] }

// URN is the same as a URN (RFC 9562, section 4), as the "instance" of a problem has it.
func (d *Decision) URN() string {
	if d.urn == "" {
		d.urn = d.UUID().URN()
	}
	return d.urn
}

// name makes a UUID (RFC 9562, section 5.4). It is in a line of each request's, guards nothing, and so comes from the generator
// that the runtime seeds with the system's random numbers, at a small part of what those cost.
func name() (id uuid.UUID) {
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // as said
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // as said
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Unfulfilled is the denial of a request that the policy let pass on a condition that cannot be met.
func (d *Decision) Unfulfilled(err error) *problem.Problem {
	p := problem.New(problem.Forbidden, "").Because(fmt.Errorf("carrying out what %s obliges to: %w", d.Query, err))
	p.Instance = d.URN()
	return p
}

// Denied is what the caller is told where the decision is no. It is named when it is written, since making a name costs
// more than deciding as before.
func (d *Decision) Denied() *problem.Problem {
	d.denied = *d.Denial
	return &d.denied
}

// Name gives a problem that ends x its instance, unless it has one: the decision that it is, or else x.
func (x *Exchange) Name(p *problem.Problem) {
	switch {
	case p.Instance != "":
	case x.Decision != nil && p == &x.Decision.denied:
		p.Instance = x.Decision.URN()
	case x.ID != "":
		p.Instance = "urn:uuid:" + x.ID
	}
}

// Decided notes the decision about x, in room that x has for it.
func (x *Exchange) Decided(query string, v *Verdict, cached bool) *Decision {
	x.decision = Decision{Verdict: v, Query: query, Cached: cached}
	x.Decision = &x.decision
	return x.Decision
}

// PolicyFailed says whether the request was denied because its policy failed, which whoever wrote it should hear of: it
// said neither yes nor no, or something else besides that cannot be.
func (x *Exchange) PolicyFailed() bool {
	return x.Decision != nil && x.Decision.Denial != nil && x.Decision.Denial.Cause != nil
}
