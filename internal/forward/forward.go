// Package forward is what the service behind the gateway is told of who calls: header fields whose values are computed
// from the consumer and the claims of its credential, and a short-lived token that the gateway signs. Nothing of it can
// be the caller's own word: whatever a client sends in these fields is taken off, whether or not the gateway has
// something to say in them.
package forward

import (
	"errors"
	"fmt"
	"slices"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// Field is a header field and what is said in it.
type Field struct {
	Name  string        // in canonical form
	Value *rule.Program // compiled for rule.Any, of Roots; nil is the consumer's id
}

// Told is what a route's service is told.
type Told struct {
	Fields []Field
	// Token tells it in TokenField, which is in canonical form; nil where there is none.
	Token      *assertion.Token
	TokenField string
	// Others are fields in which this route says nothing and another does. A client's are taken off here too.
	Others []string
}

// Names are the fields in which it is told, in canonical form.
func (t *Told) Names() []string {
	var names []string
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	if t.TokenField != "" {
		names = append(names, t.TokenField)
	}
	return names
}

// Stage tells it. It is immutable and serves many requests at once.
type Stage struct {
	fields     []Field
	token      *assertion.Token
	tokenField string
	ours       []string // taken off what the client sent
}

// Plain is what a service is told where nothing is configured: the consumer's id.
func Plain() Told { return Told{Fields: []Field{{Name: Default}}} }

// New makes the stage of a route.
func New(t Told) *Stage {
	s := &Stage{fields: t.Fields, token: t.Token, tokenField: t.TokenField, ours: slices.Concat(t.Names(), t.Others)}
	slices.Sort(s.ours)
	s.ours = slices.Compact(s.ours)
	return s
}

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return "forward" }

// Needs implements pipeline.Stage.
func (s *Stage) Needs() exchange.Needs { return exchange.Needs{} }

// Handle implements pipeline.Stage. What cannot be told ends the request: a service that hears less than it counts on
// may let through more than it should.
func (s *Stage) Handle(x *exchange.Exchange) *problem.Problem {
	for _, name := range s.ours {
		delete(x.Header, name)
		delete(x.Forward, name)
	}
	for i := range s.fields {
		f := &s.fields[i]
		text, prob := f.text(x)
		if prob != nil {
			return prob
		}
		if text != "" {
			x.SetForward(f.Name, text)
		}
	}
	if s.token == nil || x.Consumer == nil {
		return nil
	}
	token, err := s.token.For(x)
	if err != nil {
		return untold(err)
	}
	if s.tokenField == authorization {
		token = "Bearer " + token
	}
	x.SetForward(s.tokenField, token)
	return nil
}

// untold is the answer where there is no token for the service.
func untold(err error) *problem.Problem {
	var prob *problem.Problem
	switch {
	case errors.Is(err, assertion.ErrNoKey):
		prob = problem.New(problem.Unavailable, "the gateway cannot tell the service yet who calls").WithHeader("Retry-After", "1")
	case errors.Is(err, assertion.ErrEnded):
		const why = "the credential has ended"
		prob = problem.New(problem.Unauthorized, why).WithHeader("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+why+`"`)
	case errors.Is(err, assertion.ErrTooLarge):
		prob = problem.New(problem.Forbidden, untellable)
	default:
		prob = problem.New(problem.Internal, "")
	}
	return prob.Because(err)
}

const untellable = "the credential says something that the service cannot be told"

// text is what is said in the field, "" for nothing.
func (f *Field) text(x *exchange.Exchange) (string, *problem.Problem) {
	if f.Value == nil {
		if x.Consumer == nil {
			return "", nil
		}
		return x.Consumer.ID, nil
	}
	value, err := f.Value.Value(x)
	if errors.Is(err, rule.ErrAbsent) {
		return "", nil
	}
	if err != nil {
		return "", problem.New(problem.Internal, "").Because(fmt.Errorf("computing %s for the service: %w", f.Name, err))
	}
	text, err := Write(value)
	if err != nil {
		return "", problem.New(problem.Forbidden, untellable).
			Because(fmt.Errorf("the value of %s %w", f.Name, err))
	}
	return text, nil
}

var _ pipeline.Stage = (*Stage)(nil)
