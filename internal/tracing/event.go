package tracing

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Context is where in a trace an event came from, in the form of W3C Trace Context. It is kept with the event; the zero value
// is of one that came in none.
type Context struct {
	Parent string `json:"parent,omitempty"` // traceparent
	State  string `json:"state,omitempty"`  // tracestate, at most maxState bytes; "" for none
}

// maxState bounds the tracestate that is kept, in bytes: the 512 that the standard asks of everybody (section 3.3.1.5).
const maxState = 512

// carried is a Context as a propagator sees it.
type carried struct{ *Context }

// Get implements propagation.TextMapCarrier.
func (c carried) Get(key string) string {
	if key == "tracestate" {
		return c.State
	}
	return c.Parent
}

// Set implements propagation.TextMapCarrier.
func (c carried) Set(key, value string) {
	switch {
	case key == "traceparent":
		c.Parent = value
	case len(value) <= maxState:
		c.State = value
	}
}

// Keys implements propagation.TextMapCarrier.
func (carried) Keys() []string { return []string{"traceparent", "tracestate"} }

// Put tells who gets the event where it came from, in the place of what its sender said.
func (c Context) Put(h http.Header) {
	if c.Parent == "" {
		return
	}
	h["Traceparent"] = []string{c.Parent}
	delete(h, "Tracestate")
	if c.State != "" {
		h["Tracestate"] = []string{c.State}
	}
}

// providers makes the spans of deliveries, which belong to no request: nil as long as nothing is traced.
var providers atomic.Pointer[trace.TracerProvider]

// By says what makes the spans of deliveries from now on.
func By(p trace.TracerProvider) { providers.Store(&p) }

// Event is what is told of an event.
type Event struct {
	To    string // the webhook's or subscriber's name
	ID    string
	Bytes int // of the body
}

func (e Event) attributes(operation attribute.KeyValue, name string) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingSystemKey.String("wicketgate"), operation, semconv.MessagingOperationName(name),
		semconv.MessagingDestinationName(e.To), semconv.MessagingMessageID(e.ID), semconv.MessagingMessageBodySize(e.Bytes),
	}
}

// Send tells of an event that is about to be kept, if its request is recorded, in a span of the kind producer, until end. c
// is for the event to carry on, recorded or not.
func Send(ctx context.Context, e Event) (c Context, end func(error)) {
	if ctx == nil {
		return c, func(error) {}
	}
	span := trace.SpanFromContext(ctx)
	if !span.SpanContext().IsValid() {
		return c, func(error) {}
	}
	end = func(error) {}
	if span.IsRecording() {
		ctx, span = tracer(span.TracerProvider()).Start(ctx, "send "+e.To, trace.WithSpanKind(trace.SpanKindProducer),
			trace.WithAttributes(e.attributes(semconv.MessagingOperationTypeSend, "send")...))
		end = func(err error) {
			if err != nil {
				Try{span}.fail(kind(err, false))
			}
			span.End()
		}
	}
	propagation.TraceContext{}.Inject(ctx, carried{&c})
	return c, end
}

// Deliver tells of an attempt to deliver an event, in a span of the kind consumer, until end says with which status it was
// answered, or why it was not. It is a child of the event's, so that one decision holds for whether all of a trace is
// recorded, and linked to it, as the conventions have it.
func Deliver(ctx context.Context, c Context, e Event) (_ context.Context, end func(status int, reason string)) {
	end = func(int, string) {}
	by := providers.Load()
	if c.Parent == "" || by == nil {
		return ctx, end
	}
	ctx = propagation.TraceContext{}.Extract(ctx, carried{&c})
	from := trace.SpanContextFromContext(ctx)
	if !from.IsValid() {
		return ctx, end
	}
	ctx, span := tracer(*by).Start(ctx, "process "+e.To, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(trace.Link{SpanContext: from}),
		trace.WithAttributes(e.attributes(semconv.MessagingOperationTypeProcess, "deliver")...))
	if !span.IsRecording() {
		return ctx, end
	}
	return ctx, func(status int, reason string) {
		switch {
		case reason != "":
			span.SetAttributes(semconv.ErrorTypeKey.String(reason))
			span.SetStatus(codes.Error, "")
		case status < 200 || status > 299:
			span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
