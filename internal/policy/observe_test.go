package policy

import (
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// listener keeps what an observer is told, and answers a problem of its own.
type listener struct {
	paths []string
	allow []bool
	prob  *problem.Problem
}

func (o *listener) Observe(_ *exchange.Exchange, seen *Observation) *problem.Problem {
	o.paths = append(o.paths, seen.Query.Path())
	o.allow = append(o.allow, seen.Decision.Allow)
	return o.prob
}

func TestObserved(t *testing.T) {
	snapshot := files{"a.rego": "package a.b\n\nallow if input.request.method == \"PUT\"\n"}.load(t)
	full := problem.New(problem.ReducedCapacity, "")
	first, second := &listener{}, &listener{prob: full}
	observed := snapshot.Observed(first).Observed(second)
	ask := func(s *Snapshot) *problem.Problem {
		t.Helper()
		q, diags := s.Prepare("data.a.b", here)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return q.Handle(fullExchange())
	}
	if p := ask(observed); p != full {
		t.Errorf("what could not be recorded passed: %v", p)
	}
	if p := ask(snapshot); p != nil {
		t.Errorf("a snapshot got observers that another has: %v", p)
	}
	if p := ask(snapshot.Observed(first)); p != nil {
		t.Error(p)
	}
	if len(first.paths) != 2 || first.paths[0] != "a/b" || !first.allow[0] || len(second.paths) != 1 {
		t.Errorf("the observers were told of %v and %v", first, second)
	}
}
