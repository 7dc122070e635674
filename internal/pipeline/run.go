package pipeline

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Pipeline is the stages of one route in their order. It is immutable and serves many requests at once.
type Pipeline struct {
	stages  []Stage
	backs   []Returner // in the order of the way back
	needs   exchange.Needs
	bodyAt  int   // the first stage that needs the body; len(stages) where none does
	buffers int64 // bytes of the answer that some stage needs whole; 0 lets it stream
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
			p.buffers = max(p.buffers, b.Buffers())
		}
	}
	return p
}

// Needs is what the stages read of a request, together.
func (p *Pipeline) Needs() exchange.Needs { return p.needs }

// Handle takes a request through the stages, from the first. The body is read just before the first stage that needs
// it, so that a caller who is turned away earlier costs no memory. On a problem, x.Ended names the stage.
func (p *Pipeline) Handle(x *exchange.Exchange) *problem.Problem {
	for i, s := range p.stages {
		if i == p.bodyAt {
			if prob := x.Body.ReadAll(p.needs.MaxBody); prob != nil {
				x.Ended = s.Name()
				return prob
			}
		}
		if prob := handle(s, x); prob != nil {
			x.Ended = s.Name()
			return prob
		}
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

// Buffers is how many bytes of an answer the way back needs whole at most, 0 where it streams.
func (p *Pipeline) Buffers() int64 { return p.buffers }

// Return takes an answer back through the stages, from the last. It reads the body whole where a stage needs it: one
// over the bound is a 502 and is never passed on unchanged, one that does not arrive in time a 504. Whoever calls closes r.Stream.
func (p *Pipeline) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if p.buffers > 0 && !r.Read && r.Stream != nil {
		b, err := io.ReadAll(io.LimitReader(r.Stream, p.buffers+1))
		if err != nil {
			kind := problem.BadGateway
			if late := interface{ Timeout() bool }(nil); errors.As(err, &late) && late.Timeout() {
				kind = problem.GatewayTimeout
			}
			return problem.New(kind, "").Because(fmt.Errorf("reading the answer: %w", err))
		}
		if int64(len(b)) > p.buffers {
			return problem.New(problem.BadGateway, "").Because(fmt.Errorf("the answer has more than %d bytes", p.buffers))
		}
		r.Bytes, r.Read = b, true
	}
	for _, b := range p.backs {
		if prob := giveBack(b, x, r); prob != nil {
			x.Ended = b.Name()
			return prob
		}
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
