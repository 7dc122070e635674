package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/otlptest"
)

// traced has the site's requests traced by the gateway's directive.
func traced(s *server) { tracedBy("api_tracing")(s) }

// tracedBy has them traced by Caddy's, or by the gateway's.
func tracedBy(directive string) func(*server) {
	return func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "\ttls internal\n", "\ttls internal\n\t"+directive+"\n", 1)
	}
}

// parent makes the field by which a caller says which trace a request is in.
func parent(trace, flags string) string {
	return "Traceparent: 00-" + trace + "-00f067aa0ba902b7-" + flags
}

// traceOf makes the id of a trace.
func traceOf(n int) string { return fmt.Sprintf("4bf92f3577b34da6a3ce929d%08x", n) }

// complete says whether the span of Caddy's directive, which ends last, is there.
func complete(all []otlptest.Span) bool {
	return slices.ContainsFunc(all, func(s otlptest.Span) bool { return s.Kind == "server" })
}

// has checks some attributes of a span; "" is for one that it must not have.
func has(t *testing.T, s otlptest.Span, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got, there := s.Attributes[name]; got != value || there != (value != "") {
			t.Errorf("%s: %s is %q, want %q", s.Name, name, got, value)
		}
	}
}

func namesOf(all []otlptest.Span) (names []string) {
	for _, s := range all {
		names = append(names, s.Kind+" "+s.Name)
	}
	return names
}

// TestTraces asks the shop and looks at what is exported: a span for each stage below the one that Caddy's directive began, by
// the time it took, and one for each try of the upstream, which carries the trace on. It is the same by both directives.
func TestTraces(t *testing.T) {
	for _, directive := range []string{"tracing", "api_tracing"} {
		t.Run(directive, func(t *testing.T) { tracesBy(t, directive) })
	}
}

