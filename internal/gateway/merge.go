package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/merge"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// maxTries is how often a merged PUT is read for and written: once more than once, for another writer may come between.
// Whoever finds two in a row had better decide anew than have the gateway try for ever.
const maxTries = 2

// merging lays the PUTs of one way, whose callers do not see all of the resource, over what is there. Schema, rules and
// policies have decided on what the caller wrote; they are not asked about what it did not write, which the resource
// had before.
type merging struct {
	program *change.Program
	schema  *schema.Schema // of the shape that the upstream speaks; nil where there is none
}

// merging is for a route that is to merge, in a version that does not show all; nil elsewhere.
func (b *builder) merging(l *lineage, v *catalogue.Version, r *catalogue.Route, up *changes) *merging {
	if !r.Merge || up == nil || !up.hides {
		return nil
	}
	return &merging{up.request, b.schemaAt(l, r.Accepts, l.ends[l.index(v)])}
}

// lostUpdates warns of what a PUT of an older version resets because its callers do not see it.
func (b *builder) lostUpdates(r *catalogue.Route, hidden []*change.Operation) {
	if r.Method != http.MethodPut || r.Merge {
		return
	}
	for _, op := range hidden {
		if op.Accept == "" {
			b.add(hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Lost update on " + r.Label,
				Detail: fmt.Sprintf("Callers of older versions do not see all that %s %q makes, and whoever of them reads the resource and writes it back with the route at %s resets that. Write merge = true on the route, or accept = \"…\", why that is right, on the operation.",
					op.Kind, op.Path, fmt.Sprintf("%s:%d:%d", r.Range.Filename, r.Range.Start.Line, r.Range.Start.Column)),
				Subject: op.Range.Ptr()}})
		}
	}
}

// put reads the resource, lays the body over it and writes the result on the condition that the resource is still what
// was read (RFC 9110, section 13.1.1). If it is not, all of that is done once more; then the caller is told of the
// conflict. Where there is no resource, the body goes on as it is, on the condition that there is still none.
//
// What a policy hides of the answer is hidden of what is there, too: the caller wrote without having seen it.
//
// What the caller demands of the resource is looked at here, each time, for the write has a demand of its own. A caller
// who names the state that it changes gets 412 as soon as that has gone, even where what stands there is what it wrote:
// its own write, of which the answer got lost, looks like that of another who wrote the same, and each of two who count
// from 1 to 2 must not be told that it did.
func (m *merging) put(w http.ResponseWriter, out *http.Request, x *exchange.Exchange, to Upstream) error {
	program := m.program
	if d := x.Decision; d != nil && d.Obligations != nil {
		var err error
		if program, err = d.Obligations.On(program); err != nil {
			return m.ended(x, x.Unfit(err))
		}
	}
	mine, demand, back := x.Body.Bytes, form.TakePreconditions(x.Header), x.Back
	for range maxTries {
		was, err := m.read(out, x, to)
		if err != nil {
			return err
		}
		if !demand.Hold(was.header) {
			return m.ended(x, problem.New(problem.PreconditionFailed, ""))
		}
		delete(x.Header, "If-Match")
		delete(x.Header, "If-None-Match")
		body := mine
		if was.header == nil {
			x.Header["If-None-Match"] = []string{"*"}
		} else {
			if body, err = merge.Overlay(program, was.doc, mine, m.fits); err != nil {
				return m.ended(x, unmerged(x, err))
			}
			x.Header["If-Match"] = was.header["Etag"]
		}
		x.Body.Replace(body)
		answer := &conditional{Back: back}
		x.Back, x.Refused = answer, nil
		err = to.Forward(w, prepare(out, x), x)
		if !answer.failed || !errors.Is(err, errChanged) {
			return err
		}
		x.Sent, x.Said = false, 0 // it was not carried out
	}
	kind := problem.Conflict
	if demand.Tagged() {
		kind = problem.PreconditionFailed
	}
	return m.ended(x, problem.New(kind, "the resource changed while it was written"))
}

func (m *merging) ended(x *exchange.Exchange, p *problem.Problem) *problem.Problem {
	x.Ended = "merge"
	return p
}

// fits says whether the service would accept a document, as far as its schema tells.
func (m *merging) fits(doc []byte) bool { return m.schema == nil || len(m.schema.Validate(doc)) == 0 }

func unmerged(x *exchange.Exchange, err error) *problem.Problem {
	if errors.Is(err, merge.ErrUnsafe) && x.Owed() {
		return problem.New(problem.Conflict, "this caller does not see all of the resource, and what it sees cannot be changed in this way without touching the rest").Because(err)
	}
	if errors.Is(err, merge.ErrUnsafe) {
		return problem.New(problem.Conflict, "this version does not show all of the resource, and what it shows cannot be changed in this way without touching the rest; use a newer version").Because(err)
	}
	return x.Unfit(err)
}

