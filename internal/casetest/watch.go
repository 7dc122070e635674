package casetest

import (
	"context"
	"net/http"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Way is what became of a request, and how.
type Way struct {
	Exchange *exchange.Exchange // with the account of its stages
	Problem  *problem.Problem   // that was answered; nil for none
	Err      error              // what else ended the answer
	Status   int
	Header   http.Header
	Body     []byte
	Arrived  []Arrival // what reached the upstream
}

// Arrival is a request that reached the upstream.
type Arrival struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Watch sends the request of a step to g, which serves the catalogue c, as a case would, and has the stages give an
// account of it. Nothing is counted before, and nothing is expected.
func Watch(ctx context.Context, g Gateway, c *catalogue.Catalogue, step *catalogue.Step) (*Way, error) {
	caller, err := consumer(step.As)
	if err != nil {
		return nil, err
	}
	if d := knownIdentity(c, step.As); d != nil {
		return nil, d
	}
	now := step.At
	if now.IsZero() {
		now = time.Now()
	}
	s := &sending{caller: caller, counter: limit.NewMemory(maxKeys), kept: &answers{all: map[string]keptAnswer{}}, events: newEvents(), signed: step.Request.Signed, now: now, answers: step.Upstream}
	if step.As != nil {
		s.by = step.As.Identity
	}
	got, err := send(ctx, g, c, step, s, &exchange.Account{})
	if err != nil {
		return nil, err
	}
	w := &Way{Exchange: got.x, Problem: got.prob, Err: got.err, Status: got.w.status, Header: got.w.header, Body: got.w.body.Bytes()}
	for _, a := range s.arrived {
		w.Arrived = append(w.Arrived, Arrival{a.method, a.to + a.target, a.header, a.body})
	}
	return w, nil
}
