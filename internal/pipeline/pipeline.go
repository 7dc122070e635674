// Package pipeline runs the stages of a route, in the order of a request. A pipeline is built once, when the
// configuration loads; from what its stages need follows what is done for each request.
package pipeline

import (
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Stage is one step of a request. Its value is immutable after load and serves many requests at once.
type Stage interface {
	// Name is the stage's word in metrics and explanations: "identify", "limit", "validate", "authorize", "change".
	Name() string

	// Needs states, at load, what Handle reads of a request. What is not stated may not be there.
	Needs() exchange.Needs

	// Handle reads the exchange and adds to it. A problem ends the request's way: nothing of it reaches the
	// upstream. A panic is recovered by the pipeline and is a 500.
	Handle(x *exchange.Exchange) *problem.Problem
}

// Settler is a stage that also has to do with requests that ended before it was asked.
type Settler interface {
	Stage

	// Settle takes the place of Handle for a request that an earlier stage ended; x.Ended says which. A problem is
	// answered instead of that stage's.
	Settle(x *exchange.Exchange) *problem.Problem
}

// Returner is a stage that also works on the answer. The stages of a route return in the opposite order.
type Returner interface {
	Stage

	// Reads states what Return will read of the body of the answer to x, once Handle has seen the request.
	Reads(x *exchange.Exchange) exchange.Reads

	// Return reads and changes the upstream's answer. Where a stage of the route needs the body whole, and where it
	// ends within exchange.Head, Bytes hold it; otherwise Stream may be replaced. A problem takes the answer's place.
	Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem
}
