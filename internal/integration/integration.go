// Package integration answers routes by third parties: it makes the request to one of the caller's, and the answer to
// the caller of the third party's, which is not trusted: its errors become problems of the gateway's own, and only what
// is written goes on.
//
// request.go makes requests, answer.go answers, failure.go problems; read.go reads what came, shape.go changes bodies.
package integration

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/tracing"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

const (
	// maxAnswer bounds an answer that is looked at whole, in bytes: 8 MiB, as everywhere.
	maxAnswer = 8 << 20
	// maxError bounds what is read of an answer that is no success, in bytes.
	maxError = 64 << 10
	// maxSent bounds the body that is sent, in whatever form, in bytes.
	maxSent = 16 << 20
	// maxAddress bounds the path and the query that are sent, each, in bytes.
	maxAddress = 8 << 10
	// maxField bounds the value of a header field that is sent, in bytes.
	maxField = 8 << 10
)

// Sender asks a third party. Its error is a *provider.Failure.
type Sender interface {
	Send(ctx context.Context, q *provider.Request) (*provider.Answer, error)
}

// Config is how a route asks a third party.
type Config struct {
	Name    string // of the integration, for the log
	Method  string
	Path    []Part
	Headers []Computed
	Query   []Computed
	Key     *Computed // an idempotency key; nil for none
	Body    bool      // whether there is one
	Form    string    // "json", "form" or "xml"
	XML     *xmlform.Writer
	Request *Shape // nil for none

	Reads  *Reader
	Member []string // of the answer; nil for the whole
	Answer *Shape   // nil for none
	Passed []string // header fields that go on besides those that always do
	Status int      // of the answer; 0 for the third party's
	Page   *Page    // nil for none
	Errors []Error

	MaxBody int64
}

// Part is a piece of a path: a text that is escaped, a parameter of the route, or a value.
type Part struct {
	Text      string
	Parameter string
	Value     *rule.Program
}

// Computed is a name and what computes its value.
type Computed struct {
	Name  string
	Value *rule.Program
}

// Error says which answers are a problem of the operator's own.
type Error struct {
	When   *rule.Program
	Status int
	Type   string
	Title  string
	Detail string
	Quotes *rule.Template // in the place of Detail; nil for none
}

// Route is a route that a third party answers. It is immutable and serves many requests at once.
type Route struct {
	Config
	sender   Sender
	whole    bool   // the answer is looked at whole
	template string // Path with names in the place of values
}

// New makes a route. sender is nil in a gateway that never serves.
func New(c Config, sender Sender) *Route {
	r := &Route{Config: c, sender: sender, template: template(c.Path)}
	if c.Reads == nil {
		r.Reads = &Reader{Form: "json", XML: xmlform.NewForeign("", nil)}
	}
	r.whole = r.Reads.changes() || c.Member != nil || !c.Answer.empty() || c.Page != nil && (c.Page.Next != nil || c.Page.Previous != nil)
	return r
}

// template writes a path with names in the place of values. What is computed has none.
func template(path []Part) string {
	var b strings.Builder
	for _, p := range path {
		switch {
		case p.Value != nil:
			b.WriteString("{}")
		case p.Parameter != "":
			b.WriteString("{" + p.Parameter + "}")
		default:
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// Stage is the route's place among the stages: it says what is read of requests.
func (r *Route) Stage() *Stage { return &Stage{r} }

// Stage implements pipeline.Stage.
type Stage struct{ route *Route }

// Name implements pipeline.Stage.
func (*Stage) Name() string { return "upstream" }

// Needs implements pipeline.Stage.
func (s *Stage) Needs() exchange.Needs {
	var n exchange.Needs
	if s.route.Body {
		n = exchange.Needs{Body: exchange.JSON, MaxBody: s.route.MaxBody}
	}
	for _, p := range s.route.programs() {
		n.Add(p.Needs())
	}
	for _, e := range s.route.Errors {
		if e.Quotes != nil {
			n.Add(e.Quotes.Needs())
		}
	}
	return n
}

// Handle implements pipeline.Stage.
func (*Stage) Handle(*exchange.Exchange) *problem.Problem { return nil }

// ReadsJSON says whether the route reads the body of requests, which has to be JSON.
func (r *Route) ReadsJSON() bool { return r.Stage().Needs().Body == exchange.JSON }

// programs are all that compute something of requests.
func (r *Route) programs() []*rule.Program {
	var all []*rule.Program
	add := func(p *rule.Program) {
		if p != nil {
			all = append(all, p)
		}
	}
	for _, p := range r.Path {
		add(p.Value)
	}
	for _, list := range [][]Computed{r.Headers, r.Query} {
		for _, c := range list {
			add(c.Value)
		}
	}
	if r.Key != nil {
		add(r.Key.Value)
	}
	for _, s := range []*Shape{r.Request, r.Answer} {
		if s != nil {
			for _, one := range s.Steps {
				add(one.Value)
			}
		}
	}
	if r.Page != nil {
		add(r.Page.Next)
		add(r.Page.Previous)
	}
	for _, e := range r.Errors {
		add(e.When)
	}
	return all
}

var errNotServing = errors.New("the gateway does not serve, and asks nobody")

// Forward asks the third party and writes what it answers. It returns a *problem.Problem as long as nothing was written;
// any other error means that the caller is gone.
func (r *Route) Forward(w http.ResponseWriter, _ *http.Request, x *exchange.Exchange) error {
	if r.sender == nil {
		return problem.New(problem.Unavailable, "").Because(errNotServing)
	}
	q, prob := r.request(x)
	if prob != nil {
		return prob
	}
	x.Trying()
	answer, err := r.sender.Send(tracing.In(x), q)
	x.Tries = max(x.Tries, q.Tries)
	if err != nil {
		if f := (*provider.Failure)(nil); !errors.As(err, &f) || !f.Unsent() {
			x.Reached(0)
		}
		return r.unanswered(err)
	}
	x.Reached(answer.Status)
	defer answer.Body.Close() //nolint:errcheck // read as far as anybody wants it
	x.Provider = answer.RequestID
	if answer.Status < 200 || answer.Status > 299 {
		return r.failed(x, answer)
	}
	return r.answer(w, x, answer)
}
