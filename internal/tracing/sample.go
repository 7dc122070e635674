package tracing

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Sampler says ahead of which requests a span is going to be recorded, as the SDK's provider is going to: of the others none
// has to be begun.
type Sampler struct {
	of         sdk.Sampler
	propagator propagation.TextMapPropagator
	w3c        bool // the propagator reads and writes no fields but those of W3C Trace Context and Baggage, and writes the former
}

// NewSampler makes one of what the environment says now.
func NewSampler() *Sampler {
	s := &Sampler{of: sampler(os.LookupEnv), propagator: propagator()}
	fields := s.propagator.Fields()
	s.w3c = slices.Contains(fields, "traceparent") && !slices.ContainsFunc(fields, func(name string) bool {
		return name != "traceparent" && name != "tracestate" && name != "baggage"
	})
	return s
}

// sampler is what the SDK makes of OTEL_TRACES_SAMPLER, and of values that it knows nothing to do with. It keeps that to
// itself.
func sampler(env func(string) (string, bool)) sdk.Sampler {
	name, _ := env("OTEL_TRACES_SAMPLER")
	ratio := func() sdk.Sampler {
		text, _ := env("OTEL_TRACES_SAMPLER_ARG")
		if f, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && f >= 0 && f <= 1 {
			return sdk.TraceIDRatioBased(f)
		}
		return sdk.TraceIDRatioBased(1)
	}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "always_on":
		return sdk.AlwaysSample()
	case "always_off":
		return sdk.NeverSample()
	case "traceidratio":
		return ratio()
	case "parentbased_always_off":
		return sdk.ParentBased(sdk.NeverSample())
	case "parentbased_traceidratio":
		return sdk.ParentBased(ratio())
	}
	return sdk.ParentBased(sdk.AlwaysSample())
}

// Ahead decides on a request with these header fields. If it is recorded, the context is for the handler that begins its
// span: a trace that begins here has its id in it, so that the provider decides on the same id, and no parent. If not, the
// fields tell whoever gets the request of its trace, and so does the context: of a span that is none.
func (s *Sampler) Ahead(ctx context.Context, h http.Header) (_ context.Context, recorded bool) {
	told := !s.w3c || h["Traceparent"] != nil || h["Baggage"] != nil
	of := ctx
	if told {
		of = s.propagator.Extract(ctx, propagation.HeaderCarrier(h))
	}
	parent := trace.SpanContextFromContext(of)
	span := trace.SpanContextConfig{TraceID: parent.TraceID(), TraceFlags: parent.TraceFlags()}
	if !parent.IsValid() {
		parent = trace.SpanContext{}
		span.TraceID, span.TraceFlags = newTrace(), 0
		if s.w3c {
			delete(h, "Tracestate") // of no trace that there is (W3C Trace Context, section 4.3)
		}
	}
	result := s.of.ShouldSample(sdk.SamplingParameters{ParentContext: of, TraceID: span.TraceID, Kind: trace.SpanKindServer})
	if result.Decision != sdk.Drop {
		if !parent.IsValid() {
			ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: span.TraceID}))
		}
		return ctx, true
	}
	span.SpanID, span.TraceState = newSpan(), result.Tracestate
	span.TraceFlags &^= trace.FlagsSampled
	of = trace.ContextWithSpanContext(of, trace.NewSpanContext(span))
	if told {
		s.propagator.Inject(of, propagation.HeaderCarrier(h))
	} else {
		propagation.TraceContext{}.Inject(of, fields(h))
	}
	return of, false
}

// fields are those of a header, set by the names in which Go writes them.
type fields http.Header

// Get implements propagation.TextMapCarrier.
func (f fields) Get(string) string { return "" }

// Set implements propagation.TextMapCarrier.
func (f fields) Set(key, value string) {
	name := "Traceparent"
	if key == "tracestate" {
		name = "Tracestate"
	}
	f[name] = []string{value}
}

// Keys implements propagation.TextMapCarrier.
func (fields) Keys() []string { return nil }

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
