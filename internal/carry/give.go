package carry

import (
	"errors"
	"fmt"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Give changes an answer as Return does, and gives what takes its place where that cannot be done: 502 where the service
// or the catalogue is to blame, and what a policy that obliges wants.
func (a *Answer) Give(r *exchange.Response, doing string) *problem.Problem {
	obliged := r.Obliged
	err := a.Return(r)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if e := (*change.Error)(nil); obliged == nil || errors.As(err, &e) && e.Change != "" { // the operation, not the obligation, failed
		return problem.New(problem.BadGateway, "").Because(err)
	}
	return obliged.Instead(r, err)
}

// Hiding is the stage that carries out what policies oblige to where nothing else is done to answers. It has nothing to
// do with requests.
type Hiding struct {
	// Max bounds what is held of an answer, in bytes, as that of Answer does.
	Max int64
}

// Name implements pipeline.Stage.
func (*Hiding) Name() string { return "authorize" }

// Needs implements pipeline.Stage.
func (*Hiding) Needs() exchange.Needs { return exchange.Needs{} }

// Handle implements pipeline.Stage.
func (*Hiding) Handle(*exchange.Exchange) *problem.Problem { return nil }

// Reads implements pipeline.Returner: what is read, the policy's stage says.
func (*Hiding) Reads(*exchange.Exchange) exchange.Reads { return exchange.Reads{} }

// Return implements pipeline.Returner.
func (h *Hiding) Return(_ *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if r.Obliged == nil {
		return nil
	}
	return (&Answer{Max: h.Max}).Give(r, "hiding what the policy wants hidden")
}
