package gateway

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	caddytracing "github.com/caddyserver/caddy/v2/modules/caddyhttp/tracing"
	"go.opentelemetry.io/otel/trace"

	"github.com/wicketgate/wicketgate/internal/tracing"
)

// trace has deliveries, which belong to no request, traced by what Caddy's directive tracing, or api_tracing, traces requests
// with, where any site of the configuration has one.
func (a *App) trace() {
	app, err := a.ctx.AppIfConfigured("http")
	if err != nil {
		return // nobody is served
	}
	for _, server := range app.(*caddyhttp.App).Servers {
		if t := tracingIn(server.Routes); t != nil {
			traceBy(t)
			return
		}
		for _, named := range server.NamedRoutes {
			if t := tracingIn(caddyhttp.RouteList{*named}); t != nil {
				traceBy(t)
				return
			}
		}
	}
}

// unrecordedVar is the variable of a request with which a trace begins that is not recorded, and that only its header tells of.
const unrecordedVar = "api_tracing_unrecorded"

// Unrecorded says whether a trace that is not recorded begins with a request, and only its header tells of it.
func Unrecorded(r *http.Request) bool {
	is, _ := caddyhttp.GetVar(r.Context(), unrecordedVar).(bool)
	return is
}

// SetUnrecorded says so.
func SetUnrecorded(vars map[string]any) { vars[unrecordedVar] = true }

// tracingIn finds one of the directives among handlers; nil for none.
func tracingIn(routes caddyhttp.RouteList) *caddytracing.Tracing {
	for _, r := range routes {
		for _, h := range r.Handlers {
			switch h := h.(type) {
			case *caddytracing.Tracing:
				return h
			case interface{ Recording() *caddytracing.Tracing }: // api_tracing, which has Caddy's within
				return h.Recording()
			case *caddyhttp.Subroute:
				if t := tracingIn(h.Routes); t != nil {
					return t
				}
			}
		}
	}
	return nil
}

// traceBy learns what a handler makes spans with, which Caddy tells nobody but the handlers behind it. The request that asks is
// in a trace that is not recorded, so that it is in none; where a sampler does not heed that, there is a span that says what
// it is.
func traceBy(t *caddytracing.Tracing) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://localhost/", nil)
	if err != nil {
		return
	}
	r.Header.Set("Traceparent", "00-00000000000000000000000000000001-0000000000000001-00")
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nowhere{}, &caddyhttp.Server{})
	t.ServeHTTP(nowhere{}, r, caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error { //nolint:errcheck // it has none
		span := trace.SpanFromContext(r.Context())
		span.SetName("api_gateway starts")
		tracing.By(span.TracerProvider())
		return nil
	}))
}

// nowhere is where nothing is answered.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
