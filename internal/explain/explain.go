// Package explain tells why a request gets the answer that it gets: which route it takes and which it passes by, who
// calls, what each stage saw and found, what is sent to the upstream, and how the answer comes back.
//
// explain.go asks, text.go writes it for people, redact.go keeps credentials out of both.
package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/casetest"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Explanation is the way of one request.
type Explanation struct {
	Request    Message           `json:"request"`
	API        string            `json:"api,omitempty"`
	Version    string            `json:"version,omitempty"`
	Selected   string            `json:"selected_by,omitempty"` // how the version was chosen
	Route      string            `json:"route,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"` // of the route
	Caller     *Caller           `json:"caller,omitempty"`
	Stages     []Stage           `json:"stages"`
	Upstream   []Message         `json:"upstream"`
	Answer     Message           `json:"answer"`
	Problem    *Problem          `json:"problem,omitempty"`
	Broken     string            `json:"broken,omitempty"` // why the answer broke off
}

// Message is a request or an answer.
type Message struct {
	Method string      `json:"method,omitempty"`
	URL    string      `json:"url,omitempty"`
	Status int         `json:"status,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   any         `json:"body,omitempty"` // what JSON says; other text as a string
}

// Caller is whom identification found.
type Caller struct {
	ID      string         `json:"id"`
	Name    string         `json:"name,omitempty"`
	Method  string         `json:"method"`
	Scopes  []string       `json:"scopes,omitempty"`
	Groups  []string       `json:"groups,omitempty"`
	Version string         `json:"version,omitempty"`
	Plan    string         `json:"plan,omitempty"`
	Claims  map[string]any `json:"claims,omitempty"`
}

// Stage is what one stage did.
type Stage struct {
	Name    string   `json:"stage"`
	Back    bool     `json:"back,omitempty"` // with the answer
	Problem *Problem `json:"problem,omitempty"`
	Notes   []any    `json:"notes,omitempty"`
}

// Problem is what ended the way, and what only the operator is told of it.
type Problem struct {
	*problem.Problem
	Cause string
}

// MarshalJSON adds the cause to what the caller sees.
func (p Problem) MarshalJSON() ([]byte, error) {
	text, err := p.Problem.MarshalJSON()
	if err != nil || p.Cause == "" {
		return text, err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	members["cause"] = p.Cause
	return json.Marshal(members)
}

// Request explains what becomes of the request of a step on g, which was built with a casetest.Rig and serves the
// catalogue c. Nothing reaches a network: the upstream's answer is the step's.
func Request(ctx context.Context, g casetest.Gateway, c *catalogue.Catalogue, step *catalogue.Step) (*Told, error) {
	way, err := casetest.Watch(ctx, g, c, step)
	if err != nil {
		return nil, fmt.Errorf("explaining the request: %w", err)
	}
	x := way.Exchange
	e := &Explanation{
		Request: Message{Method: step.Request.Method, URL: step.Request.Target, Header: headerOf(step.Request.Headers), Body: bodyOf(contentOf(step.Request.Body))},
		API:     x.API, Version: x.Version, Selected: x.Selected, Route: x.Route, Caller: callerOf(x.Consumer), Problem: problemOf(way.Problem),
		Stages: stagesOf(x.Account), Upstream: []Message{},
		Answer: Message{Status: way.Status, Header: way.Header, Body: bodyOf(way.Body)},
	}
	if step.Request.Host != "" {
		e.Request.URL = "https://" + step.Request.Host + step.Request.Target
	}
	for _, p := range x.Parameters {
		if e.Parameters == nil {
			e.Parameters = make(map[string]string)
		}
		e.Parameters[p.Name] = p.Value
	}
	for _, a := range way.Arrived {
		e.Upstream = append(e.Upstream, Message{Method: a.Method, URL: a.URL, Header: a.Header, Body: bodyOf(a.Body)})
	}
	if way.Err != nil {
		e.Broken = way.Err.Error()
	}
	hide := newRedactor(c, step, e.Stages)
	hide.message(&e.Request)
	for i := range e.Upstream {
		hide.message(&e.Upstream[i])
	}
	hide.message(&e.Answer)
	return &Told{e, hide}, nil
}

func callerOf(c *exchange.Consumer) *Caller {
	if c == nil {
		return nil
	}
	return &Caller{ID: c.ID, Name: c.Name, Method: c.Method, Scopes: c.Scopes, Groups: c.Groups, Version: c.Version, Plan: c.Plan, Claims: c.Claims}
}

func stagesOf(a *exchange.Account) []Stage {
	all := make([]Stage, 0, len(a.Steps))
	for _, s := range a.Steps {
		all = append(all, Stage{s.Stage, s.Back, problemOf(s.Problem), s.Notes})
	}
	return all
}

func problemOf(p *problem.Problem) *Problem {
	if p == nil {
		return nil
	}
	to := &Problem{Problem: p}
	if p.Cause != nil {
		to.Cause = p.Cause.Error()
	}
	return to
}

func contentOf(c *catalogue.Content) []byte {
	if c == nil {
		return nil
	}
	return c.Bytes
}

// maxShown bounds how much is shown of a body that is not JSON: 4 KiB.
const maxShown = 4 << 10

// bodyOf is a body as it is shown.
func bodyOf(b []byte) any {
	switch {
	case len(b) == 0:
		return nil
	case json.Valid(b):
		return json.RawMessage(b)
	case !utf8.Valid(b):
		return fmt.Sprintf("%d bytes that are no text", len(b))
	case len(b) > maxShown:
		return string([]rune(string(b[:maxShown]))) + fmt.Sprintf("… (%d bytes)", len(b))
	}
	return string(b)
}

func headerOf(fields []catalogue.Field) http.Header {
	h := make(http.Header)
	for _, f := range fields {
		h[http.CanonicalHeaderKey(f.Name)] = append(h[http.CanonicalHeaderKey(f.Name)], f.Values...)
	}
	return h
}
