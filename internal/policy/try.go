package policy

import (
	"context"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Time is when the query takes a request to be decided.
func (q *Query) Time(x *exchange.Exchange) time.Time { return q.time(x) }

// Try asks the policy about an input that Input made, at the time that Time told, apart from any request: nothing is
// noted, no observer is told, and nothing is remembered. The result is nil where undefined; an error says, without the
// values that OPA quotes, why there is none that counts.
func (q *Query) Try(ctx context.Context, input ast.Value, at time.Time) (*exchange.Verdict, ast.Value, error) {
	value, _, err := q.ask(ctx, func() (ast.Value, error) { return input, nil }, at)
	o := q.read(value, err)
	return o.verdict, o.result, withoutValues(o.err)
}

// CanRead says whether there is a policy, and what it reads of the body is there: nothing of a request without one, or
// read by whoever needed it and well formed.
func (q *Query) CanRead(x *exchange.Exchange) bool {
	return !q.unready && (!x.Body.Read && x.Body.Length == 0 || q.document.checkBody(&x.Body) == nil)
}

// Same says whether another query asks the same question of the same policies.
func (q *Query) Same(o *Query) bool {
	return q.name == o.name && q.snapshot.compiler == o.snapshot.compiler && q.snapshot.store == o.snapshot.store
}

// Each gives the same policies, of which every query that is prepared passes through f.
func (s *Snapshot) Each(f func(*Query) *Query) *Snapshot {
	with := *s
	with.each = f
	return &with
}

// Unobserved gives the same policies, whose decisions nobody is told of and nobody counts. They share what they remember.
func (s *Snapshot) Unobserved() *Snapshot {
	quiet := *s
	quiet.observers, quiet.each, quiet.alarm, quiet.counts = nil, nil, nil, &Counts{}
	return &quiet
}
