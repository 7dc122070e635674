package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/usage"
)

// reported asks for the usage; the status is that of the answer, and the text what is no report.
func (s *server) reported(query string) (r usage.Report, status int, text string) {
	s.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/usage?%s", s.admin, query))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &r); err != nil {
			s.t.Fatal(err)
		}
	}
	return r, res.StatusCode, string(body)
}

// TestUsage tells who calls what, over a reload and a restart, and warns of a version that ends and is called.
func TestUsage(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	s := start(t, func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "level ERROR", "level WARN\n\t\toutput file "+log, 1)
		s.replace("examples/shop/shop.hcl", `sunset     = "2030-03-01"`, `sunset     = "2099-03-01"`)
	})
	const body = `{"customer":{"name":"Ada","email":"ada@example.org"},"currency":"EUR","total":{"amount":1230},"lines":[{"sku":"A-1","qty":2}]}`
	calls := func() {
		t.Helper()
		for _, c := range []struct {
			method, path, body string
			fields             []string
			status             int
		}{
			{"GET", "/api/v1/orders/acme-1001", "", []string{"X-API-Key: " + acme}, 200},
			{"GET", "/api/v1/orders/acme-1001", "", []string{"X-API-Key: " + acme}, 200},
			{"GET", "/api/orders/acme-1001", "", []string{"X-API-Key: " + acme, "Shop-Version: v1"}, 200},
			{"GET", "/api/v1/orders/acme-1001", "", nil, 401},
			{"POST", "/api/2026-11-01/orders", body, []string{"X-API-Key: " + globex, "Content-Type: application/json"}, 200},
			{"GET", "/elsewhere", "", nil, 404},
		} {
			if a := s.do(s.client(true), c.method, c.path, c.body, c.fields...); a.status != c.status {
				t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
			}
		}
	}
	check := func(times uint64) {
		t.Helper()
		r, status, text := s.reported("since=1h")
		if status != http.StatusOK {
			t.Fatal(status, text)
		}
		got := map[string]usage.Row{}
		for _, row := range r.Rows {
			got[row.Consumer+" "+row.Version+" "+row.Selected] = row
		}
		type numbers struct{ requests, denied, errors uint64 }
		want := map[string]numbers{"acme v1 path": {2, 0, 0}, "acme v1 header": {1, 0, 0}, "(anonymous) v1 path": {1, 1, 0}, "globex 2026-11-01 path": {1, 0, 0}}
		if len(got) != len(want) {
			t.Errorf("%d rows: %s", len(got), text)
		}
		for name, n := range want {
			row := got[name]
			if (numbers{row.Requests, row.Denied, row.Errors}) != (numbers{n.requests * times, n.denied * times, 0}) {
				t.Errorf("%s: %+v, want %d times %v", name, row, times, n)
			}
			if row.API != "orders" || row.Mean <= 0 || row.Slowest < row.Mean || row.Out == 0 || time.Since(row.Last) > time.Minute {
				t.Errorf("%s: %+v", name, row)
			}
		}
		if in := got["globex 2026-11-01 path"].In; in != times*uint64(len(body)) {
			t.Errorf("%d bytes came in, want %d times %d", in, times, len(body))
		}
		if len(r.Ending) != 1 || r.Ending[0].Version != "v1" || r.Ending[0].Callers != 2 || !slices.Contains(r.Ending[0].Consumers, "(anonymous)") || len(r.Ending[0].Changes) == 0 {
			t.Errorf("what ends is %+v", r.Ending)
		}
	}
	warned := func(times int) {
		t.Helper()
		s.within(10*time.Second, "the log warns", func() bool {
			text, err := os.ReadFile(log)
			return err == nil && strings.Count(string(text), `"a version that ends is still called","api":"orders","version":"v1"`) >= times
		})
	}
	calls()
	check(1)
	if v := s.metric("caddy_api_gateway_usage_failing"); v != "0" {
		t.Errorf("that it is kept is told as %q", v)
	}
	s.replace("examples/shop/shop.hcl", "2099-03-01", "2099-04-01") // a load of files
	warned(1)
	calls()
	if err := s.load(); err != nil { // a reload of Caddy
		t.Fatal(err)
	}
	check(2)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	s.trust()
	check(2)
	warned(2)
	calls()
	check(3)
	for _, c := range []struct {
		query  string
		status int
		text   string
	}{
		{"version=v9", 404, "there is no version \\\"v9\\\" in the catalogue"},
		{"api=order", 404, "Did you mean \\\"orders\\\"?"},
		{"since=401d", 400, "at most 400d"},
		{"since=never", 400, "such as 12h or 30d"},
		{"api=orders&version=v2", 200, `"rows":[]`},
	} {
		if _, status, text := s.reported(c.query); status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("%s: %d %s", c.query, status, text)
		}
	}
}

// TestUsageOff keeps nothing where it is off.
func TestUsageOff(t *testing.T) {
	s := start(t, func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "watch 10ms", "watch 10ms\n\t\tusage off", 1)
	})
	s.do(s.client(true), http.MethodGet, "/api/v1/orders/acme-1001", "", "X-API-Key: "+acme)
	if _, status, text := s.reported(""); status != http.StatusNotFound || !strings.Contains(text, "usage is off") {
		t.Errorf("%d %s", status, text)
	}
	if v := s.metric("caddy_api_gateway_usage_failing"); v != "" {
		t.Errorf("where nothing is kept the metric is %q", v)
	}
	if all, _ := filepath.Glob(filepath.Join(caddy.AppDataDir(), "api_gateway", "*")); len(all) > 0 {
		t.Errorf("there is %q", all)
	}
}
