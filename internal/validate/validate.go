// Package validate is the stage that lets only well-formed requests through. It comes in two pieces, because between
// them the body is brought to the newest shape: Content looks at the bytes as they came, Stage at what they say.
package validate

import (
	"errors"
	"slices"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/parameter"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// Report is told of a request that would have been refused.
type Report func(x *exchange.Exchange, p *problem.Problem)

// Error is one thing wrong with a request, as its sender is told: a member of the list "errors" of a problem.
type Error struct {
	Pointer string `json:"pointer"`           // into the body as the caller sent it (RFC 6901)
	Rule    string `json:"rule,omitempty"`    // the rule that is broken
	Keyword string `json:"keyword,omitempty"` // the schema's keyword that is broken
	Detail  string `json:"detail"`            // what would be right
}

// maxUnmet bounds the rules that one answer tells of; all are tried, and counted.
const maxUnmet = 64

// Rule is a condition that a request must meet.
type Rule struct {
	Name    string
	Program *rule.Program  // compiled for rule.Bool
	Detail  string         // for the caller of a request that does not meet it
	Quotes  *rule.Template // in the place of Detail, where that quotes the request; otherwise nil
	At      string         // a JSON pointer into the newest shape; "" is the one member that the program names, with the list's item at which it stopped, else the whole body
	placed  bool           // whether At was given
}

// Checks is what the stage holds a request to. Schema and rules see the newest shape.
type Checks struct {
	// Parameters are those of the route; nil where nothing is said of them.
	Parameters *parameter.Set
	// Schema is what a body must be valid by; nil for none.
	Schema *schema.Schema
	// Only, if set, says which bodies Schema is for; no other is held against it.
	Only func(*exchange.Exchange) bool
	// Rules must all be met.
	Rules []Rule
	// Pointer tells a pointer into the newest shape in the caller's; nil where there is but one shape.
	Pointer func(newest string) string
	// Missing tells what the caller has to add where the newest shape lacks a member: pointers into the caller's shape,
	// or none where Pointer tells it well enough. It is nil where there is but one shape.
	Missing func(newest string) []string
	// Converted says whether the value at a pointer into the newest shape is another one than the caller sent; nil where
	// there is but one shape.
	Converted func(newest string) bool
	// MaxBody bounds the body in bytes; 0 means exchange.DefaultMaxBody.
	MaxBody int64
	// Report, if set, is told each problem instead of the caller, and the request goes on.
	Report Report
}

// Stage is the second piece of the stage: schema and rules.
type Stage struct {
	checks Checks
	needs  exchange.Needs
	// indexed says that the body is looked into so often that its index is worth while: there is a schema, or several rules.
	indexed bool
}

// New makes the stage.
func New(c Checks) *Stage {
	s := &Stage{checks: c, indexed: c.Schema != nil}
	s.checks.Rules = slices.Clone(c.Rules)
	for i := range s.checks.Rules {
		if s.checks.Rules[i].placed = s.checks.Rules[i].At != ""; !s.checks.Rules[i].placed {
			s.checks.Rules[i].At = s.checks.Rules[i].Program.Pointer()
		}
		s.checks.Rules[i].At = s.pointer(s.checks.Rules[i].At)
		s.needs.Add(s.checks.Rules[i].Program.Needs())
		s.indexed = s.indexed || i > 0 && s.needs.Body == exchange.JSON
		if quotes := s.checks.Rules[i].Quotes; quotes != nil {
			s.needs.Add(quotes.Needs())
		}
	}
	if c.Parameters != nil {
		s.needs.Add(c.Parameters.Needs())
	}
	if c.Schema != nil {
		s.needs.Body = exchange.JSON
	}
	s.needs.MaxBody = 0
	if s.needs.Body != exchange.None {
		s.needs.MaxBody = c.MaxBody
	}
	return s
}

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return "validate" }

// Needs implements pipeline.Stage: the body only if there is a schema or a rule that names it.
func (s *Stage) Needs() exchange.Needs { return s.needs }

// Indexed says whether a Content before is to make the body's index.
func (s *Stage) Indexed() bool { return s.indexed }

// index makes the body's index, where a stage in between put another body in the place of the one that Content saw.
func (s *Stage) index(x *exchange.Exchange) {
	if s.indexed && x.Body.Valid && x.Body.Parsed() == nil {
		x.Body.Index, _ = jsonspan.Parse(x.Body.Bytes, jsonspan.Bounds{}) // one that is not strict JSON has none
	}
}

