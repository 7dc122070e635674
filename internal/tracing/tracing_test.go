package tracing

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/patience"
)

func TestTemplate(t *testing.T) {
	for _, c := range []struct{ route, target, want string }{
		{"GET /orders/{id}", "/orders/7", "/orders/{id}"},
		{"GET /orders/{id}", "/api/orders/7", "/api/orders/{id}"},
		{"GET /orders/{id}/lines/{n}", "/a/b/orders/7/lines/1", "/a/b/orders/{id}/lines/{n}"},
		{"GET /", "/api/", "/api/"},
		{"GET /orders/{id}", "/", ""},
		{"", "/orders", ""},
		{"GET /orders", "", ""},
	} {
		if got := template(&exchange.Exchange{Route: c.route, Target: c.target}); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.route, c.target, got, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		url, path, host, port string
	}{
		{"https://user:secret@api.example/token/a%2Fb?key=secret#secret", "https://api.example/token/a%2Fb", "https://api.example/", "443"},
		{"http://[::1]:8080/", "http://[::1]:8080/", "http://[::1]:8080/", "8080"},
		{"http://a", "http://a", "http://a/", "80"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if path, host, port := address(u, true), address(u, false), portOf(u); path != c.path || host != c.host || port != c.port {
			t.Errorf("%s: %s, %s, %s", c.url, path, host, port)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		err  error
		late bool
		want string
	}{
		{patience.ErrLate, true, "timeout"},
		{errors.New("SECRET"), true, "timeout"},
		{context.DeadlineExceeded, false, "timeout"},
		{context.Canceled, false, "canceled"},
		{&net.OpError{Op: "dial", Err: errors.New("SECRET")}, false, "connect"},
		{errors.New("SECRET"), false, "_OTHER"},
		{io.ErrUnexpectedEOF, false, "_OTHER"},
	} {
		if got := kind(c.err, c.late); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
	for m, want := range map[string]string{"": "GET", "GET": "GET", "QUERY": "QUERY", "get": "_OTHER", "PURGE": "_OTHER"} {
		if got, other := method(m); got != want || other != (want == "_OTHER") {
			t.Errorf("%q: %s, %v", m, got, other)
		}
	}
}

// remote is a request in a trace that somebody else began, and that is not recorded here.
func remote(state string) context.Context {
	ts, err := trace.ParseTraceState(state)
	if err != nil {
		panic(err)
	}
	return trace.ContextWithRemoteSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceState: ts, Remote: true}))
}

func TestContext(t *testing.T) {
	const parent = "00-01000000000000000000000000000000-0200000000000000-00"
	for _, c := range []struct {
		name string
		ctx  context.Context
		want Context
	}{
		{"no request", nil, Context{}},
		{"no trace", context.Background(), Context{}},
		{"of a trace", remote(""), Context{Parent: parent}},
		{"with a state", remote("a=1,b=2"), Context{Parent: parent, State: "a=1,b=2"}},
		{"with a long state", remote("a=" + strings.Repeat("x", 250) + ",b=" + strings.Repeat("x", 250) + ",c=" + strings.Repeat("x", 250)), Context{Parent: parent}},
	} {
		got, end := Send(c.ctx, Event{To: "stripe", ID: "1"})
		end(nil)
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		h := http.Header{"Traceparent": {"theirs"}, "Tracestate": {"theirs"}}
		got.Put(h)
		switch {
		case got.Parent == "" && (h.Get("Traceparent") != "theirs" || h.Get("Tracestate") != "theirs"),
			got.Parent != "" && (h.Get("Traceparent") != got.Parent || h.Get("Tracestate") != got.State):
			t.Errorf("%s: told is %v", c.name, h)
		}
		_, done := Deliver(context.Background(), got, Event{To: "stripe", ID: "1"}) // by nobody yet
		done(500, "")
	}
}

// FuzzDeliver takes whatever a ledger may have for a trace.
func FuzzDeliver(f *testing.F) {
	f.Add("00-01000000000000000000000000000000-0200000000000000-01", "a=1")
	f.Add("", "")
	f.Add("ff-0-0-0", "=,=")
	By(noop.NewTracerProvider())
	f.Fuzz(func(_ *testing.T, parent, state string) {
		_, end := Deliver(context.Background(), Context{parent, state}, Event{To: "stripe", ID: "1"})
		end(200, "")
	})
}

// BenchmarkUntraced is what a request costs here where it is not recorded: nothing is allocated.
func BenchmarkUntraced(b *testing.B) {
	x := &exchange.Exchange{Route: "GET /orders/{id}", Target: "/orders/7", Tries: 1}
	r := httptest.NewRequest("GET", "/orders/7", nil)
	for name, ctx := range map[string]context.Context{"no trace": context.Background(), "not recorded": remote("")} {
		x.Context = ctx
		r := r.WithContext(exchange.NewContext(ctx, x))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Recorded = Recorded(ctx)
				r := Upstream(r, x)
				try := Service(r, x, "orders")
				try.Failed(nil, false)
				Served(r.Context(), x, "")
			}
		})
	}
}
