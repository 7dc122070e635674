package accesslog

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/logging" // the writers

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// nowhere is where answers go that nobody looks at.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// BenchmarkHandler is what a request costs more with a line in a file: "alone" is the same without.
func BenchmarkHandler(b *testing.B) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	h := &Handler{WriterRaw: json.RawMessage(fmt.Sprintf(`{"output":"file","filename":%q,"roll":false}`, filepath.Join(b.TempDir(), "access.log")))}
	if err := h.Provision(ctx); err != nil {
		b.Fatal(err)
	}
	defer h.Cleanup() //nolint:errcheck // the file is gone by then
	body := make([]byte, 1024)
	x := &exchange.Exchange{ID: "0198c0de-0000-7000-8000-000000000002", API: "orders", Version: "v1", Selected: "path", Route: "GET /orders", Sent: true, Said: 200, Tries: 1, Consumer: &exchange.Consumer{ID: "acme"}, Decision: &exchange.Decision{}}
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		gateway.Describe(r, x)
		w.WriteHeader(http.StatusOK)
		_, err := w.Write(body)
		return err
	})
	original := httptest.NewRequest(http.MethodGet, "https://api.example/api/v1/orders?page=2", nil)
	original.Header = http.Header{"User-Agent": {"curl/8.1"}, "Accept": {"*/*"}, "X-Api-Key": {"wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"}}
	for name, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"alone":  next.ServeHTTP,
		"logged": func(w http.ResponseWriter, r *http.Request) error { return h.ServeHTTP(w, r, next) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := caddyhttp.PrepareRequest(original, caddy.NewReplacer(), nil, &caddyhttp.Server{})
				if err := serve(nowhere{http.Header{}}, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
