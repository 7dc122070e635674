package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// batches is an API whose requests cost as much as their list has members, which older callers call otherwise.
var batches = map[string]string{
	"batches.hcl": `
upstream "new" { servers = ["https://new.example"] }
limit "items" {
  cost = len(body.items)
  quota "hourly" {
    requests = 20
    window   = "1h"
  }
}
limit "traffic" {
  cost = request.size
  quota "bytes" {
    requests = 10000
    window   = "1h"
  }
}
api "batches" {
  upstream  = upstream.new
  identify  = [anonymous]
  authorize = public
  formats   = ["json", "xml"]
  versioning { path = true }
  object "batch" { schema = "batch.json" }
  route "POST /batches" {
    accepts = object.batch
    limits  = [limit.items, limit.traffic]
  }
  version "v1" { released = "2023-01-01" }
  version "v2" {
    released = "2024-01-01"
    change "items" {
      summary = "rows are called items."
      on      = object.batch
      rename "rows" { to = "items" }
    }
  }
}
`,
	"batch.json": `{"type": "object", "properties": {"items": {"type": "array", "items": {"type": "integer"}, "xml": {"wrapped": true}}}, "required": ["items"]}`,
}

// What a request costs is read in the shape that the rules and the service see, whoever sends it; and a body that never
// gets there costs 1.
func TestCostOfBodies(t *testing.T) {
	g, _, diags := catalogued(t, batches)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	large := strings.Repeat(" ", 5000)
	for i, step := range []struct {
		path, kind, body string
		status           int
		left             string // of items
	}{
		{"v2", "application/json", `{"items": [1, 2, 3]}`, 200, "17"},
		{"v1", "application/json", `{"rows": [1, 2]}`, 200, "15"},
		{"v1", "application/xml", `<batch><rows><rows>1</rows></rows></batch>`, 200, "14"},
		{"v2", "application/json", `{"items": []}`, 200, "14"},
		{"v2", "application/json", `{"items": ["a", "b", "c"]}`, 422, "13"},
		{"v2", "application/json", `{"items": [1`, 400, "12"},
		{"v2", "text/plain", `1, 2`, 415, "11"},
		{"v2", "application/json", `{"items": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}`, 429, "11"},
		{"v2", "application/json", `{"items": [1]}` + large, 200, "10"},
		{"v2", "application/json", `{"items": [1]}` + large, 429, "10"}, // the traffic is used up
		{"v2", "application/json", `{"items": [` + strings.Repeat("1,", 20) + `1]}`, 429, ""},
	} {
		w, x := g.sent(step.path, step.kind, step.body)
		policy, state := x.Answer.Get("RateLimit-Policy"), x.Answer.Get("RateLimit")
		want := ""
		if step.left != "" {
			want = `"hourly";r=` + step.left
		}
		if w.Code != step.status || !strings.HasPrefix(state, want) || policy != `"hourly";q=20;w=3600, "bytes";q=10000;w=3600;qu="content-bytes"` {
			t.Errorf("step %d: got %d, %s, %s: %s", i, w.Code, policy, state, strings.TrimSpace(w.Body.String()))
		}
	}
}

// An API whose every request costs what its body says is described to its callers, for 1: they send no body.
func TestCostOfDescriptions(t *testing.T) {
	g, _, diags := catalogued(t, map[string]string{"api.hcl": `
upstream "one" { servers = ["https://one.example"] }
limit "items" {
  cost = len(body.items)
  quota "hourly" {
    requests = 2
    window   = "1h"
  }
}
api "one" {
  upstream  = upstream.one
  identify  = [anonymous]
  authorize = public
  limits    = [limit.items]
  object "batch" { schema = "batch.json" }
  route "POST /batches" { accepts = object.batch }
}
`, "batch.json": batches["batch.json"]})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for i, want := range []int{200, 200, 429} {
		w := httptest.NewRecorder()
		x := &exchange.Exchange{}
		r := httptest.NewRequest(http.MethodGet, "https://api.example/openapi.json", nil)
		_, _ = g.Serve(w, r, x, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true }) // its error is what was answered
		if left := max(1-i, 0); w.Code != want || !strings.HasPrefix(x.Answer.Get("RateLimit"), fmt.Sprintf(`"hourly";r=%d;`, left)) {
			t.Errorf("request %d: got %d, %v: %s", i, w.Code, x.Answer, w.Body)
		}
	}
}

