package gateway

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
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
	c.unmark(x.Header, x.Method == http.MethodGet || x.Method == http.MethodHead)
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
	c.mark(r.Header)
	if len(r.Bytes) == 0 {
		return nil
	}
	fail := func(err error) *problem.Problem {
		return problem.New(problem.BadGateway, "").Because(fmt.Errorf("changing the answer to version %s: %w", c.version, err))
	}
	if kind := r.Header.Get("Content-Type"); !isJSON(kind) {
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

// isJSON says whether a media type is JSON or built on it (RFC 6839, section 3.1).
func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}

// mark makes an answer's validator the version's own: the same resource has another form in each (RFC 9110, section
// 8.8.3.3). Digests of the upstream's form are of no use to the caller.
func (c *changes) mark(h http.Header) {
	if tag := h.Get("Etag"); strings.HasSuffix(tag, `"`) {
		h["Etag"] = []string{tag[:len(tag)-1] + c.suffix() + `"`}
	}
	for _, name := range []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5", "Accept-Ranges"} {
		delete(h, name)
	}
}

// unmark gives the upstream back the validators that it knows. Where an answer may be read from a cache, tags of
// another version's form are taken off: the service, which knows one form only, would say that it is still fresh, and
// the caller be given it.
func (c *changes) unmark(h http.Header, reads bool) {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if h[name] == nil {
			continue
		}
		var known []string
		own := reads && name == "If-None-Match" && !c.answer.Empty()
		for _, line := range h[name] {
			for tag := range tags(line) {
				if bare, ok := strings.CutSuffix(tag, c.suffix()+`"`); ok {
					known = append(known, bare+`"`)
				} else if !own || tag == "*" {
					known = append(known, tag)
				}
			}
		}
		if known == nil {
			delete(h, name)
			continue
		}
		h[name] = []string{strings.Join(known, ", ")}
	}
}

// tags gives the entity tags of a list (RFC 9110, section 8.8.3), whose commas may stand inside of the quotes too.
func tags(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line != "" {
			quoted, end := false, len(line)
			for i := range len(line) {
				if line[i] == '"' {
					quoted = !quoted
				} else if line[i] == ',' && !quoted {
					end = i
					break
				}
			}
			tag := strings.Trim(line[:end], " \t")
			line = line[min(end+1, len(line)):]
			if tag != "" && !yield(tag) {
				return
			}
		}
	}
}

func (c *changes) suffix() string { return ";" + c.version }
