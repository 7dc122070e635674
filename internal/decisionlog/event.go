package decisionlog

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"go.opentelemetry.io/otel/trace" // by which Caddy's directive tracing tells a request's span

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/tracing"
)

// event is a decision as JSON, and what writing it needs. Events are used again.
type event struct {
	buf    []byte   // the JSON
	erased []string // what was left out
	path   []byte   // where the writing is, as a pointer; only where something may be left out
	at     *mask    // of the object that is being written
	first  bool     // no member of it has been written yet
	member func(key, value *ast.Term) error
}

// maxKept bounds the bytes of an event that is used again: a rare large one does not stay.
const maxKept = 32 << 10

var events = sync.Pool{New: func() any {
	e := &event{buf: make([]byte, 0, 1<<10)}
	e.member = e.writeMember
	return e
}}

func newEvent() *event {
	e := events.Get().(*event)
	e.reset()
	return e
}

// release gives an event back. Nobody may use it afterwards.
func (e *event) release() {
	if cap(e.buf) <= maxKept {
		events.Put(e)
	}
}

func (e *event) reset() {
	e.buf, e.path, e.at, e.first = e.buf[:0], e.path[:0], nil, true
	clear(e.erased)
	e.erased = e.erased[:0]
}

// write writes the event of a decision. Of an event that is too large the input is left out, and then the result.
func (e *event) write(r *Recorder, x *exchange.Exchange, o *policy.Observation, input ast.Value) {
	m := r.mask.Load()
	for _, leave := range [][]string{nil, {"input"}, {"input", "result"}} {
		e.reset()
		e.head(r, x, o)
		if e.document("input", input, m, leave) == nil && e.document("result", o.Result, m, leave) == nil {
			break
		}
	}
	e.tail(x, o)
}

// head writes what stands before the documents, in the order of OPA's events.
func (e *event) head(r *Recorder, x *exchange.Exchange, o *policy.Observation) {
	e.buf = append(e.buf, r.labels...)
	e.text(`,"decision_id":`, o.Decision.ID())
	if x.Context != nil {
		if span := trace.SpanContextFromContext(tracing.In(x)); span.IsValid() {
			traceID, spanID := span.TraceID(), span.SpanID()
			e.buf = append(e.buf, `,"trace_id":"`...)
			e.buf = hex.AppendEncode(e.buf, traceID[:])
			e.buf = append(e.buf, `","span_id":"`...)
			e.buf = hex.AppendEncode(e.buf, spanID[:])
			e.buf = append(e.buf, '"')
		}
	}
	if revision := o.Query.Revision(); revision != "" {
		e.text(`,"bundles":{"policies":{"revision":`, revision)
		e.buf = append(e.buf, "}}"...)
	}
	e.text(`,"path":`, o.Query.Path())
}

// document writes the input or the result, unless it is among those to leave.
func (e *event) document(name string, v ast.Value, m *mask, leave []string) error {
	if v == nil {
		return nil
	}
	e.path = append(append(e.path[:0], '/'), name...)
	below := m.below(name)
	if slices.Contains(leave, name) || below.erases(v) {
		e.erase()
		return nil
	}
	e.buf = append(e.buf, ',', '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
	return e.value(v, below)
}

// tail writes what stands behind the documents.
func (e *event) tail(x *exchange.Exchange, o *policy.Observation) {
	for i, path := range e.erased {
		e.buf = append(e.buf, map[bool]string{true: `,"erased":[`, false: `,`}[i == 0]...)
		e.buf = appendString(e.buf, path)
	}
	if len(e.erased) > 0 {
		e.buf = append(e.buf, ']')
	}
	if o.Err != nil {
		e.failure(o.Err)
	}
	if x.Client.IsValid() {
		e.buf = append(e.buf, `,"requested_by":"`...)
		e.buf = x.Client.AppendTo(e.buf)
		e.buf = append(e.buf, '"')
	}
	e.buf = append(e.buf, `,"timestamp":"`...)
	e.buf = x.Time.UTC().AppendFormat(e.buf, time.RFC3339Nano)
	e.buf = append(e.buf, `","metrics":{"timer_server_handler_ns":`...)
	e.buf = strconv.AppendInt(e.buf, o.Took.Nanoseconds(), 10)
	e.buf = append(e.buf, `},"custom":{"allowed":`...)
	e.buf = strconv.AppendBool(e.buf, o.Decision.Allow)
	e.buf = append(e.buf, `,"cached":`...)
	e.buf = strconv.AppendBool(e.buf, o.Decision.Cached)
	e.text(`,"request_id":`, x.ID)
	e.named(`,"api":`, x.API)
	e.named(`,"version":`, x.Version)
	e.named(`,"route":`, x.Route)
	if x.Consumer != nil {
		e.named(`,"consumer":`, x.Consumer.ID)
	}
	e.buf = append(e.buf, '}', '}')
}

// maxError bounds what an event says of an error, in bytes.
const maxError = 1 << 10

// failure writes why there is no answer. Built-in functions quote in their errors what they were given, and conflicts
// the values; where the input has something that must not be seen, only the function is told, and of a conflict the rule.
func (e *event) failure(err error) {
	text, _, _ := strings.Cut(err.Error(), "\n") // a panic's stack is for the log
	at := (*ast.Location)(nil)
	e.buf = append(e.buf, `,"error":{`...)
	if evaluation := (*topdown.Error)(nil); errors.As(err, &evaluation) {
		e.text(`"code":`, evaluation.Code)
		e.buf = append(e.buf, ',')
		text, at = evaluation.Message, evaluation.Location
		if what, _, ok := strings.Cut(text, ":"); ok && (len(e.erased) > 0 || evaluation.Code == topdown.ConflictErr) {
			text = what + ": [redacted]"
		}
	} else if len(e.erased) > 0 && strings.HasPrefix(text, "panic") {
		text = "panic: [redacted]"
	}
	e.text(`"message":`, text[:min(len(text), maxError)])
	if at != nil && at.File != "" {
		e.text(`,"location":{"file":`, at.File)
		e.buf = append(e.buf, `,"row":`...)
		e.buf = strconv.AppendInt(e.buf, int64(at.Row), 10)
		e.buf = append(e.buf, `,"col":`...)
		e.buf = strconv.AppendInt(e.buf, int64(at.Col), 10)
		e.buf = append(e.buf, '}')
	}
	e.buf = append(e.buf, '}')
}

// text writes a string after its name.
func (e *event) text(name, value string) {
	e.buf = append(e.buf, name...)
	e.buf = appendString(e.buf, value)
}

// named is text for what may be empty, and is left out then.
func (e *event) named(name, value string) {
	if value != "" {
		e.text(name, value)
	}
}