// Such an API has routes that only read, whose requests cost 1 or what the expression says without a body; on those that write,
// a body that lacks what is counted is none of these.
func TestCostWithoutBody(t *testing.T) {
	g, _, diags := catalogued(t, map[string]string{"api.hcl": `
upstream "one" { servers = ["https://one.example"] }
limit "items" {
  cost = len(body.items)
  quota "hourly" {
    requests = 20
    window   = "1h"
  }
}
limit "writes" {
  cost = request.method == "GET" ? 5 : len(body.items)
  quota "daily" {
    requests = 40
    window   = "24h"
  }
}
api "one" {
  upstream  = upstream.one
  identify  = [anonymous]
  authorize = public
  limits    = [limit.items, limit.writes]
  object "batch" { schema = "batch.json" }
  route "GET /batches" { returns = object.batch }
  route "POST /batches" { accepts = object.batch }
  route "POST /raw" {}
}
`, "batch.json": batches["batch.json"]})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for i, step := range []struct {
		method, path, body string
		status             int
		left               string
	}{
		{"GET", "/batches", "", 200, `"hourly";r=19;t=180, "daily";r=35;t=2160`},
		{"POST", "/batches", `{"items": [1, 2]}`, 200, `"hourly";r=17;t=180, "daily";r=33;t=2160`},
		{"POST", "/batches", "", 400, `"hourly";r=16;t=180, "daily";r=32;t=2160`},
		{"POST", "/raw", "", 200, `"hourly";r=15;t=180, "daily";r=31;t=2160`},
		{"POST", "/raw", "{}", 403, ""},
		{"GET", "/batches", "{}", 403, ""},
	} {
		w, x := httptest.NewRecorder(), &exchange.Exchange{}
		r := httptest.NewRequest(step.method, "https://api.example"+step.path, strings.NewReader(step.body))
		if r.Header.Set("Content-Type", "application/json"); step.body == "" {
			r.Body = http.NoBody
		}
		_, _ = g.Serve(w, r, x, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true }) // its error is what was answered
		if got := x.Answer.Get("RateLimit"); w.Code != step.status || got != step.left {
			t.Errorf("step %d: got %d, %s: %s", i, w.Code, got, w.Body)
		}
	}
}

// sent posts a batch, in JSON or in XML.
func (g *Gateway) sent(version, kind, body string) (*httptest.ResponseRecorder, *exchange.Exchange) {
	r := httptest.NewRequest(http.MethodPost, "https://api.example/"+version+"/batches", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	x := &exchange.Exchange{}
	_, _ = g.Serve(w, r, x, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true }) // its error is what was answered
	return w, x
}

// stuck is a service that answers when it is told to, or never.
type stuck struct {
	came chan struct{}
	free chan func(http.ResponseWriter) error
}

func (s *stuck) Forward(w http.ResponseWriter, _ *http.Request, _ *exchange.Exchange) error {
	s.came <- struct{}{}
	return (<-s.free)(w)
}

const oneAtOnce = `
  identify = [anonymous]
  limits   = [limit.one]
  route "GET /orders" {}
  route "POST /orders" {
    rule "never" {
      when   = request.method == "GET"
      detail = "no"
    }
  }
}
limit "one" { concurrent = 1 }
api "other" {
  base_path = "/other"
  upstream  = upstream.shop
  identify  = [anonymous]
  authorize = public
  route "GET /" {}
`

// A request has its place for as long as it is under way, however it ends.
func TestPlaceIsFreeAtTheEnd(t *testing.T) {
	s := &stuck{make(chan struct{}), make(chan func(http.ResponseWriter) error)}
	g := serving(t, s, acme, oneAtOnce)
	for _, test := range []struct {
		name string
		end  func(http.ResponseWriter) error
	}{
		{"an answer", func(w http.ResponseWriter) error { w.WriteHeader(200); return nil }},
		{"a caller who is gone", func(http.ResponseWriter) error { return fmt.Errorf("gone") }},
		{"an answer that breaks off", func(http.ResponseWriter) error { panic(http.ErrAbortHandler) }},
		{"an answer at last", func(w http.ResponseWriter) error { w.WriteHeader(200); return nil }},
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { recover() }() //nolint:errcheck // as Go's server does
			send(g, "GET https://shop.example/orders")
		}()
		<-s.came
		if w := send(g, "GET https://shop.example/orders"); w.Code != 429 || w.Header().Get("RateLimit") != `"concurrent";r=0` {
			t.Errorf("%s: a second got %d %v", test.name, w.Code, w.Header())
		}
		s.free <- test.end
		<-done
		if w := send(g, "POST https://shop.example/orders"); w.Code != 422 { // which is refused behind the limit
			t.Errorf("%s: then got %d %s", test.name, w.Code, w.Body)
		}
	}
}

// A mistake of a limit is told once, whatever else is looked for when the catalogue has some.
func TestLimitMistakesAreToldOnce(t *testing.T) {
	_, diags := build(t, &service{}, acme, `
  identify = [anonymous]
  limits   = [limit.none, limit.twice]
  route "GET /orders" { limits = [limit.twice] }
}
limit "none" { key = client.address }
limit "twice" { concurrent = 1 }
limit "planned" {
  concurrent = 1
  plan "gold" {
    quota "daily" {
      requests = 1
      window   = "24h"
    }
  }
}
api "other" {
  base_path = "/other"
  upstream  = upstream.shop
  identify  = [anonymous]
  authorize = public
  limits    = [limit.planned]
  route "GET /" {}
`)
	var got []string
	for _, d := range diags {
		got = append(got, d.Summary)
	}
	if want := []string{"Incomplete block", "Unknown quota", "Duplicate limit"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
