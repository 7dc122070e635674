package tracing

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// newSampler makes one that reads the environment's propagators anew, too.
func newSampler(p propagation.TextMapPropagator, w3c bool) *Sampler {
	s := NewSampler()
	s.propagator, s.w3c = p, w3c
	return s
}

var w3c = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// TestAheadAgrees has the SDK's provider decide on what was decided ahead, by whatever the environment may say, and holds both
// against each other: a trace that is recorded here begins there with the same id, and without a parent.
func TestAheadAgrees(t *testing.T) {
	for _, env := range []struct{ name, arg string }{
		{}, {"always_on", ""}, {"always_off", ""}, {"traceidratio", "0.3"}, {"parentbased_always_on", ""}, {"parentbased_always_off", ""},
		{"parentbased_traceidratio", "0.3"}, {" ParentBased_TraceIDRatio ", " 0.5 "}, {"traceidratio", ""}, {"traceidratio", "none"},
		{"parentbased_traceidratio", "2"}, {"traceidratio", "-1"}, {"parentbased_traceidratio", "0"}, {"jaeger_remote", "0.1"}, {"nobody's", "0"},
	} {
		t.Run(env.name+env.arg, func(t *testing.T) {
			t.Setenv("OTEL_TRACES_SAMPLER", env.name)
			t.Setenv("OTEL_TRACES_SAMPLER_ARG", env.arg)
			if env.name == "" {
				t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on") // what is said by saying nothing
			}
			provider := sdk.NewTracerProvider()
			defer provider.Shutdown(context.Background()) //nolint:errcheck // it exports nothing
			s, yes := newSampler(w3c, true), 0
			for i := range 300 {
				h := http.Header{}
				if i%3 > 0 {
					h.Set("Traceparent", fmt.Sprintf("00-%032x-00f067aa0ba902b7-0%d", i*7919, i%3-1))
				}
				ctx, place := s.Ahead(context.Background(), h)
				recorded := place.Recorded
				if !recorded {
					ctx = in(ctx, h)
				}
				decided := trace.SpanContextFromContext(ctx).TraceID()
				if recorded {
					yes++
				} else if !trace.SpanContextFromContext(ctx).IsValid() || trace.SpanContextFromContext(ctx).IsSampled() || trace.SpanFromContext(ctx).IsRecording() {
					t.Fatalf("%d: what is not recorded goes on as %v", i, trace.SpanContextFromContext(ctx))
				}
				if !recorded { // the provider is asked about the same trace
					before := trace.SpanContextFromContext(s.propagator.Extract(context.Background(), propagation.HeaderCarrier(h)))
					if before.TraceID() != decided || before.IsSampled() {
						t.Fatalf("%d: %v is told of %s", i, h, decided)
					}
					ctx = trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: decided}))
				}
				if i%3 > 0 {
					ctx = trace.ContextWithRemoteSpanContext(context.Background(), parentOf(i))
				}
				_, span := provider.Tracer("").Start(ctx, "it")
				if span.IsRecording() != recorded || i%3 == 0 && span.SpanContext().TraceID() != decided {
					t.Fatalf("%d: ahead %v, the provider %v; of the trace %s, %s", i, recorded, span.IsRecording(), decided, span.SpanContext().TraceID())
				}
				if began, ok := span.(sdk.ReadOnlySpan); ok && i%3 == 0 && recorded && began.Parent().SpanID().IsValid() {
					t.Fatalf("%d: a trace that begins here has the parent %v", i, began.Parent())
				}
			}
			if env.arg == "0.3" && (yes == 0 || yes == 300) {
				t.Errorf("of 300, %d were recorded", yes)
			}
		})
	}
}

// in is the place of a request that is not recorded in its trace, as its exchange finds it.
func in(ctx context.Context, h http.Header) context.Context {
	return In(&exchange.Exchange{Context: ctx, Header: h, Unrecorded: ctx == context.Background()})
}

func parentOf(i int) trace.SpanContext {
	h := http.Header{"Traceparent": {fmt.Sprintf("00-%032x-00f067aa0ba902b7-0%d", i*7919, i%3-1)}}
	return trace.SpanContextFromContext(w3c.Extract(context.Background(), propagation.HeaderCarrier(h)))
}

