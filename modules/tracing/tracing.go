// Package tracing faces Caddy for traces: the directive api_tracing, which is Caddy's tracing for those requests alone that are
// recorded.
package tracing

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	caddytracing "github.com/caddyserver/caddy/v2/modules/caddyhttp/tracing"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/tracing"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler is Caddy's directive tracing, with the same words and spans, at a small part of its cost: it decides ahead whether a
// request is recorded, as OTEL_TRACES_SAMPLER and the caller's traceparent say, and only then has Caddy begin a span. Every other
// request goes on with a traceparent that says that it is not recorded, and with its tracestate and baggage, as Caddy would send
// it on.
type Handler struct {
	// The name of the span, which may have placeholders. Default: method and route, as in GET /api/v2/orders/{id}, or
	// handler where no API claims the request.
	SpanName string `json:"span,omitempty"`

	// Attributes of the span besides those of the conventions, by their names; values may have placeholders. Default: none.
	SpanAttributes map[string]string `json:"span_attributes,omitempty"`

	caddy   caddytracing.Tracing
	sampler *tracing.Sampler
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_tracing",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision makes Caddy's handler ready.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.caddy.SpanName, h.caddy.SpanAttributes = h.SpanName, h.SpanAttributes
	h.sampler = tracing.NewSampler()
	return h.caddy.Provision(ctx)
}

// Cleanup lets go of what exports spans.
func (h *Handler) Cleanup() error { return h.caddy.Cleanup() }

// Recording is the handler that begins spans.
func (h *Handler) Recording() *caddytracing.Tracing { return &h.caddy }

// ServeHTTP hands a request on, within a span if it is recorded.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	ctx, place := h.sampler.Ahead(r.Context(), r.Header)
	if place.Recorded {
		if ctx != r.Context() { //nolint:contextcheck // it is made of the request's
			r = r.WithContext(ctx)
		}
		return h.caddy.ServeHTTP(w, r, next)
	}
	vars := gateway.Vars(ctx)
	if place.Alone {
		gateway.SetUnrecorded(vars)
	} else {
		r = r.WithContext(ctx)
	}
	vars["trace_id"], vars["span_id"] = place.Trace, place.Span // placeholders and logs have what Caddy gives them
	if extra := gateway.AccessFields(r); extra != nil {
		id, _ := place.Trace.(string)
		span, _ := place.Span.(string)
		extra.Add(zap.String("traceID", id))
		extra.Add(zap.String("spanID", span))
	}
	return next.ServeHTTP(w, r)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
