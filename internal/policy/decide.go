package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"

	"github.com/google/uuid"
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
	carryOut(x, d)
	return nil
}

// Decide asks the policy about a request and notes the decision in the exchange, changing nothing else. It returns a
// problem unless the answer is a boolean true: a 403 or what the policy wrote, whose instance names the decision, or
// a 400 without a decision if the policy reads the body and cannot. What went wrong inside is its cause.
func (q *Query) Decide(x *exchange.Exchange) (*exchange.Decision, *problem.Problem) {
	if q.reach.parts&partBody != 0 {
		if p := jsonBody(&x.Body); p != nil {
			return nil, p
		}
	}
	d := &exchange.Decision{ID: uuid.NewString(), Query: q.name}
	x.Decision = d
	value, err := q.evaluate(x)
	if p := (*problem.Problem)(nil); errors.As(err, &p) {
		x.Decision = nil
		return nil, p
	}
	if err == nil {
		err = q.readAnswer(d, value)
	}
	if err != nil {
		// Whatever was read before the mistake is not in force.
		*d = exchange.Decision{ID: d.ID, Query: d.Query, Reasons: d.Reasons}
		d.Problem = problem.New(problem.Forbidden, "").Because(fmt.Errorf("deciding by %s: %w", q.name, err))
	}
	if d.Allow {
		return d, nil
	}
	d.Problem.Instance = "urn:uuid:" + d.ID
	return d, d.Problem
}

// jsonBody sees to it that a body which the policy reads is there and is JSON: a policy never decides on a part of
// it, or on nothing in its place.
func jsonBody(b *exchange.Body) *problem.Problem {
	switch {
	case !b.Read && b.Stream != nil:
		return problem.New(problem.Internal, "").Because(errors.New("the policy reads the body, and no stage before it has"))
	case len(b.Bytes) > 0 && !b.Valid:
		return problem.New(problem.InvalidBody, "the body must be JSON")
	}
	return nil
}

// evaluate gives the value of the query, nil for undefined. A panic is an error: the policy has not said true.
func (q *Query) evaluate(x *exchange.Exchange) (value ast.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	input, err := q.input(x)
	if err != nil {
		return nil, err
	}
	ctx := x.Context
	if ctx == nil {
		ctx = context.Background()
	}
	s := q.snapshot
	stop := &deadline{ctx: ctx, now: s.now, end: s.now().Add(s.limit)}
	results, err := q.prepared.Eval(ctx,
		rego.EvalParsedInput(input),
		rego.EvalTime(x.Time),
		rego.EvalTransaction(s.txn),
		rego.EvalMetrics(metrics.NoOp()),
		rego.EvalExternalCancel(stop),
	)
	switch {
	case stop.err != nil: // even if an answer came of it
		return nil, stop.err
	case err != nil:
		return nil, err
	case len(results) == 0:
		return nil, nil
	case len(results) > 1 || len(results[0].Expressions) != 1:
		return nil, errors.New("the query has more than one answer")
	}
	value, ok := results[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return nil, fmt.Errorf("unexpected answer of type %T", results[0].Expressions[0].Value)
	}
	return value, nil
}

// carryOut changes a request and its answer as the policy that allowed it wants.
func carryOut(x *exchange.Exchange, d *exchange.Decision) {
	for _, name := range d.UpstreamRemove {
		delete(x.Header, name)
		delete(x.Forward, name)
	}
	if len(d.UpstreamSet) > 0 {
		if x.Forward == nil {
			x.Forward = make(http.Header, len(d.UpstreamSet))
		}
		maps.Copy(x.Forward, d.UpstreamSet)
	}
	for name, values := range d.AnswerSet {
		x.SetAnswer(name, values...)
	}
	if len(d.QuerySet) > 0 {
		query := maps.Clone(x.Query.Values())
		maps.Copy(query, d.QuerySet)
		x.Query.Replace(query.Encode())
	}
}
