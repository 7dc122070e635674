package tracing

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Try is one time that a service is asked, as a span of the kind client. Where the request is not recorded it is the zero
// value, which tells nothing.
type Try struct{ span trace.Span }

// Service begins a try of an upstream's, which carries the trace on. Of a trace that is not recorded Caddy's directive has
// told the upstream already.
func Service(req *http.Request, x *exchange.Exchange, name string) Try {
	if !x.Recorded {
		return Try{}
	}
	path := template(x)
	t, ctx := begin(req.Context(), req, path, x.Tries-1, attrUpstream.String(name), semconv.URLFull(address(req.URL, true)))
	propagator().Inject(ctx, propagation.HeaderCarrier(req.Header))
	return t
}

// Party begins a try of a third party's. template is the path that it is asked for, with names in the place of values; again
// how often it was asked before. It carries the trace on, recorded or not, where carry says so, but no baggage: what
// the operator's services tell each other is not for others.
func Party(ctx context.Context, req *http.Request, name, template string, again int, carry bool) Try {
	span := trace.SpanFromContext(ctx)
	if !span.SpanContext().IsValid() {
		return Try{}
	}
	var t Try
	if span.IsRecording() {
		t, ctx = begin(ctx, req, template, again, attrIntegration.String(name), semconv.URLFull(address(req.URL, false)))
	}
	if carry {
		propagator().Inject(ctx, withoutBaggage{propagation.HeaderCarrier(req.Header)})
	}
	return t
}

// withoutBaggage takes the fields of a trace, but for those of its baggage.
type withoutBaggage struct{ propagation.HeaderCarrier }

// Set implements propagation.TextMapCarrier.
func (w withoutBaggage) Set(key, value string) {
	if !strings.EqualFold(key, "baggage") {
		w.HeaderCarrier.Set(key, value)
	}
}

func begin(ctx context.Context, req *http.Request, template string, again int, attrs ...attribute.KeyValue) (Try, context.Context) {
	name, original := method(req.Method)
	attrs = append(attrs, semconv.HTTPRequestMethodKey.String(name), semconv.ServerAddress(req.URL.Hostname()))
	if original {
		attrs = append(attrs, semconv.HTTPRequestMethodOriginal(req.Method))
	}
	if port, err := strconv.Atoi(portOf(req.URL)); err == nil {
		attrs = append(attrs, semconv.ServerPort(port))
	}
	if again > 0 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(again))
	}
	if original {
		name = "HTTP"
	}
	if template != "" {
		attrs = append(attrs, semconv.URLTemplate(template))
		name += " " + template
	}
	ctx, span := tracer(trace.SpanFromContext(ctx).TracerProvider()).Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	return Try{span}, ctx
}

// method is what the conventions call a method; others says that it is none of those that they know.
func method(m string) (name string, others bool) {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace, "QUERY":
		return m, false
	case "":
		return http.MethodGet, false
	}
	return "_OTHER", true
}

// address is an address without what may be a secret in it: the query, and of a third party's the path.
func address(u *url.URL, path bool) string {
	to := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
	if path {
		to.Path, to.RawPath = u.Path, u.RawPath
	}
	return to.String()
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// Answered says what was answered. The span ends with the body, which is another one from then on.
func (t Try) Answered(res *http.Response) {
	if t.span == nil {
		return
	}
	t.span.SetAttributes(semconv.HTTPResponseStatusCode(res.StatusCode), semconv.NetworkProtocolVersion(protocol(res)))
	if res.StatusCode >= 400 {
		t.fail(strconv.Itoa(res.StatusCode))
	}
	if res.Body == nil || res.Body == http.NoBody || res.StatusCode == http.StatusSwitchingProtocols {
		t.span.End()
		return
	}
	res.Body = &body{res.Body, t}
}

func protocol(res *http.Response) string {
	if res.ProtoMajor >= 2 {
		return strconv.Itoa(res.ProtoMajor)
	}
	return strconv.Itoa(res.ProtoMajor) + "." + strconv.Itoa(res.ProtoMinor)
}

// Failed says that there was no answer. late says that it did not come in time, where the error does not.
func (t Try) Failed(err error, late bool) {
	if t.span == nil {
		return
	}
	t.fail(kind(err, late))
	t.span.End()
}

func (t Try) fail(kind string) {
	t.span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	t.span.SetStatus(codes.Error, "")
}

// kind is what went wrong, without a word of anybody's.
func kind(err error, late bool) string {
	var timeout interface{ Timeout() bool }
	var network *net.OpError
	switch {
	case late, errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &network) && network.Op == "dial":
		return "connect"
	}
	return semconv.ErrorTypeOther.Value.AsString()
}

// body ends the span of a try when an answer has been read, or given up.
type body struct {
	io.ReadCloser
	try Try
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF: //nolint:errorlint // whatever else may be called so, only this is the end
		b.try.span.End()
	case err != nil:
		b.try.fail(kind(err, false))
		b.try.span.End()
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.try.span.End()
	return b.ReadCloser.Close()
}
