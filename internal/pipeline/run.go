package pipeline

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Pipeline is the stages of one route in their order. It is immutable and serves many requests at once.
type Pipeline struct {
	stages []Stage
	backs  []Returner // in the order of the way back
	needs  exchange.Needs
	bodyAt int // the first stage that needs the body; len(stages) where none does
}

// New joins stages, nil ones left out, to the pipeline of a route.
func New(stages ...Stage) *Pipeline {
	p := &Pipeline{}
	for _, s := range stages {
		if s != nil {
			p.stages = append(p.stages, s)
		}
	}
	p.bodyAt = len(p.stages)
	for i, s := range p.stages {
		n := s.Needs()
		if n.Body != exchange.None && i < p.bodyAt {
			p.bodyAt = i
		}
		p.needs.Add(n)
	}
	if p.needs.MaxBody == 0 {
		p.needs.MaxBody = exchange.DefaultMaxBody
	}
	for i := len(p.stages) - 1; i >= 0; i-- {
		if b, ok := p.stages[i].(Returner); ok {
			p.backs = append(p.backs, b)
		}
	}
	return p
}

// Needs is what the stages read of a request, together.
func (p *Pipeline) Needs() exchange.Needs { return p.needs }

// Handle takes a request through the stages, from the first. The body is read just before the first stage that needs
// it, so that a caller who is turned away earlier costs no memory. On a problem, x.Ended names the stage, and those to
// come settle.
func (p *Pipeline) Handle(x *exchange.Exchange) *problem.Problem {
	left, prob := p.handle(x)
	if prob == nil {
		return nil
	}
	for _, s := range left {
		if settler, ok := s.(Settler); ok {
			x.Account.Begin(s.Name(), false)
			instead := settle(settler, x)
			x.Account.End(instead)
			if instead != nil {
				prob, x.Ended = instead, s.Name()
			}
		}
	}
	return prob
}

// handle gives the problem of a stage and those that were not asked.
func (p *Pipeline) handle(x *exchange.Exchange) ([]Stage, *problem.Problem) {
	for i, s := range p.stages {
		if i == p.bodyAt {
			prob := x.Body.ReadAll(p.needs.MaxBody)
			x.Times.Lap("body", false)
			if prob != nil {
				x.Ended = s.Name()
				x.Account.Begin(s.Name(), false)
				x.Account.End(prob)
				return p.stages[i:], prob
			}
		}
		x.Account.Begin(s.Name(), false)
		came, changed := x.Body.Bytes, x.Body.Changed
		prob := handle(s, x)
		if prob == nil && x.Body.Changed && !changed {
			prob = takeDigests(x, came)
		}
		x.Times.Lap(s.Name(), false)
		x.Account.End(prob)
		if prob != nil {
			x.Ended = s.Name()
			return p.stages[i+1:], prob
		}
	}
	return nil, nil
}

func settle(s Settler, x *exchange.Exchange) (prob *problem.Problem) {
	defer func() {
		if r := recover(); r != nil {
			prob = panicked(s.Name(), r)
		}
	}()
	return s.Settle(x)
}

// takeDigests holds the body that came, in whose place there is another now, against the digests that came with it:
// nobody behind this can.
func takeDigests(x *exchange.Exchange, came []byte) *problem.Problem {
	if err := form.TakeDigests(x.Header, came); err != nil {
		return problem.New(problem.BadRequest, "the body and its digest do not belong together").Because(err)
	}
	return nil
}

// handle runs one stage. A panic in it is this request's failure, not the process's, and lets nothing through.
func handle(s Stage, x *exchange.Exchange) (prob *problem.Problem) {
	defer func() {
		if r := recover(); r != nil {
			prob = panicked(s.Name(), r)
		}
	}()
	return s.Handle(x)
}

func panicked(stage string, r any) *problem.Problem {
	return problem.New(problem.Internal, "").Because(fmt.Errorf("panic in stage %s: %v\n%s", stage, r, debug.Stack()))
}

// Returns says whether any stage works on the answer.
func (p *Pipeline) Returns() bool { return len(p.backs) > 0 }

// Reads is what the way back reads of the body of the answer to x.
func (p *Pipeline) Reads(x *exchange.Exchange) exchange.Reads {
	var reads exchange.Reads
	for _, b := range p.backs {
		reads.Add(b.Reads(x))
	}
	return reads
}

// Return takes an answer back through the stages, from the last. It reads the body whole where a stage needs it: one
// over the bound is unfit and is never passed on unchanged, one that does not arrive in time a 504. Where stages read
// the body as it arrives, Return reads exchange.Head of it. Whoever calls closes r.Stream, and sends nothing after an
// error of it; what that means for the request is noted in x.
func (p *Pipeline) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if reads := p.Reads(x); reads.Body && !r.Read && r.Stream != nil {
		if prob := read(x, r, reads); prob != nil {
			return prob
		}
	}
	x.Times.Lap("upstream", false)
	for _, b := range p.backs {
		before := r.Stream
		x.Account.Begin(b.Name(), true)
		prob := giveBack(b, x, r)
		x.Times.Lap(b.Name(), true)
		x.Account.End(prob)
		if prob != nil {
			x.Ended = b.Name()
			return prob
		}
		if r.Stream != before && !r.Read {
			r.Stream = &watched{r.Stream, b.Name(), x}
		}
	}
	if r.Obliged != nil { // no stage changes the body
		return r.Obliged.Denial(errors.New("nothing on this way changes answers"))
	}
	return nil
}

func giveBack(b Returner, x *exchange.Exchange, r *exchange.Response) (prob *problem.Problem) {
	defer func() {
		if p := recover(); p != nil {
			prob = panicked(b.Name(), p)
		}
	}()
	return b.Return(x, r)
}
