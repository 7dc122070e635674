package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/drift"
)

func (s *server) drift() drift.Report {
	s.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/drift", s.admin))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var r drift.Report
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// TestResponses holds what the service answers against the newest shape, whatever version the caller speaks.
func TestResponses(t *testing.T) {
	s := start(t, func(s *server) {
		s.replace("examples/shop/shop.hcl", "  authorize = policy.shop.orders\n", "  authorize = policy.shop.orders\n  responses = \"report\"\n")
		s.replace("examples/shop/shop.hcl", `route "GET /orders/{id}" { returns = object.order }`, `route "GET /orders/{id}" {
    returns   = object.order
    responses = "enforce"
    response "404" { returns = { "lines[*]" = object.line } }
  }`)
	})
	key := "X-API-Key: " + acme
	drifted := strings.Replace(order, `"amount":1230`, `"amount":"12.30"`, 1)
	answer := func(status int, contentType, body string) {
		s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("the service was asked for %q", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	list := func(orders ...string) string { return `{"data":[` + strings.Join(orders, ",") + `]}` }
	for _, c := range []struct {
		name, path   string
		answered     int
		kind, answer string
		status       int
		body         string // a part of what the caller gets
	}{
		{"a list that is right", "/api/2026-11-01/orders", 200, "application/json", list(order), 200, `"A-1"`},
		{"a list that is right, to an older version", "/api/v2/orders", 200, "application/json", list(order), 200, `"article"`},
		{"a list that drifted passes", "/api/2026-11-01/orders", 200, "application/json", list(order, drifted, drifted), 200, `"12.30"`},
		{"what is called something else passes", "/api/2026-11-01/orders", 200, "text/html", "<p>hello", 200, "<p>hello"},
		{"one that is right", "/api/2026-11-01/orders/acme-1001", 200, "application/json", order, 200, `"A-1"`},
		{"one that drifted is refused", "/api/2026-11-01/orders/acme-1001", 200, "application/json", drifted, 502, `"status":502`},
		{"one that drifted is refused, in an older version", "/api/v2/orders/acme-1001", 200, "application/json", drifted, 502, `"status":502`},
		{"what is called something else is refused", "/api/2026-11-01/orders/acme-1001", 200, "text/html", "<p>hello", 502, `"status":502`},
		{"what is no JSON is refused", "/api/2026-11-01/orders/acme-1001", 200, "application/json", order + order, 502, `"status":502`},
		{"a status with another shape", "/api/2026-11-01/orders/acme-1001", 404, "application/json", `{"lines":[{"sku":"A-1","qty":1}]}`, 404, "A-1"},
		{"a status with another shape that drifted", "/api/2026-11-01/orders/acme-1001", 404, "application/json", `{"lines":[{"sku":7}]}`, 502, `"status":502`},
		{"a status of which nothing is said", "/api/2026-11-01/orders/acme-1001", 409, "text/plain", "busy", 409, "busy"},
	} {
		answer(c.answered, c.kind, c.answer)
		a := s.do(s.client(true), "GET", c.path, "", key)
		if a.status != c.status || !strings.Contains(a.body, c.body) || a.status == 502 && strings.ContainsAny(a.body, "<7") && strings.Contains(a.body, "sku") {
			t.Errorf("%s: got %d %s", c.name, a.status, a.body)
		}
	}
	found := map[string]drift.Found{}
	for _, f := range s.drift().Routes {
		if f.API != "orders" || f.Version != "2026-11-01" {
			t.Errorf("a report of %+v", f)
		}
		found[f.Route] = f
	}
	if f := found["GET /orders"]; f.Enforced || f.Checked != 4 || f.Drifted != 2 || len(f.Findings) != 2 ||
		f.Findings[1].Pointer != "/data/*/total/amount" || f.Findings[1].Keyword != "type" || f.Findings[1].Count != 1 {
		t.Errorf("got %+v", f)
	}
	if f := found["GET /orders/{id}"]; !f.Enforced || f.Checked != 7 || f.Drifted != 5 {
		t.Errorf("got %+v", f)
	}
	if n := s.metric(`caddy_api_gateway_answers_checked_total{api="orders",result="drifted"}`); n != "7" {
		t.Errorf("counted %q", n)
	}
	// A swap keeps what was found of routes that are still there.
	s.replace("examples/shop/shop.hcl", "responses = \"enforce\"", "responses = \"off\"")
	s.within(10*time.Second, "the swap", func() bool { return len(s.drift().Routes) == len(found)-1 })
	if f := s.drift().Routes[0]; f.Checked != 4 {
		t.Errorf("after the swap: %+v", f)
	}
}

// TestResponsesPass sends answers that only are looked at: none is held up, and none is another than the service's.
func TestResponsesPass(t *testing.T) {
	s := start(t, people(`responses = "report"`, `route "GET /all" { returns = object.person }`))
	sent := make(chan struct{})
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if r.URL.Query().Has("json") {
			w.Header().Set("Content-Type", "application/json")
		}
		io.WriteString(w, `{"name":`)
		http.NewResponseController(w).Flush()
		<-sent // until the caller has the first part
		io.WriteString(w, `7}`)
	})
	for _, query := range []string{"", "?json"} {
		res, err := s.client(true).Get(fmt.Sprintf("https://localhost:%d/people/all%s", s.port, query))
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(res.Body)
		if first, err := in.Peek(8); err != nil || string(first) != `{"name":` {
			t.Fatalf("got %q, %v", first, err)
		}
		sent <- struct{}{}
		if rest, err := io.ReadAll(in); err != nil || string(rest) != `{"name":7}` {
			t.Errorf("got %q, %v", rest, err)
		}
		res.Body.Close()
	}
	large := `{"name":"` + strings.Repeat("x", 2<<20) + `"}`
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Has("coded") {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, zipped(`{"name":7}`))
			return
		}
		if r.URL.Query().Has("flush") {
			http.NewResponseController(w).Flush()
		}
		io.WriteString(w, large)
	})
	for path, want := range map[string]string{"/people/all": large, "/people/all?flush": large, "/people/all?coded": zipped(`{"name":7}`)} {
		if a := s.do(s.client(true), "GET", path, "", "Accept-Encoding: identity"); a.status != 200 || a.body != want {
			t.Errorf("%s: got %d, %d bytes", path, a.status, len(a.body))
		}
	}
	s.within(10*time.Second, "all are counted", func() bool {
		f := s.drift().Routes[0]
		return f.Checked == 2 && f.Drifted == 2 && f.TooLarge == 2 && f.Unread == 1 && f.Broken == 0
	})
}
