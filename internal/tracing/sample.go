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

// Ahead decides on a request with these header fields. If it is recorded, the context is for the handler that begins its
// span: a trace that begins here has its id in it, so that the provider decides on the same id, and no parent. If not, the
// fields tell whoever gets the request of its trace, and so does the context, of a span that is none. Only where the trace
// begins here, as most do, and the field is W3C's, the context stays as it is: a request would have to be copied for what In finds
// in the field where it is asked for.
func (s *Sampler) Ahead(ctx context.Context, h http.Header) (_ context.Context, recorded bool) {
	told := !s.w3c || h["Traceparent"] != nil || h["Baggage"] != nil
	of := ctx
	if told {
		of = s.propagator.Extract(ctx, propagation.HeaderCarrier(h))
	}
	parent := trace.SpanContextFromContext(of)
	span := trace.SpanContextConfig{TraceID: parent.TraceID(), TraceState: parent.TraceState(), TraceFlags: parent.TraceFlags() &^ trace.FlagsSampled}
	if !parent.IsValid() {
		parent = trace.SpanContext{}
		span = trace.SpanContextConfig{TraceID: newTrace()}
		if s.w3c {
			delete(h, "Tracestate") // of no trace that there is (W3C Trace Context, section 4.3)
		}
	}
	if s.samples(span.TraceID, parent) {
		if !parent.IsValid() {
			ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: span.TraceID}))
		}
		return ctx, true
	}
	span.SpanID = newSpan()
	if !told && !parent.IsValid() {
		h["Traceparent"] = []string{unrecorded(&span)}
		return ctx, false
	}
	of = trace.ContextWithSpanContext(of, trace.NewSpanContext(span))
	s.propagator.Inject(of, propagation.HeaderCarrier(h))
	return of, false
}

// In is the context of x with its place in its trace: also where only a field tells of it, since nobody records it.
func In(x *exchange.Exchange) context.Context {
	if !x.Unrecorded || x.Context == nil {
		return x.Context
	}
	return propagation.TraceContext{}.Extract(x.Context, propagation.HeaderCarrier(x.Header))
}

// Names are the ids of the trace and the span that Ahead gave a request which is not recorded: parts of the field that tells of
// them, where there is one, so that nobody writes them twice. They are "" for none.
func (s *Sampler) Names(ctx context.Context, h http.Header) (id, span string) {
	const traceAt, spanAt, flagsAt = 3, 36, 53 // section 3.2
	if told := h["Traceparent"]; s.w3c && len(told) == 1 && len(told[0]) > flagsAt {
		return told[0][traceAt : spanAt-1], told[0][spanAt : flagsAt-1]
	}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		return sc.TraceID().String(), sc.SpanID().String()
	}
	return "", ""
}

// unrecorded is the field traceparent of a trace that begins here and is not recorded (W3C Trace Context, section 3.2).
func unrecorded(of *trace.SpanContextConfig) string {
	to := make([]byte, 0, 55) // the length of all of version 00
	to = hex.AppendEncode(append(to, "00-"...), of.TraceID[:])
	to = hex.AppendEncode(append(to, '-'), of.SpanID[:])
	return string(append(to, "-00"...))
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
