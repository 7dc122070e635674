package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Handle implements pipeline.Stage: it decides, and carries out what the policy said of a request that may pass.
func (q *Query) Handle(x *exchange.Exchange) *problem.Problem {
	d, p := q.Decide(x)
	if p != nil {
		return p
	}
	if d.Limits != nil {
		return d.Unfulfilled(errors.New("limits: nothing is counted behind this policy"))
	}
	return q.follow(x, d)
}

// follow carries out what a decision that lets a request pass says besides. A problem says that it cannot be.
func (q *Query) follow(x *exchange.Exchange, d *exchange.Decision) *problem.Problem {
	if d.Obligations != nil && !q.hides {
		return d.Unfulfilled(errors.New("the policy hides something, which its rules did not tell"))
	}
	carryOut(x, d.Verdict)
	q.oblige(x, d.Verdict)
	return nil
}

// Decide asks the policy about a request and notes the decision in the exchange, changing nothing else. It returns a
// problem unless the answer is a boolean true: a 403 or what the policy wrote, which x.Name gives the decision's name, or
// a 400 without a decision if the policy reads the body and cannot. What went wrong inside is its cause.
func (q *Query) Decide(x *exchange.Exchange) (*exchange.Decision, *problem.Problem) {
	if q.unready {
		return nil, q.notReady()
	}
	if p := q.document.checkBody(&x.Body); p != nil {
		return nil, p
	}
	began := time.Time{}
	if len(q.observers) > 0 {
		began = q.snapshot.now()
	}
	o, p := q.outcome(x)
	if p != nil {
		return nil, p
	}
	if x.Account != nil {
		q.note(x, o)
	}
	d := x.Decided(q.name, o.verdict, o.cached)
	if len(q.observers) > 0 {
		seen := &Observation{Query: q, Decision: d, Input: o.input, Result: o.result, Err: o.err, Took: q.snapshot.now().Sub(began)}
		for _, observer := range q.observers {
			if p := observer.Observe(x, seen); p != nil {
				return d, p
			}
		}
	}
	if d.Allow {
		return d, nil
	}
	return d, d.Denied()
}

// outcome is what an evaluation came to. Nothing in it is changed afterwards.
type outcome struct {
	verdict *exchange.Verdict
	result  ast.Value // nil where undefined, and after an error
	err     error     // why there is no answer, or none that counts
}

// found is an outcome and where it came from. Only the outcome is remembered.
type found struct {
	*outcome
	input  ast.Value // that was evaluated; nil where remembered
	cached bool
}

// evaluated evaluates the query and reads its answer. A problem is one of the request, about which nothing was decided.
func (q *Query) evaluated(x *exchange.Exchange, now time.Time) (found, *problem.Problem) {
	value, input, err := q.evaluate(x, now)
	if p := (*problem.Problem)(nil); errors.As(err, &p) {
		return found{}, p
	}
	return found{outcome: q.read(value, err), input: input}, nil
}

// read makes an outcome of what an evaluation gave: a value, nil for undefined, or an error.
func (q *Query) read(value ast.Value, err error) *outcome {
	v := &exchange.Verdict{}
	if err == nil {
		err = q.readAnswer(v, value)
	}
	if err != nil {
		// Whatever was read before the mistake is not in force.
		v = &exchange.Verdict{Reasons: v.Reasons}
		v.Denial = problem.New(problem.Forbidden, "").Because(fmt.Errorf("deciding by %s: %w", q.name, withoutValues(err)))
	}
	return &outcome{v, value, err}
}

// evaluate gives the value of the query about a request at a time, nil for undefined, and the input of which it is.
func (q *Query) evaluate(x *exchange.Exchange, now time.Time) (value, input ast.Value, err error) {
	ctx := x.Context
	if ctx == nil {
		ctx = context.Background()
	}
	return q.ask(ctx, func() (ast.Value, error) { return q.document.build(x, now) }, now)
}

// ask gives the value of the query about what build makes, nil for undefined, and what that was. A panic is an error: the
// policy has not said true.
func (q *Query) ask(ctx context.Context, build func() (ast.Value, error), now time.Time, watching ...rego.EvalOption) (value, input ast.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	input, err = build()
	if err != nil {
		return nil, nil, err
	}
	s := q.snapshot
	if s.reaching {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.limit)
		defer cancel()
	}
	stop := &deadline{ctx: ctx, now: s.now, end: s.now().Add(s.limit)}
	results, err := q.prepared.Eval(ctx, append(watching,
		rego.EvalParsedInput(input),
		rego.EvalTime(now),
		rego.EvalTransaction(s.txn),
		rego.EvalMetrics(metrics.NoOp()),
		rego.EvalExternalCancel(stop),
	)...)
	switch {
	case stop.err != nil: // even if an answer came of it
		return nil, input, stop.err
	case err != nil:
		return nil, input, err
	case len(results) == 0:
		return nil, input, nil
	case len(results) > 1 || len(results[0].Expressions) != 1:
		return nil, input, errors.New("the query has more than one answer")
	}
	value, ok := results[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return nil, input, fmt.Errorf("unexpected answer of type %T", results[0].Expressions[0].Value)
	}
	return value, input, nil
}

// carryOut sets and removes fields and query parameters of a request and its answer as the policy that allowed it wants.
func carryOut(x *exchange.Exchange, v *exchange.Verdict) {
	for _, name := range v.UpstreamRemove {
		delete(x.Header, name)
		delete(x.Forward, name)
	}
	if len(v.UpstreamSet) > 0 {
		if x.Forward == nil {
			x.Forward = make(http.Header, len(v.UpstreamSet))
		}
		maps.Copy(x.Forward, v.UpstreamSet.Clone())
	}
	for name, values := range v.AnswerSet {
		x.SetAnswer(name, values...)
	}
	if len(v.QuerySet)+len(v.QueryRemove) > 0 {
		query := maps.Clone(x.Query.Values())
		maps.Copy(query, v.QuerySet)
		for _, name := range v.QueryRemove {
			delete(query, name)
		}
		x.Query.Replace(query.Encode())
	}
}
