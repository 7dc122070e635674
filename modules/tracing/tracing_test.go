package tracing

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// BenchmarkHandler is what a request costs more that is not recorded, by this directive and by Caddy's: "alone" is the same without.
func BenchmarkHandler(b *testing.B) {
	b.Setenv("OTEL_TRACES_EXPORTER", "none")
	b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	b.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	h := &Handler{}
	if err := h.Provision(ctx); err != nil {
		b.Fatal(err)
	}
	defer h.Cleanup() //nolint:errcheck // nothing is exported
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return nil
	})
	original := httptest.NewRequest(http.MethodGet, "https://api.example/api/v1/orders?page=2", nil)
	for name, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"alone":       next.ServeHTTP,
		"api_tracing": func(w http.ResponseWriter, r *http.Request) error { return h.ServeHTTP(w, r, next) },
		"tracing":     func(w http.ResponseWriter, r *http.Request) error { return h.caddy.ServeHTTP(w, r, next) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w := httptest.NewRecorder()
			for b.Loop() {
				r := caddyhttp.PrepareRequest(original, caddy.NewReplacer(), nil, &caddyhttp.Server{})
				r.Header = http.Header{"User-Agent": {"curl/8.1"}}
				if err := serve(w, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
