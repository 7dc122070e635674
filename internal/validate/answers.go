package validate

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/drift"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// The largest answers that are held against schemas unless a configuration says otherwise, in bytes: of what only reports,
// a copy is kept until the answer has ended.
const (
	DefaultMaxReported = 1 << 20
	DefaultMaxEnforced = 8 << 20
)

// AnswersConfig is what a service's answers are held against.
type AnswersConfig struct {
	// Forms are what answers hold, by their status. An answer of another status is not looked at.
	Forms []AnswerForm
	// Enforce refuses an answer in which something is found: 502. Otherwise it passes as it arrives.
	Enforce bool
	// Max bounds the answer in bytes; 0 is one of the defaults. Above it, an answer is refused where Enforce is set, and
	// else not looked at.
	Max int64
	// Drift is told what is found.
	Drift *drift.Route
}

// AnswerForm is what answers of some statuses hold.
type AnswerForm struct {
	Statuses []string // "200", "4xx"
	Parts    []AnswerPart
}

// AnswerPart is a value in an answer, or each of several.
type AnswerPart struct {
	Steps  []string // the names on the way to it, "" for each item of a list
	Schema *schema.Schema
}

// Answers holds what the service answers against schemas, in the shape that the service speaks. It is the first stage on
// the way back to do anything with the body.
type Answers struct {
	config AnswersConfig
	parts  map[string][]AnswerPart // by status or class
}

// Status says whether a text names a status of an answer, or a class of them: "200", "4xx".
func Status(s string) bool {
	if len(s) != 3 || s[0] < '2' || s[0] > '5' {
		return false
	}
	return s[1:] == "xx" || s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9'
}

// NewAnswers makes the stage.
func NewAnswers(c AnswersConfig) *Answers {
	if c.Max == 0 {
		c.Max = DefaultMaxReported
		if c.Enforce {
			c.Max = DefaultMaxEnforced
		}
	}
	a := &Answers{config: c, parts: make(map[string][]AnswerPart)}
	for _, f := range c.Forms {
		for _, status := range f.Statuses {
			a.parts[status] = append(a.parts[status], f.Parts...)
		}
	}
	return a
}

// Name implements pipeline.Stage.
func (*Answers) Name() string { return "validate" }

// Needs implements pipeline.Stage.
func (*Answers) Needs() exchange.Needs { return exchange.Needs{} }

// Handle asks for no content coding, in which nothing could be read.
func (a *Answers) Handle(x *exchange.Exchange) *problem.Problem {
	if !a.config.Enforce { // else whoever reads the answer whole asks so
		x.Header["Accept-Encoding"] = []string{"identity"}
	}
	return nil
}

// Reads implements pipeline.Returner: an answer that may be refused is needed whole; of one that only is looked at, a copy
// is kept as it passes.
func (a *Answers) Reads(*exchange.Exchange) exchange.Reads {
	if !a.config.Enforce {
		return exchange.Reads{}
	}
	return exchange.Reads{Body: true, Whole: a.config.Max}
}

// errUnlike is why an answer is refused.
var errUnlike = errors.New("the service's answer is not what the API says")

// Return looks at an answer: now where it has been read, else as it passes.
func (a *Answers) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	parts := a.of(r.Status)
	if parts == nil || empty(x, r) {
		return nil
	}
	if r.Status == http.StatusPartialContent || form.Coded(r.Header) {
		a.config.Drift.Skipped(drift.Unread)
		return a.unlike(errors.New("it is a part of the whole, or has a content coding, although none was asked for"))
	}
	named := r.Header["Content-Type"]
	if len(named) != 1 || !form.IsJSON(named[0]) {
		a.config.Drift.Checked(r.Status, []drift.Finding{{Keyword: "content-type", Message: "must be JSON"}})
		return a.unlike(errors.New("it is not called JSON"))
	}
	if r.Read {
		return a.found(r.Status, a.check(parts, r.Bytes))
	}
	if length, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64); err == nil && length > a.config.Max {
		a.config.Drift.Skipped(drift.TooLarge)
		return nil
	}
	copied := &copied{answers: a, parts: parts, status: r.Status}
	if r.Stream == nil {
		r.Seen = copied
		return nil
	}
	r.Stream = &passing{r.Stream, copied}
	return nil
}

// empty says whether an answer has no content, as far as is known.
func empty(x *exchange.Exchange, r *exchange.Response) bool {
	switch {
	case r.Read:
		return len(r.Bytes) == 0
	case r.Stream != nil:
		return false
	}
	return x.Method == http.MethodHead || r.Status == http.StatusNoContent || r.Status == http.StatusNotModified ||
		r.Header["Content-Type"] == nil || r.Header.Get("Content-Length") == "0"
}

