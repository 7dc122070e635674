package policy

import (
	"errors"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Limits says whether the policy can override quotas. On a route that counts, Asking and Following then stand in the
// place of the query, and the stage that counts between the two: counts depend on the decision, and who is denied is
// counted too.
func (q *Query) Limits() bool { return q.limits }

// MustLimit says whether it has a rule that does nothing else.
func (q *Query) MustLimit() bool { return q.limits && !q.single }

// Asking is a query that decides, and leaves it to Following to let that take effect.
type Asking struct{ *Query }

// Following lets take effect what Asking has decided.
type Following struct{ *Query }

var _, _ pipeline.Stage = Asking{}, Following{}

// Handle implements pipeline.Stage. It ends no request.
func (a Asking) Handle(x *exchange.Exchange) *problem.Problem {
	_, x.Denied = a.Decide(x)
	return nil
}

// Needs implements pipeline.Stage: the query has read the request.
func (Following) Needs() exchange.Needs { return exchange.Needs{} }

// Handle implements pipeline.Stage.
func (f Following) Handle(x *exchange.Exchange) *problem.Problem {
	switch {
	case x.Denied != nil:
		return x.Denied
	case x.Decision == nil:
		return problem.New(problem.Forbidden, "").Because(errors.New("nothing was decided"))
	}
	return f.follow(x, x.Decision)
}
