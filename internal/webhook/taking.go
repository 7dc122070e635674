package webhook

import (
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Taking is a receiver as a stage of a pipeline: the last, behind which the call is answered 2xx.
type Taking struct{ *Receiver }

// Name implements pipeline.Stage.
func (Taking) Name() string { return "receive" }

// Needs implements pipeline.Stage. The receiver reads the body itself, within a bound of its own.
func (Taking) Needs() exchange.Needs { return exchange.Needs{} }

// Handle implements pipeline.Stage.
func (t Taking) Handle(x *exchange.Exchange) *problem.Problem {
	_, answer, prob := t.Receive(x)
	x.Challenge = answer
	return prob
}