// errChanged takes the place of a 412 to the gateway's own condition, which says nothing to the caller.
var errChanged = errors.New("the resource is no longer what was read")

// conditional is the way back of a write on a condition: nothing of an answer that says it failed goes back.
type conditional struct {
	exchange.Back
	failed bool
}

// Return implements exchange.Back.
func (c *conditional) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if c.failed = r.Status == http.StatusPreconditionFailed; c.failed {
		return problem.New(problem.PreconditionFailed, "").Because(errChanged)
	}
	return c.Back.Return(x, r)
}

// aboutWrite are the fields that say something of the write or its body, and nothing of a read.
var aboutWrite = []string{"If-Match", "If-None-Match", "Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Expect", "Idempotency-Key", "Prefer"}

// resource is what the service has.
type resource struct {
	header http.Header // nil where there is none
	doc    []byte      // strict JSON
}

// read asks the service for the resource, as the caller who is about to write it: with the same fields that say who
// that is, but for those about the body.
func (m *merging) read(out *http.Request, x *exchange.Exchange, to Upstream) (*resource, error) {
	seen := &reading{}
	get := *x
	get.Method, get.Body, get.Back, get.Answer, get.Refused = http.MethodGet, exchange.Body{Read: true}, pipeline.New(seen), nil, nil
	get.Disoblige()
	get.Header = maps.Clone(x.Header)
	for _, name := range aboutWrite {
		delete(get.Header, name)
	}
	get.Header["Accept"] = []string{inJSON}
	get.Header["Cache-Control"] = []string{"no-cache"} // a cache in between may be behind
	req := prepare(out.WithContext(exchange.NewContext(out.Context(), &get)), &get)
	req.Method = http.MethodGet
	var prob *problem.Problem
	if err := to.Forward(silent{}, req, &get); errors.As(err, &prob) {
		return nil, m.ended(x, prob)
	} else if err != nil {
		return nil, err // the caller is gone
	}
	was, prob := seen.resource()
	if prob != nil {
		return nil, m.ended(x, prob)
	}
	return was, nil
}

// reading is the way back of a read: it keeps the answer and lets nothing of it through.
type reading struct {
	status int
	header http.Header
	doc    []byte
}

func (*reading) Name() string                               { return "merge" }
func (*reading) Needs() exchange.Needs                      { return exchange.Needs{} }
func (*reading) Handle(*exchange.Exchange) *problem.Problem { return nil }
func (*reading) Reads(*exchange.Exchange) exchange.Reads {
	return exchange.Reads{Body: true, Whole: maxAnswer}
}

// Return implements pipeline.Returner.
func (s *reading) Return(_ *exchange.Exchange, r *exchange.Response) *problem.Problem {
	s.status, s.header, s.doc = r.Status, r.Header.Clone(), r.Bytes
	r.Read, r.Bytes = true, nil
	return nil
}

// resource is what was read, if a write can be based on it.
func (s *reading) resource() (*resource, *problem.Problem) {
	unusable := func(format string, args ...any) (*resource, *problem.Problem) {
		return nil, problem.New(problem.BadGateway, "").Because(fmt.Errorf("reading the resource to merge with it: "+format, args...))
	}
	switch {
	case s.status == http.StatusNotFound, s.status == http.StatusGone:
		return &resource{}, nil
	case s.status == http.StatusUnauthorized, s.status == http.StatusForbidden:
		return nil, problem.New(problem.Forbidden, "the resource may not be read by this caller, and so not be changed").
			Because(fmt.Errorf("reading the resource to merge with it: the service answered %d", s.status))
	case s.status == http.StatusTooManyRequests:
		p := problem.New(problem.ReducedCapacity, "")
		retryAfter(p, s.header)
		return nil, p
	case s.status >= 500:
		return nil, failure(&exchange.Response{Status: s.status, Header: s.header})
	case s.status != http.StatusOK:
		return unusable("the service answered %d", s.status)
	case len(s.header["Etag"]) != 1 || !form.Strong(s.header.Get("Etag")):
		return unusable("the answer has no strong entity tag (ETag), without which the write could undo another's")
	case !form.IsJSON(s.header.Get("Content-Type")):
		return unusable("the answer is %q, not JSON", s.header.Get("Content-Type"))
	}
	if err := jsonspan.Check(s.doc, jsonspan.Bounds{}); err != nil {
		return unusable("%w", err)
	}
	return &resource{s.header, s.doc}, nil
}

// silent is where the answer to a read is written: nowhere, for its way back has kept it.
type silent struct{}

func (silent) Header() http.Header         { return http.Header{} }
func (silent) Write(b []byte) (int, error) { return len(b), nil }
func (silent) WriteHeader(int)             {}
