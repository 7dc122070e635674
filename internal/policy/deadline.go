package policy

import (
	"context"
	"errors"
	"time"
)

// deadline ends an evaluation when its time is over or the client has gone. The evaluator asks it at every step, from
// the goroutine that evaluates; so it needs neither a timer nor a goroutine of its own.
type deadline struct {
	ctx   context.Context
	now   func() time.Time
	end   time.Time
	steps uint
	err   error
}

// stepsPerLook is how many steps are taken between two looks at the clock: a look costs about as much as a step, and
// this many steps take some 10 µs.
const stepsPerLook = 32

var errTimeout = errors.New("the time limit of a decision is over")

// Cancelled implements topdown.Cancel.
func (d *deadline) Cancelled() bool {
	if d.steps++; d.steps%stepsPerLook != 0 || d.err != nil {
		return d.err != nil
	}
	if d.err = d.ctx.Err(); d.err == nil && d.now().After(d.end) {
		d.err = errTimeout
	}
	return d.err != nil
}

// Cancel implements topdown.Cancel.
func (d *deadline) Cancel() { d.err = context.Canceled }
