package transform

import (
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/carry"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Stage changes messages on their way there and back. It is immutable and serves many requests at once.
type Stage struct {
	request, response message
	answer            carry.Answer // what becomes of answers' bodies
}

// message is a Message understood.
type message struct {
	set     []setting
	remove  []string
	program *change.Program
	max     int64
	expand  Expand
}

type setting struct {
	name, value string
	expands     bool
}

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return "change" }

// Needs implements pipeline.Stage: the body only if something is done to it.
func (s *Stage) Needs() exchange.Needs {
	if s.request.program.Empty() {
		return exchange.Needs{}
	}
	return exchange.Needs{Body: exchange.JSON, MaxBody: s.request.max}
}

// Handle changes a request: 422 for a body that the operations do not fit.
func (s *Stage) Handle(x *exchange.Exchange) *problem.Problem {
	if s.answer.Reads().Body {
		s.answer.Mark.Take(x.Header, x.Method == http.MethodGet || x.Method == http.MethodHead)
	}
	for _, name := range s.request.remove {
		delete(x.Header, name)
		delete(x.Forward, name)
	}
	if err := s.request.fields(x, x.Header, x.Forward); err != nil {
		return problem.New(problem.BadRequest, "the request has characters that no header field's value may have").Because(err)
	}
	if s.request.program.Empty() || len(x.Body.Bytes) == 0 {
		return nil
	}
	if !x.Body.Valid {
		return problem.New(problem.Internal, "").Because(errors.New("the body was not checked to be JSON before it was to be changed"))
	}
	doc, err := s.request.program.Up(x.Body.Bytes)
	if err != nil {
		failed := map[string]string{"detail": err.Error()}
		if e := (*change.Error)(nil); errors.As(err, &e) {
			failed["detail"], failed["pointer"] = e.Detail, e.Pointer
		}
		return problem.New(problem.InvalidContent, "").With("errors", []any{failed}).Because(err)
	}
	x.Body.Replace(doc)
	return nil
}

// fields sets header fields. What another stage set under the same name is forgotten.
func (m *message) fields(x *exchange.Exchange, h, other http.Header) error {
	for _, f := range m.set {
		value := f.value
		if f.expands {
			value = m.expand(x.Context, value)
			if len(value) > maxValue || !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("the value of %s, with its placeholders written out, is none", f.name)
			}
		}
		delete(other, f.name)
		h[f.name] = []string{value}
	}
	return nil
}

// Reads implements pipeline.Returner.
func (s *Stage) Reads(*exchange.Exchange) exchange.Reads { return s.answer.Reads() }

// Return changes an answer: 502 in the place of a successful one that cannot be changed.
func (s *Stage) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	fail := func(err error) *problem.Problem {
		return problem.New(problem.BadGateway, "").Because(fmt.Errorf("changing the answer: %w", err))
	}
	if err := s.answer.Return(r); err != nil {
		return fail(err)
	}
	for _, name := range s.response.remove {
		delete(r.Header, name)
		delete(x.Answer, name)
	}
	if err := s.response.fields(x, r.Header, x.Answer); err != nil {
		return fail(err)
	}
	return nil
}

var _ pipeline.Returner = (*Stage)(nil)
