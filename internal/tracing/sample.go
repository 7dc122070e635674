package tracing

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Sampler says ahead of which requests a span is going to be recorded, as the SDK's provider is going to: of the others none
// has to be begun.
type Sampler struct {
	bound      uint64 // of ids, above which none is recorded: what TraceIDRatioBased of the SDK makes of a ratio
	parent     bool   // what is said of a trace's parent goes first
	propagator propagation.TextMapPropagator
	w3c        bool // the propagator reads and writes no fields but those of W3C Trace Context and Baggage, and writes the former

	stock sync.Pool // of what is left of stocks, by processors
}

// NewSampler makes one of what the environment says now.
func NewSampler() *Sampler {
	s := &Sampler{propagator: propagator()}
	s.bound, s.parent = sampler(os.LookupEnv)
	fields := s.propagator.Fields()
	s.w3c = slices.Contains(fields, "traceparent") && !slices.ContainsFunc(fields, func(name string) bool {
		return name != "traceparent" && name != "tracestate" && name != "baggage"
	})
	return s
}

// every is the bound of a sampler that records everything: ids have 63 bits there.
const every = 1 << 63

// sampler is what the SDK makes of OTEL_TRACES_SAMPLER, and of values that it knows nothing to do with. It keeps that to
// itself; a test holds both against each other.
func sampler(env func(string) (string, bool)) (bound uint64, parent bool) {
	name, _ := env("OTEL_TRACES_SAMPLER")
	kind, parent := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), "parentbased_")
	switch kind {
	case "always_on":
		return every, parent
	case "always_off":
		return 0, parent
	case "traceidratio":
		text, _ := env("OTEL_TRACES_SAMPLER_ARG")
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(f >= 0 && f < 1) {
			return every, parent
		}
		return uint64(f * every), parent
	}
	return every, true
}

// samples says whether a trace is recorded, of which parent is what is known of its parent.
func (s *Sampler) samples(id trace.TraceID, parent trace.SpanContext) bool {
	if s.parent && parent.IsValid() {
		return parent.IsSampled()
	}
	return binary.BigEndian.Uint64(id[8:])>>1 < s.bound
}

// Place is that of a request in its trace.
type Place struct {
	Recorded bool // a span is going to be recorded of it
	// Alone says that a trace that is not recorded begins with the request, and only its header tells of it.
	Alone bool
	// Trace and Span are the ids of what is not recorded, as text. Caddy's variables are of any kind: a string made into one each
	// time would be copied.
	Trace, Span any
}

// Ahead decides on a request with these header fields. If it is recorded, the context is for the handler that begins its
// span: a trace that begins here has its id in it, so that the provider decides on the same id, and no parent. If not, the
// fields tell whoever gets the request of its trace, and so does the context, of a span that is none. Only where the trace
// begins here, as most do, and the field is W3C's, the context stays as it is: a request would have to be copied for what In finds
// in the field where it is asked for.
func (s *Sampler) Ahead(ctx context.Context, h http.Header) (context.Context, Place) {
	if s.w3c && h["Traceparent"] == nil && h["Baggage"] == nil && !trace.SpanContextFromContext(ctx).IsValid() {
		delete(h, "Tracestate") // of no trace that there is (W3C Trace Context, section 4.3)
		b := s.begin()
		if b.recorded {
			return begins(ctx, b.id), Place{Recorded: true}
		}
		h["Traceparent"] = b.field[:]
		return ctx, Place{Alone: true, Trace: b.trace, Span: b.span}
	}
	of := s.propagator.Extract(ctx, propagation.HeaderCarrier(h))
	parent := trace.SpanContextFromContext(of)
	span := trace.SpanContextConfig{TraceID: parent.TraceID(), TraceState: parent.TraceState(), TraceFlags: parent.TraceFlags() &^ trace.FlagsSampled}
	if !parent.IsValid() {
		parent = trace.SpanContext{}
		span = trace.SpanContextConfig{TraceID: newTrace()}
		if s.w3c {
			delete(h, "Tracestate") // as above
		}
	}
	if s.samples(span.TraceID, parent) {
		if !parent.IsValid() {
			ctx = begins(ctx, span.TraceID)
		}
		return ctx, Place{Recorded: true}
	}
	span.SpanID = newSpan()
	of = trace.ContextWithSpanContext(of, trace.NewSpanContext(span))
	s.propagator.Inject(of, propagation.HeaderCarrier(h))
	return of, Place{Trace: span.TraceID.String(), Span: span.SpanID.String()}
}

// begins is a context for a trace that begins with a recorded span.
func begins(ctx context.Context, id trace.TraceID) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id}))
}

// In is the context of x with its place in its trace: also where only a field tells of it, since nobody records it.
func In(x *exchange.Exchange) context.Context {
	if !x.Unrecorded || x.Context == nil {
		return x.Context
	}
	return propagation.TraceContext{}.Extract(x.Context, propagation.HeaderCarrier(x.Header))
}

// begun is a trace that is going to begin with a request.
type begun struct {
	id       trace.TraceID
	recorded bool
	field    [1]string // traceparent, and so of the next, where it is not recorded
	trace    any
	span     any
}

// stock are traces that were decided on together: nothing about one depends on its request, and each by itself takes a quarter more,
// since the code is far from the processor.
type stock struct {
	next int
	of   [32]begun
}

// begin gives a trace that nobody else has.
func (s *Sampler) begin() *begun {
	from, ok := s.stock.Get().(*stock)
	if !ok {
		from = s.fill()
	}
	b := &from.of[from.next]
	if from.next++; from.next < len(from.of) {
		s.stock.Put(from)
	}
	return b
}

// fill makes a stock.
func (s *Sampler) fill() *stock {
	to := new(stock)
	const size, traceAt, spanAt, flagsAt = 55, 3, 36, 53 // W3C Trace Context, section 3.2: version 00
	fields := make([]byte, 0, len(to.of)*size)
	for i := range to.of {
		b := &to.of[i]
		b.id = newTrace()
		b.recorded = s.samples(b.id, trace.SpanContext{})
		span := newSpan()
		fields = hex.AppendEncode(append(fields, "00-"...), b.id[:])
		fields = hex.AppendEncode(append(fields, '-'), span[:])
		fields = append(fields, "-00"...)
	}
	all := string(fields)
	for i := range to.of {
		b, field := &to.of[i], all[i*size:][:size]
		b.field[0], b.trace, b.span = field, field[traceAt:spanAt-1], field[spanAt:flagsAt-1]
	}
	return to
}

// newTrace makes an id: not zero, which is none (W3C Trace Context, section 3.2.2.3).
func newTrace() (id trace.TraceID) {
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // an id, which is no secret
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // as above
	}
	return id
}

func newSpan() (id trace.SpanID) {
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:], rand.Uint64()) //nolint:gosec // as above
	}
	return id
}
