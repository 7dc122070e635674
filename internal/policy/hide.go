package policy

import (
	"net/http"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// MaxAnswer bounds what is held of an answer of which something is hidden: 8 MiB, of the whole, or of each item where
// all that is hidden lies in items of lists. One beyond it is denied, or breaks off; it is never passed on as it came.
const MaxAnswer = 8 << 20

// hiddenMark begins the end of the entity tags of answers of which something is hidden: each choice of what is hidden is
// a form of its own, and who sees one must not be told that it still holds when it sees another.
const hiddenMark = ";~"

// Hides says whether the policy can oblige to hide something of answers. If so, Hiding must follow the query in its
// pipeline, and a stage that changes answers come before it.
func (q *Query) Hides() bool { return q.hides }

// MustHide says whether it has a rule that does nothing else.
func (q *Query) MustHide() bool { return q.hides && !q.single }

// Hiding is the stage that, on the way back of a query that hides, sees to it that what the policy obliges to is done:
// it tells forms of an answer apart, keeps shared caches from it and hands the rest to the stage that changes answers.
type Hiding struct{ Query *Query }

var _ pipeline.Returner = Hiding{}

// Name implements pipeline.Stage.
func (Hiding) Name() string { return "authorize" }

// Needs implements pipeline.Stage.
func (Hiding) Needs() exchange.Needs { return exchange.Needs{} }

// Handle implements pipeline.Stage. All there is to do with a request, the query does as soon as it has decided.
func (Hiding) Handle(*exchange.Exchange) *problem.Problem { return nil }

// Reads implements pipeline.Returner: the answer is read where something of it is hidden, and only there.
func (h Hiding) Reads(x *exchange.Exchange) exchange.Reads {
	switch o := x.Obliged(h.Query.document); {
	case o == nil:
		return exchange.Reads{}
	case o.Local():
		return exchange.Reads{Body: true}
	}
	return exchange.Reads{Body: true, Whole: MaxAnswer}
}

// Return implements pipeline.Returner.
func (h Hiding) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	o := x.Obliged(h.Query.document)
	if o == nil {
		return nil
	}
	markOf(o).Put(r.Header)
	// A date is that of the resource, not of what may be seen of it.
	delete(r.Header, "Last-Modified")
	form.Private(r.Header)
	noteHidden(x, o, r)
	r.Obliged = o
	return nil
}

func markOf(o *exchange.Obliged) form.Mark { return form.Mark(hiddenMark + o.Digest()) }

// oblige notes what the policy hides, and gives the service back the entity tags that it knows. Those of a write may be
// from any form of the resource, which the caller got when it read.
func (q *Query) oblige(x *exchange.Exchange, v *exchange.Verdict) {
	if v.Obligations != nil {
		// By the document, which the query shares with itself observed, and with no other.
		x.Oblige(q.document, v.Obligations)
		cached := x.Method == http.MethodGet || x.Method == http.MethodHead
		markOf(x.Obliged(q.document)).Take(x.Header, cached)
		if cached {
			delete(x.Header, "If-Modified-Since")
		}
	}
	if tags := x.Header["If-Match"]; tags != nil && strings.Contains(strings.Join(tags, ""), hiddenMark) {
		form.TakeMarks(x.Header, "If-Match", hiddenMark, 16)
	}
}