func tracesBy(t *testing.T, directive string) {
	r := otlptest.Start(t)
	s := start(t, tracedBy(directive))
	c := s.client(true)

	t.Run("answered", func(t *testing.T) {
		trace := traceOf(1)
		if a := s.do(c, "GET", "/api/v2/orders/acme-1001?secret_query=1", "", "X-API-Key: "+acme, parent(trace, "01"), "Tracestate: them=1"); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		all := r.Await(trace, complete)
		server, _ := otlptest.Named(all, "server", "GET /api/v2/orders/{id}")
		upstream, _ := otlptest.Named(all, "internal", "upstream")
		client, there := otlptest.Named(all, "client", "GET /api/orders/{id}")
		if !there || server.Parent != "00f067aa0ba902b7" || upstream.Parent != server.ID || client.Parent != upstream.ID {
			t.Fatalf("the spans are %+v", all)
		}
		for _, name := range []string{"admit", "route", "identify", "limit", "authorize", "upstream", "change back", "answer"} {
			one, there := otlptest.Named(all, "internal", name)
			if !there || one.Parent != server.ID || one.Start.Before(server.Start) || one.End.After(server.End) || one.End.Before(one.Start) || one.Error || one.Scope != "github.com/wicketgate/wicketgate" {
				t.Errorf("%s: %+v, within %+v; the spans are %q", name, one, server, namesOf(all))
			}
		}
		if client.Start.Before(upstream.Start) || client.Error || len(client.TraceState) == 0 {
			t.Errorf("the upstream's span is %+v", client)
		}
		has(t, server, map[string]string{"http.route": "/api/v2/orders/{id}", "wicketgate.api": "orders", "wicketgate.version": "v2",
			"wicketgate.consumer": "acme", "http.response.status_code": "200", "wicketgate.problem": "", "error.type": ""})
		if server.Attributes["wicketgate.decision"] == "" || server.Attributes["wicketgate.request_id"] == "" {
			t.Errorf("the span names neither request nor decision: %v", server.Attributes)
		}
		host, port, _ := strings.Cut(strings.TrimPrefix(s.upstream.URL, "http://"), ":")
		has(t, client, map[string]string{"http.request.method": "GET", "http.response.status_code": "200", "server.address": host, "server.port": port,
			"url.full": s.upstream.URL + "/api/orders/acme-1001", "url.template": "/api/orders/{id}", "wicketgate.upstream": "orders",
			"network.protocol.version": "1.1", "http.request.resend_count": "", "error.type": ""})
		req, _ := s.upstream.saw()
		if got := req.Header["Traceparent"]; len(got) != 1 || got[0] != "00-"+trace+"-"+client.ID+"-01" || req.Header.Get("Tracestate") != "them=1" {
			t.Errorf("the upstream was told %q, and the span is %s", got, client.ID)
		}
		if strings.Contains(string(r.Raw()), "secret_query") {
			t.Error("the query is in a span")
		}
	})

	t.Run("denied", func(t *testing.T) {
		trace := traceOf(2)
		if a := s.do(c, "GET", "/api/v2/orders", "", parent(trace, "01")); a.status != 401 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		all := r.Await(trace, complete)
		server, _ := otlptest.Named(all, "server", "GET /api/v2/orders")
		identify, there := otlptest.Named(all, "internal", "identify")
		if !there || identify.Error || server.Error {
			t.Fatalf("the spans are %+v", all)
		}
		has(t, identify, map[string]string{"wicketgate.problem": "unauthorized", "error.type": ""})
		has(t, server, map[string]string{"wicketgate.problem": "unauthorized", "wicketgate.stage": "identify", "error.type": "", "wicketgate.consumer": ""})
		if _, there := otlptest.Named(all, "internal", "upstream"); there {
			t.Errorf("the upstream was not asked, and has a span: %q", namesOf(all))
		}
	})

	t.Run("tried twice", func(t *testing.T) {
		trace, n := traceOf(3), 0
		s.upstream.answers(func(w http.ResponseWriter, _ *http.Request) {
			if n++; n == 1 {
				w.WriteHeader(503)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, order)
		})
		defer s.upstream.answers(nil)
		if a := s.do(c, "GET", "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme, parent(trace, "01")); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		all := r.Await(trace, complete)
		upstream, _ := otlptest.Named(all, "internal", "upstream")
		tries := slices.DeleteFunc(slices.Clone(all), func(s otlptest.Span) bool { return s.Kind != "client" })
		if len(tries) != 2 || !tries[0].Error || tries[1].Error || tries[0].Parent != upstream.ID || tries[1].Parent != upstream.ID || upstream.Error {
			t.Fatalf("the spans are %+v", all)
		}
		has(t, tries[0], map[string]string{"http.response.status_code": "503", "error.type": "503", "http.request.resend_count": ""})
		has(t, tries[1], map[string]string{"http.response.status_code": "200", "error.type": "", "http.request.resend_count": "1"})
	})

	t.Run("failed", func(t *testing.T) {
		s.upstream.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		defer s.upstream.answers(nil)
		if a := s.do(c, "GET", "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme, parent(traceOf(5), "01")); a.status != 500 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		all := r.Await(traceOf(5), complete)
		server, _ := otlptest.Named(all, "server", "GET /api/v2/orders/{id}")
		back, _ := otlptest.Named(all, "internal", "upstream back")
		if !server.Error || !back.Error || server.Description != "" {
			t.Errorf("the spans are %+v", all)
		}
		has(t, server, map[string]string{"error.type": "internal-error", "wicketgate.problem": "internal-error", "wicketgate.stage": "upstream"})
	})

	t.Run("broken off", func(t *testing.T) {
		trace := traceOf(6)
		s.upstream.answers(func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
		defer s.upstream.answers(nil)
		if a := s.do(c, "GET", "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme, parent(trace, "01")); a.status != 502 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		all := r.Await(trace, complete)
		client, _ := otlptest.Named(all, "client", "GET /api/orders/{id}")
		upstream, _ := otlptest.Named(all, "internal", "upstream")
		if !client.Error || !upstream.Error {
			t.Errorf("the spans are %+v", all)
		}
		has(t, client, map[string]string{"error.type": "_OTHER", "http.response.status_code": ""})
		has(t, upstream, map[string]string{"error.type": "bad-gateway", "wicketgate.problem": "bad-gateway"})
	})

	t.Run("not recorded", func(t *testing.T) {
		trace := traceOf(7)
		if a := s.do(c, "GET", "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme, parent(trace, "00")); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if req, _ := s.upstream.saw(); !strings.HasPrefix(req.Header.Get("Traceparent"), "00-"+trace+"-") || !strings.HasSuffix(req.Header.Get("Traceparent"), "-00") {
			t.Errorf("the upstream was told %q", req.Header["Traceparent"])
		}
		if a := s.do(c, "GET", "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme, parent(traceOf(8), "01")); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		r.Await(traceOf(8), complete) // which is exported after
		if all := r.Spans(trace); len(all) > 0 {
			t.Errorf("what was not to be recorded has spans: %+v", all)
		}
	})

	for _, trace := range r.Traces() {
		if !strings.HasPrefix(trace, "4bf92f35") {
			t.Errorf("there is a trace that no caller began: %+v", r.Spans(trace))
		}
	}
}

// TestTracesOfThirdParties has a route that a third party answers, with a retry and a redirection to another: each request is a
// span, and is told the trace; nobody is told its baggage.
func TestTracesOfThirdParties(t *testing.T) {
	r := otlptest.Start(t)
	other := newProvider(t, says(200, `{"ok":true}`))
	p := newProvider(t, nil)
	s := start(t, traced, asking(p, `retry {
    attempts = 2
    on       = ["503"]
  }
  redirects = 1
  auth "bearer" { token = secret.key }`, `
  route "GET /charges/{id}" {
    integration = integration.payments
    send        = "GET /v1/charges/{id}"
  }`))
	c := s.client(true)
	n := 0
	p.answers(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 1 {
			w.WriteHeader(503)
			return
		}
		says(200, `{"ok":true}`)(w, nil)
	})
	trace := traceOf(20)
	if a := s.do(c, "GET", "/paid/charges/ch_1?q=SECRET", "", parent(trace, "01"), "Baggage: who=SECRET"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	all := r.Await(trace, complete)
	upstream, _ := otlptest.Named(all, "internal", "upstream")
	tries := slices.DeleteFunc(slices.Clone(all), func(s otlptest.Span) bool { return s.Kind != "client" })
	if len(tries) != 2 || tries[0].Parent != upstream.ID || !tries[0].Error || tries[1].Error {
		t.Fatalf("the spans are %+v", all)
	}
	has(t, tries[1], map[string]string{"wicketgate.integration": "payments", "url.template": "/v1/charges/{id}", "url.full": p.URL + "/", "http.request.resend_count": "1", "http.response.status_code": "200"})
	req, _, _ := p.last()
	if got := req.Header.Get("Traceparent"); got != "00-"+trace+"-"+tries[1].ID+"-01" || req.Header["Baggage"] != nil {
		t.Errorf("the third party was told %q, %q", got, req.Header["Baggage"])
	}
	if a := s.do(c, "GET", "/paid/charges/ch_1", "", parent(traceOf(21), "00")); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if req, _, _ := p.last(); !strings.HasPrefix(req.Header.Get("Traceparent"), "00-"+traceOf(21)+"-") || !strings.HasSuffix(req.Header.Get("Traceparent"), "-00") {
		t.Errorf("of what is not recorded the third party was told %q", req.Header["Traceparent"])
	}
	p.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other.URL+"/elsewhere")
		w.WriteHeader(302)
	})
	if a := s.do(c, "GET", "/paid/charges/ch_1", "", parent(traceOf(22), "01")); a.status != 502 { // it is not public
		t.Fatalf("%d %s", a.status, a.body)
	}
	r.Await(traceOf(22), func(all []otlptest.Span) bool {
		return complete(all) && slices.ContainsFunc(all, func(s otlptest.Span) bool { return s.Attributes["url.full"] == other.URL+"/" && s.Error })
	})
	if strings.Contains(string(r.Raw()), "SECRET") {
		t.Error("a credential, a query or baggage is in a span")
	}
}

// TestTracesThatNobodyRecords begins one at the gateway, of which the request's header tells alone: a third party and the service
// are told of it all the same.
func TestTracesThatNobodyRecords(t *testing.T) {
	otlptest.Start(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	p := newProvider(t, says(200, `{"ok":true}`))
	s := start(t, traced, asking(p, "", `
  route "GET /charges/{id}" {
    integration = integration.payments
    send        = "GET /v1/charges/{id}"
  }`))
	c := s.client(true)
	unrecorded := regexp.MustCompile("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")
	if a := s.do(c, "GET", "/paid/charges/ch_1", ""); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if req, _, _ := p.last(); !unrecorded.MatchString(req.Header.Get("Traceparent")) {
		t.Errorf("the third party was told %q", req.Header["Traceparent"])
	}
	if a := s.do(c, "GET", "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if req, _ := s.upstream.saw(); !unrecorded.MatchString(req.Header.Get("Traceparent")) {
		t.Errorf("the service was told %q", req.Header["Traceparent"])
	}
}

// TestUntraced shows that without the directive nobody is told of traces but what the caller said.
func TestUntraced(t *testing.T) {
	r := otlptest.Start(t)
	s := start(t)
	trace := traceOf(30)
	if a := s.do(s.client(true), "GET", "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme, parent(trace, "01")); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if req, _ := s.upstream.saw(); req.Header.Get("Traceparent") != strings.TrimPrefix(parent(trace, "01"), "Traceparent: ") {
		t.Errorf("the upstream was told %q", req.Header["Traceparent"])
	}
	if all := r.Traces(); len(all) > 0 {
		t.Errorf("there are traces %q", all)
	}
}