// of gives what an answer of a status holds, nil for nothing known.
func (a *Answers) of(status int) []AnswerPart {
	text := strconv.Itoa(status)
	if parts, ok := a.parts[text]; ok {
		return parts
	}
	return a.parts[text[:1]+"xx"]
}

func (a *Answers) found(status int, all []drift.Finding) *problem.Problem {
	a.config.Drift.Checked(status, all)
	if len(all) == 0 {
		return nil
	}
	return a.unlike(fmt.Errorf("%s: %s %s", all[0].Keyword, all[0].Pointer, all[0].Message))
}

// unlike is what takes the place of an answer: nothing where it only is looked at.
func (a *Answers) unlike(err error) *problem.Problem {
	if !a.config.Enforce {
		return nil
	}
	return problem.New(problem.BadGateway, "").Because(fmt.Errorf("%w: %w", errUnlike, err))
}

// check gives what is wrong with a document.
func (a *Answers) check(parts []AnswerPart, doc []byte) (all []drift.Finding) {
	index, err := jsonspan.Parse(doc, jsonspan.Bounds{})
	if err != nil {
		return []drift.Finding{{Keyword: "json", Message: "must be strict JSON"}}
	}
	for i := range parts {
		all = append(all, hold(doc, index, parts[i].Steps, parts[i].Schema, nil)...)
	}
	if index != nil {
		index.Release()
	}
	return all
}

// hold holds the values that steps lead to in raw against a schema; at is the way to raw. A member that is not there is
// none of its business: the schema around it says whether it must be.
func hold(raw []byte, index *jsonspan.Index, steps []string, by *schema.Schema, at []string) (all []drift.Finding) {
	switch {
	case len(steps) == 0:
		for _, f := range by.ValidateParsed(raw, index) {
			tokens := append(slices.Clone(at), jsonspan.Split(f.Pointer)...)
			all = append(all, drift.Finding{Pointer: place(tokens), Keyword: f.Keyword, Message: f.Message})
		}
		return all
	case steps[0] != "":
		if value, ok := jsonspan.Get(raw, steps[0]); ok {
			return hold(value, nil, steps[1:], by, append(slices.Clip(at), steps[0]))
		}
		return nil
	}
	if kind := jsonspan.Space(raw, 0); kind >= len(raw) || raw[kind] != '[' {
		return []drift.Finding{{Pointer: place(at), Keyword: "type", Message: "must be of type array"}}
	}
	for item := range jsonspan.Items(raw) {
		if all = append(all, hold(item, nil, steps[1:], by, append(slices.Clip(at), "*"))...); len(all) > maxFound {
			return all
		}
	}
	return all
}

// maxFound is how many findings in one answer are looked for. What a service has wrong in one item of a list, it often
// has in all.
const maxFound = 200

// place writes a pointer in which all items of a list are one: "/lines/*/sku".
func place(tokens []string) string {
	for i, token := range tokens {
		if _, err := strconv.ParseUint(token, 10, 32); err == nil {
			tokens[i] = "*"
		}
	}
	return jsonspan.Join(tokens)
}

// copied keeps a copy of an answer that passes, and looks at it once it has ended.
type copied struct {
	answers *Answers
	parts   []AnswerPart
	status  int
	doc     []byte // bound: AnswersConfig.Max
	over    bool
	done    bool
}

// Write implements io.Writer. It never fails.
func (c *copied) Write(b []byte) (int, error) {
	switch {
	case c.over || c.done:
	case int64(len(c.doc)+len(b)) > c.answers.config.Max:
		c.over, c.doc = true, nil
	default:
		c.doc = append(c.doc, b...)
	}
	return len(b), nil
}

// End says that the answer has ended, or broken off.
func (c *copied) End(whole bool) {
	if c.done {
		return
	}
	c.done = true
	switch {
	case !whole:
		c.answers.config.Drift.Skipped(drift.Broken)
	case c.over:
		c.answers.config.Drift.Skipped(drift.TooLarge)
	case len(c.doc) > 0:
		c.answers.config.Drift.Checked(c.status, c.answers.check(c.parts, c.doc))
	}
	c.doc = nil
}

// passing is an answer's body of which a copy is kept.
type passing struct {
	io.ReadCloser
	*copied
}

// Read implements io.Reader.
func (p *passing) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	p.Write(b[:n]) //nolint:errcheck // it never fails
	if err != nil {
		p.End(errors.Is(err, io.EOF))
	}
	return n, err
}

// Close implements io.Closer.
func (p *passing) Close() error {
	p.End(false)
	return p.ReadCloser.Close()
}