// TestAheadTells looks at the fields with which what is not recorded goes on.
func TestAheadTells(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
	for name, c := range map[string]struct {
		in    http.Header
		trace string // "" for any
		flags string
		state string
		bag   string
	}{
		"nothing":             {in: http.Header{}, flags: "00"},
		"recorded":            {in: http.Header{"Traceparent": {parent + "01"}, "Tracestate": {"a=1,b=2"}}, trace: parent[3:35], flags: "00", state: "a=1,b=2"},
		"random":              {in: http.Header{"Traceparent": {parent + "03"}}, trace: parent[3:35], flags: "02"},
		"not recorded":        {in: http.Header{"Traceparent": {parent + "00"}, "Tracestate": {"a=1"}, "Baggage": {"who=me"}}, trace: parent[3:35], flags: "00", state: "a=1", bag: "who=me"},
		"baggage alone":       {in: http.Header{"Baggage": {"who=me"}}, flags: "00", bag: "who=me"},
		"no trace":            {in: http.Header{"Traceparent": {"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}}, flags: "00"},
		"nonsense":            {in: http.Header{"Traceparent": {"x"}}, flags: "00"},
		"a state of no trace": {in: http.Header{"Tracestate": {"a=1"}}, flags: "00"},
		"a state of nonsense": {in: http.Header{"Traceparent": {"x"}, "Tracestate": {"a=1"}}, flags: "00"},
		"empty":               {in: http.Header{"Traceparent": {""}}, flags: "00"},
		"one of two versions": {in: http.Header{"Traceparent": {"01" + parent[2:] + "01-more"}}, trace: parent[3:35], flags: "00"},
	} {
		for _, fast := range []bool{true, false} {
			h := c.in.Clone()
			if !fast && strings.HasPrefix(name, "a state") {
				continue // which is for the propagators
			}
			ctx, place := newSampler(w3c, fast).Ahead(context.Background(), h)
			if place.Alone != (ctx == context.Background()) {
				t.Errorf("%s: alone is %v", name, place.Alone)
			}
			ctx = in(ctx, h)
			sc := trace.SpanContextFromContext(ctx)
			if place.Trace != sc.TraceID().String() || place.Span != sc.SpanID().String() {
				t.Errorf("%s: named are %s, %s", name, place.Trace, place.Span)
			}
			want := "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + c.flags
			if place.Recorded || !sc.IsValid() || len(h["Traceparent"]) != 1 || h["Traceparent"][0] != want || c.trace != "" && sc.TraceID().String() != c.trace || sc.SpanID().String() == "00f067aa0ba902b7" {
				t.Errorf("%s: told is %v, want %s", name, h, want)
			}
			if h.Get("Tracestate") != c.state || h.Get("Baggage") != c.bag {
				t.Errorf("%s: told is %v", name, h)
			}
		}
	}
	h := http.Header{"Tracestate": {"a=1"}}
	if newSampler(propagation.NewCompositeTextMapPropagator(), false).Ahead(context.Background(), h); len(h) != 1 {
		t.Errorf("without propagators told is %v", h)
	}
}

// TestBegunOnce has many traces begin at once: each is another, and its parts are those of its field.
func TestBegunOnce(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
	s := newSampler(w3c, true)
	var met sync.Map
	var recorded atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				h := http.Header{}
				ctx, place := s.Ahead(context.Background(), h)
				id := trace.SpanContextFromContext(in(ctx, h)).TraceID()
				if _, again := met.LoadOrStore(id, true); again || !id.IsValid() {
					t.Errorf("%s is there again", id)
				}
				if place.Recorded {
					recorded.Add(1)
				} else if field := h["Traceparent"]; len(field) != 1 || cap(field) != 1 || field[0] != fmt.Sprintf("00-%s-%s-00", place.Trace, place.Span) {
					t.Errorf("told is %v of %s", h, place.Trace)
				}
			}
		})
	}
	all.Wait()
	if n := recorded.Load(); n < 1500 || n > 2500 { // 16 times what it deviates by
		t.Errorf("%d of 4000 are recorded", n)
	}
}

// FuzzAhead takes whatever a caller may say of its trace, and always tells a valid one.
func FuzzAhead(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=1", "who=me")
	f.Add("", "", "")
	f.Add("ff-0-0-0", "=,=", "=;=")
	s := newSampler(w3c, true)
	s.bound, s.parent = 0, false
	f.Fuzz(func(t *testing.T, parent, state, bag string) {
		h := http.Header{"Traceparent": {parent}, "Tracestate": {state}, "Baggage": {bag}}
		ctx, place := s.Ahead(context.Background(), h)
		ctx = in(ctx, h)
		told := trace.SpanContextFromContext(w3c.Extract(context.Background(), propagation.HeaderCarrier(h)))
		if place.Recorded || told.TraceID() != trace.SpanContextFromContext(ctx).TraceID() || !told.IsValid() || told.IsSampled() {
			t.Fatalf("%v", h)
		}
	})
}

// BenchmarkAhead is what a request costs that is not recorded.
func BenchmarkAhead(b *testing.B) {
	b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	b.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
	s := NewSampler()
	for name, in := range map[string]string{"begins here": "", "begun": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h := http.Header{}
				if in != "" {
					h["Traceparent"] = []string{in}
				}
				s.Ahead(context.Background(), h)
			}
		})
	}
}
