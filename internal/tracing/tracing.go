// Package tracing tells a request's way as spans of OpenTelemetry, below the span that Caddy's directive tracing began, with
// attributes by OpenTelemetry's semantic conventions 1.43. What a stage took is known when the request has been answered, so
// that its span costs nothing unless the trace is one of those that are recorded; only what others are to continue has its
// span begun before they are asked.
//
// No attribute has a credential in it, a query, or a word of the client's besides the path: of addresses, the query is left
// out, and of third parties' the path too, where operators may have written secrets.
package tracing

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"go.opentelemetry.io/contrib/propagators/autoprop" // which Caddy's directive tracing reads OTEL_PROPAGATORS with
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// scope is the instrumentation scope of all spans.
const scope = "github.com/wicketgate/wicketgate"

// Attributes of the gateway's own, besides the conventions'.
const (
	attrAPI         = attribute.Key("wicketgate.api")
	attrVersion     = attribute.Key("wicketgate.version")
	attrConsumer    = attribute.Key("wicketgate.consumer")
	attrDecision    = attribute.Key("wicketgate.decision")
	attrRequest     = attribute.Key("wicketgate.request_id")
	attrStage       = attribute.Key("wicketgate.stage")
	attrProblem     = attribute.Key("wicketgate.problem")
	attrUpstream    = attribute.Key("wicketgate.upstream")
	attrIntegration = attribute.Key("wicketgate.integration")
)

// unnamed is what Caddy's directive calls its spans where the operator gives them no name.
const unnamed = "handler"

// upstream is the stage whose span is begun before it is over.
const upstream = "upstream"

// propagator is what Caddy's directive takes traces out of header fields with, too: of OTEL_PROPAGATORS, or W3C's.
var propagator = sync.OnceValue(func() propagation.TextMapPropagator { return autoprop.NewTextMapPropagator() })

func tracer(by trace.TracerProvider) trace.Tracer {
	return by.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
}

// Recorded says whether the request of a context is in a trace that is recorded. It looks far, and so is for whoever makes an
// exchange.
func Recorded(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Served tells what became of a request, if it is recorded: on the span that Caddy's directive began, and in one for each
// lap of its time. route is the path of its route with all that stands before it, "" for none.
func Served(ctx context.Context, x *exchange.Exchange, route string) {
	if !x.Recorded {
		return
	}
	span := trace.SpanFromContext(ctx)
	attrs := []attribute.KeyValue{attrRequest.String(x.ID)}
	add := func(key attribute.Key, value string) {
		if value != "" {
			attrs = append(attrs, key.String(value))
		}
	}
	add(semconv.HTTPRouteKey, route)
	add(attrAPI, x.API)
	add(attrVersion, x.Version)
	if x.Consumer != nil {
		add(attrConsumer, x.Consumer.ID)
	}
	if x.Decision != nil {
		add(attrDecision, x.Decision.ID())
	}
	span.SetAttributes(append(attrs, ended(span, x.Ended, x.Problem, x.Problem != nil && x.Problem == x.Broken)...)...)
	if named, ok := span.(interface{ Name() string }); ok && named.Name() == unnamed && route != "" {
		span.SetName(x.Method + " " + route)
	}
	laps(ctx, span, x)
}

// ended says how a stage ended a request; nothing where none did. What is the client's doing is no error of a server's
// span, nor of one within it.
func ended(span trace.Span, stage string, prob *problem.Problem, broken bool) (attrs []attribute.KeyValue) {
	if stage != "" {
		attrs = append(attrs, attrStage.String(stage))
	}
	if prob == nil {
		return attrs
	}
	attrs = append(attrs, attrProblem.String(prob.Type.Slug()))
	if prob.StatusCode() >= 500 || broken {
		attrs = append(attrs, semconv.ErrorTypeKey.String(prob.Type.Slug()))
		span.SetStatus(codes.Error, "")
	}
	return attrs
}

// laps makes spans of the laps of a request's time, but for those that were spent on the upstream: they are one, which was
// begun when it was asked.
func laps(ctx context.Context, span trace.Span, x *exchange.Exchange) {
	by := tracer(span.TracerProvider())
	all := x.Times.Laps()
	last := len(all) - 1 // of the stage that ended the request
	for ; last >= 0 && (x.Problem == nil || all[last].Name != x.Ended || waits(&all[last])); last-- {
		continue
	}
	at := x.Times.Began()
	waited := at
	for i, l := range all {
		began := at
		at = at.Add(l.Took)
		if waits(&l) {
			waited = at
			continue
		}
		name := l.Name
		if l.Back && name != "answer" {
			name += " back"
		}
		_, s := by.Start(ctx, name, trace.WithTimestamp(began), trace.WithAttributes(attrStage.String(l.Name)))
		if i == last {
			s.SetAttributes(ended(s, "", x.Problem, x.Problem == x.Broken)...)
		}
		s.End(trace.WithTimestamp(at))
	}
	if x.Context == nil {
		return
	}
	if asked := trace.SpanFromContext(x.Context); asked != span && asked.IsRecording() {
		if last < 0 {
			asked.SetAttributes(ended(asked, "", x.Problem, x.Problem == x.Broken && x.Problem != nil)...)
		}
		asked.End(trace.WithTimestamp(waited))
	}
}

// waits says whether a lap was spent on the upstream.
func waits(l *exchange.Lap) bool { return l.Name == upstream && !l.Back }

// Upstream begins the span of the stage upstream, if the request is recorded: it gives the request that those who are asked
// continue. Served ends it.
func Upstream(out *http.Request, x *exchange.Exchange) *http.Request {
	if !x.Recorded {
		return out
	}
	span := trace.SpanFromContext(out.Context())
	ctx, _ := tracer(span.TracerProvider()).Start(out.Context(), upstream, trace.WithAttributes(attrStage.String(upstream)))
	x.Context = ctx
	return out.WithContext(ctx)
}

// Stage tells of a stage that stands alone, if the request is recorded: x.Times are its own.
func Stage(ctx context.Context, x *exchange.Exchange, prob *problem.Problem) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	if prob != nil {
		span.SetAttributes(append(ended(span, x.Ended, prob, false), attrRequest.String(x.ID))...)
	}
	by, at := tracer(span.TracerProvider()), x.Times.Began()
	for _, l := range x.Times.Laps() {
		began := at
		at = at.Add(l.Took)
		name := l.Name
		if l.Back {
			name += " back"
		} else if name == upstream {
			continue // other handlers' time
		}
		_, s := by.Start(ctx, name, trace.WithTimestamp(began), trace.WithAttributes(attrStage.String(l.Name)))
		if prob != nil && l.Name == x.Ended {
			s.SetAttributes(ended(s, "", prob, false)...)
		}
		s.End(trace.WithTimestamp(at))
	}
}

// template is the path that a service is asked for with its route's parameters in it, "" where that is not known.
func template(x *exchange.Exchange) string {
	_, path, ok := strings.Cut(x.Route, " ")
	if !ok || x.Target == "" {
		return ""
	}
	before := strings.Count(x.Target, "/") - strings.Count(path, "/")
	if before < 0 {
		return ""
	}
	at := 0
	for range before {
		at += 1 + strings.IndexByte(x.Target[at+1:], '/')
	}
	return x.Target[:at] + path
}
