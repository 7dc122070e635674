package policy

import (
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Observer is told of each decision, on the way of the request that it is about and before it takes effect: it must be
// quick, and must keep neither the exchange nor the observation. It may be called by many goroutines at once.
type Observer interface {
	// Observe may return a problem, which ends the request whatever was decided: so nothing passes that had to be
	// recorded and could not.
	Observe(x *exchange.Exchange, o *Observation) *problem.Problem
}

// Observation is a decision and how it came about.
type Observation struct {
	Query    *Query
	Decision *exchange.Decision
	Input    ast.Value     // that was evaluated; nil where the verdict was remembered. Never changed
	Result   ast.Value     // what the policy said; nil where undefined, and after an error. Never changed
	Err      error         // why there is no answer, or none that counts
	Took     time.Duration // from the beginning of the decision to its end
}

// Observed gives the query with one more observer.
func (q *Query) Observed(o Observer) *Query {
	observed := *q
	observed.observers = append(observed.observers[:len(observed.observers):len(observed.observers)], o)
	return &observed
}

// Path is what is asked, as the logs of OPA spell it: "shop/orders".
func (q *Query) Path() string { return q.path }

// Revision is that of the policies that decide.
func (q *Query) Revision() string { return q.snapshot.revision }

// Input gives what the policy reads of input for a request, as it is given to the policy. Never change it.
func (q *Query) Input(x *exchange.Exchange) (ast.Value, error) {
	return q.document.build(x, q.time(x))
}
