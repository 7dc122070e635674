package gateway

import (
	"errors"
	"net/http"

	"github.com/wicketgate/wicketgate/internal/carry"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// maxAnswer bounds what is held of an answer to bring it to the caller's version: 8 MiB, of the whole, or of each item
// where only items of lists are changed. One beyond it is a 502, or breaks off; it is never passed on unchanged.
const maxAnswer = 8 << 20

// changes is the change stage of one way: requests go up to the newest version, answers come down. The body goes up
// before anything looks at what is in it, so that schema, rules and policies know but one shape; what they find
// wrong is told in the caller's shape.
type changes struct {
	version string // the caller's
	request *change.Program
	answer  carry.Answer
	query   *change.Query
	hides   bool // not all of what the route takes is seen by callers of this version
	maxBody int64
	each    each // to explain
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
		if x.Account != nil && raw != x.Query.Raw {
			x.Account.Note(QueryNote{x.Query.Raw, raw})
		}
		x.Query.Replace(raw)
	}
	c.answer.Mark.Take(x.Header, c.answer.Reads().Body && (x.Method == http.MethodGet || x.Method == http.MethodHead))
	if c.request.Empty() || len(x.Body.Bytes) == 0 {
		return nil
	}
	doc, err := c.request.Up(x.Body.Bytes)
	if err != nil {
		return invalid(err)
	}
	if x.Account != nil {
		c.each.up(x, x.Body.Bytes)
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

// Reads says that an answer with anything to change is read.
func (c *changes) Reads(*exchange.Exchange) exchange.Reads { return c.answer.Reads() }

// Return brings the answer down.
func (c *changes) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if x.Account != nil && r.Read && carry.Formed(r) && !c.answer.Program.Empty() {
		c.each.down(x, visible(r))
	}
	return c.answer.Give(r, "changing the answer to version "+c.version)
}
