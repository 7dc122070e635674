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

// Returner is a stage that also works on the answer. The stages of a route return in the opposite order.
type Returner interface {
	Stage

	// Buffers states, at load, how many bytes of the answer Return needs at most as a whole; 0 lets it stream.
	Buffers() int64

	// Return reads and changes the upstream's answer, whose Bytes hold the whole body where Buffers said so and
	// the answer has one. A problem takes the answer's place.
	Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem
}