// Handle refuses what breaks the schema, a rule or what is said of a parameter: 422 with everything that is wrong, the
// parameters first, then the schema, then the rules in their order. Where a parameter that takes one value is sent twice
// it is a 400 with all the same.
func (s *Stage) Handle(x *exchange.Exchange) *problem.Problem {
	s.index(x)
	p := s.check(x)
	x.Body.Release()
	if p != nil && s.checks.Report != nil {
		s.checks.Report(x, p)
		return nil
	}
	return p
}

func (s *Stage) check(x *exchange.Exchange) *problem.Problem {
	var wrong []Error
	if !x.Body.Read && s.needs.Body != exchange.None || len(x.Body.Bytes) > 0 && s.checks.Schema != nil && !x.Body.Valid && s.checks.Report == nil {
		return problem.New(problem.Internal, "").Because(errNotChecked)
	}
	if s.checks.Schema != nil && len(x.Body.Bytes) > 0 && x.Body.Valid && (s.checks.Only == nil || s.checks.Only(x)) { // one that is not has been reported
		for _, f := range s.checks.Schema.ValidateParsed(x.Body.Bytes, x.Body.Index) {
			wrong = append(wrong, s.told(f)...)
		}
	}
	var parameters parameter.Found
	if s.checks.Parameters != nil {
		parameters = s.checks.Parameters.Check(x)
		x.Unknown = parameters.Unknown
	}
	misshapen := len(wrong)+len(parameters.Errors) > 0
	var causes []error
	for i := range s.checks.Rules {
		r := &s.checks.Rules[i]
		if s.checks.Report != nil && x.Body.Reported && r.Program.Needs().Body == exchange.JSON {
			continue
		}
		met, at, err := r.Program.Holds(x)
		if x.Account != nil {
			s.note(x, r, met, err)
		}
		if met {
			continue
		}
		if err != nil {
			if misshapen {
				continue // it stumbled over what the schema has told already
			}
			causes = append(causes, err)
		}
		x.Unmet = append(x.Unmet, r.Name)
		if len(x.Unmet) > maxUnmet {
			continue
		}
		detail := r.Detail
		if r.Quotes != nil {
			detail = r.Quotes.Text(x)
		}
		pointer := r.At
		if at != "" && !r.placed {
			pointer = s.pointer(at)
		}
		wrong = append(wrong, Error{Pointer: pointer, Rule: r.Name, Detail: detail})
	}
	p := refusal(parameters, wrong)
	if p == nil {
		return nil
	}
	if causes != nil {
		p.Because(errors.Join(causes...))
	}
	return p
}

// refusal tells all that is wrong; nil for nothing.
func refusal(parameters parameter.Found, wrong []Error) *problem.Problem {
	if len(parameters.Errors) == 0 {
		if len(wrong) == 0 {
			return nil
		}
		return problem.New(problem.InvalidContent, "").With("errors", wrong)
	}
	all := make([]any, 0, len(parameters.Errors)+len(wrong))
	for _, e := range parameters.Errors {
		all = append(all, e)
	}
	for _, e := range wrong {
		all = append(all, e)
	}
	t := problem.InvalidContent
	switch parameters.Repeated {
	case parameter.Query:
		t = problem.AmbiguousQuery
	case parameter.Header:
		t = problem.AmbiguousHeader
	}
	return problem.New(t, "").With("errors", all)
}

// told tells a failure in the caller's shape. A member that is missing may stand for several there.
func (s *Stage) told(f schema.Failure) []Error {
	e := Error{Pointer: s.pointer(f.Pointer), Keyword: f.Keyword, Detail: f.Message}
	if f.Where != "" && s.checks.Pointer != nil {
		tokens := jsonspan.Split(s.pointer(f.Where))
		e.Detail = schema.Needed(tokens[len(tokens)-1])
	}
	if missing := f.Keyword == "required" || f.Where != ""; !missing || s.checks.Missing == nil {
		if !missing && s.checks.Converted != nil && s.checks.Converted(f.Pointer) {
			e.Detail += ", as a newer version has it"
		}
		return []Error{e}
	}
	var all []Error
	for _, pointer := range s.checks.Missing(f.Pointer) {
		e.Pointer = pointer
		all = append(all, e)
	}
	if all == nil {
		return []Error{e}
	}
	return all
}

var errNotChecked = errors.New("the body was not checked to be JSON before it was to be validated")

func (s *Stage) pointer(newest string) string {
	if s.checks.Pointer == nil {
		return newest
	}
	return s.checks.Pointer(newest)
}
