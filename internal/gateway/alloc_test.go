//go:build !race

// The race detector makes sync.Pool forget, so allocations are counted without it.

package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// guarded has every stage that needs no policy.
var guarded = map[string]string{
	"partners.keys": acme + "\n",
	"order.json": `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["customer","qty"],"additionalProperties":false,
  "properties":{"id":{"type":"string"},"customer":{"type":"object","properties":{"name":{"type":"string"},"email":{"type":"string","format":"email"}}},"qty":{"type":"integer"},"status":{"enum":["open","closed"]}}}`,
	"shop.hcl": `
identity "partners" {
  api_key { keys = "partners.keys" }
}
upstream "shop" { servers = ["http://127.0.0.1:1"] }
limit "callers" {
  key = consumer.id
  quota "minute" {
    requests = 1000000
    window   = "1m"
  }
  quota "day" {
    requests = 100000000
    window   = "24h"
  }
}
api "shop" {
  base_path = "/api"
  upstream  = upstream.shop
  identify  = [identity.partners]
  limits    = [limit.callers]
  authorize = public
  versioning { path = true }
  object "order" { schema = "order.json" }
  route "GET /status" {}
  route "GET /orders/{id}" { returns = object.order }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
    rule "some" {
      when   = body.qty > 0
      detail = "none"
    }
    rule "few" {
      when   = body.qty < 100
      detail = "many"
    }
    rule "open" {
      when   = body.status != "closed"
      detail = "closed"
    }
  }
  version "v1" { released = "2024-01-01" }
  version "v2" {
    released = "2025-01-01"
    change "customer" {
      summary = "The buyer is called customer."
      on      = object.order
      rename "buyer" { to = "customer" }
    }
  }
}
`,
}

// nowhere is where answers go that nobody looks at.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(status int)      { n.status = status }

// TestPipelineAllocates holds what requests allocate on their way through all stages and back, beside what makes the request and
// sends it on: a stage that begins to allocate more is seen here. A bound is what was counted when it was written; where
// one is to grow, its commit says what for.
func TestPipelineAllocates(t *testing.T) {
	g, upstreams, diags := catalogued(t, guarded)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	const order, old = `{"id":"1","customer":{"name":"Ada","email":"ada@example.org"},"qty":7,"status":"open"}`, `{"id":"1","buyer":{"name":"Ada","email":"ada@example.org"},"qty":7,"status":"open"}`
	for name, c := range map[string]struct {
		method, path, body, answer string
		status                     int
		most                       float64
	}{
		"no body":                    {"GET", "/api/v2/status", "", `{"ok":true}`, 200, 28},
		"the newest":                 {"GET", "/api/v2/orders/1", "", order, 200, 28},
		"an older one":               {"GET", "/api/v1/orders/1", "", order, 200, 30},
		"validated":                  {"POST", "/api/v2/orders", order, order, 200, 42},
		"validated, of an older one": {"POST", "/api/v1/orders", old, order, 200, 45},
		"denied":                     {"GET", "/api/v2/nothing", "", "", 404, 28},
	} {
		t.Run(name, func(t *testing.T) {
			upstreams["shop"].answer = c.answer
			original, err := http.NewRequestWithContext(t.Context(), c.method, "https://api.example"+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{"X-Api-Key": {acmeKey}, "Content-Type": {"application/json"}}
			answer := &nowhere{}
			make := func() *http.Request {
				r := original.WithContext(original.Context())
				u := *original.URL
				r.URL, r.Header = &u, header.Clone()
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(c.body))), int64(len(c.body))
				answer.header, answer.status = http.Header{}, 0
				return r
			}
			everything := func(string) bool { return true }
			from := netip.MustParseAddr("192.0.2.7")
			serve := func() {
				x := &exchange.Exchange{}
				_, _ = g.Serve(answer, make(), x, from, everything)
			}
			serve()
			if answer.status != c.status {
				t.Fatalf("answered %d", answer.status)
			}
			beside := testing.AllocsPerRun(100, func() { make() })
			if n := testing.AllocsPerRun(200, serve) - beside; n > c.most {
				t.Errorf("%v allocations, %v were enough", n, c.most)
			}
		})
	}
}
