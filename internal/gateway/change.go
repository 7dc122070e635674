package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// maxAnswer bounds an answer that has to be read whole to be brought to the caller's version: 8 MiB. One beyond it is
// a 502; it is never passed on unchanged.
const maxAnswer = 8 << 20

// changes is the change stage of one way: requests go up to the newest version, answers come down. The body goes up
// before anything looks at what is in it, so that schema, rules and policies know but one shape; what they find
// wrong is told in the caller's shape.
type changes struct {
	version string // the caller's
	request *change.Program
	answer  *change.Program
	query   *change.Query
	hides   bool // not all of what the route takes is seen by callers of this version
	maxBody int64
}

func (c *changes) Name() string { return "change" }

func (c *changes) Needs() exchange.Needs {
	n := exchange.Needs{Query: !c.query.Empty()}
	if !c.request.Empty() {
		n.Body, n.MaxBody = exchange.JSON, c.maxBody
	}
	return n
}

// Handle carries the request up.
func (c *changes) Handle(x *exchange.Exchange) *problem.Problem {
	if !c.query.Empty() && x.Query.Raw != "" {
		raw, err := c.query.Up(x.Query.Raw)
		if err != nil {
			return invalid(err)
		}
		x.Query.Replace(raw)
	}
	c.mark().Take(x.Header, !c.answer.Empty() && (x.Method == http.MethodGet || x.Method == http.MethodHead))
	if c.request.Empty() || len(x.Body.Bytes) == 0 {
		return nil
	}
	doc, err := c.request.Up(x.Body.Bytes)
	if err != nil {
		return invalid(err)
	}
	x.Body.Replace(doc)
	return nil
}

func invalid(err error) *problem.Problem {
	failed := map[string]any{"detail": err.Error()}
	var e *change.Error
	if errors.As(err, &e) {
		failed["detail"], failed["pointer"] = e.Detail, e.Pointer
	}
	return problem.New(problem.InvalidContent, "").With("errors", []any{failed}).Because(err)
}

// Buffers says that an answer with anything to change is needed whole.
func (c *changes) Buffers() int64 {
	if c.answer.Empty() {
		return 0
	}
	return maxAnswer
}

// Return brings the answer down. It takes only success for the route's objects: an error has a shape of its own.
func (c *changes) Return(_ *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if c.answer.Empty() || (r.Status < 200 || r.Status > 299) && r.Status != http.StatusNotModified {
		return nil
	}
	c.mark().Put(r.Header)
	if len(r.Bytes) == 0 {
		return nil
	}
	fail := func(err error) *problem.Problem {
		return problem.New(problem.BadGateway, "").Because(fmt.Errorf("changing the answer to version %s: %w", c.version, err))
	}
	if kind := r.Header.Get("Content-Type"); !form.IsJSON(kind) {
		return fail(fmt.Errorf("it is %q, not JSON", kind))
	}
	if err := jsonspan.Check(r.Bytes, jsonspan.Bounds{}); err != nil {
		return fail(err)
	}
	doc, err := c.answer.Down(r.Bytes)
	if err != nil {
		return fail(err)
	}
	r.Bytes = doc
	return nil
}

// mark is what ends the entity tags of this version's form.
func (c *changes) mark() form.Mark { return form.Mark(";" + c.version) }
