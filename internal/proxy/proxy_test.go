package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/http1"
	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/provider"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// wire is the network.
type wire struct{ *http1.Transport }

// Send implements Network.
func (w wire) Send(r *http.Request, informed http1.Informed) (*http.Response, error) {
	if !http1.Takes(r) {
		return nil, errors.New("not for this client")
	}
	return w.RoundTrip(r, informed)
}

func network(t testing.TB) Network {
	tr := &http1.Transport{Dial: func(ctx context.Context, address string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}, Timeout: 10 * time.Second, MaxHeader: 8 << 10, MaxIdle: 64, IdleFor: time.Minute}
	t.Cleanup(tr.Close)
	return wire{tr}
}

func healthy() bool { return true }

// upstream makes a proxy before servers that answer as the handlers do; nil is a server that is not there.
func upstream(t testing.TB, retry *Retry, handlers ...http.HandlerFunc) (*Proxy, []*Server) {
	t.Helper()
	var servers []*Server
	for _, h := range handlers {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		if h == nil {
			server.Close()
		}
		servers = append(servers, &Server{Address: server.Listener.Addr().String(), Healthy: healthy})
	}
	return New(Config{Name: "orders", Timeout: 10 * time.Second, Retry: retry, Retried: func() {}}, NewServers(false, servers...), network(t)), servers
}

// received is a request as the gateway's server gives it, admitted.
func received(t testing.TB, method, body string) (*http.Request, *exchange.Exchange) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/orders/7?x=1", strings.NewReader(body))
	x := &exchange.Exchange{Method: method, Header: r.Header, Context: r.Context(), Body: exchange.Body{Read: true, Bytes: []byte(body)}}
	return r, x
}

func answers(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// What is tried again, and what the caller is told.
func TestRetry(t *testing.T) {
	for _, test := range []struct {
		name, method string
		retry        *Retry
		servers      []http.HandlerFunc
		tries        int
		status       int // of the answer, or of the problem in its place
		problem      bool
	}{
		{"nothing unless written", "GET", nil, []http.HandlerFunc{nil}, 1, 502, true},
		{"a connection that could not be made", "POST", &Retry{Attempts: 3}, []http.HandlerFunc{nil}, 3, 502, true},
		{"a status", "GET", &Retry{3, []int{503}}, []http.HandlerFunc{answers(503)}, 3, 503, true},
		{"a status of the service's own bound", "PUT", &Retry{2, []int{429}}, []http.HandlerFunc{answers(429)}, 2, 503, true},
		{"not another status", "GET", &Retry{3, []int{503}}, []http.HandlerFunc{answers(500)}, 1, 500, false},
		{"not what is not idempotent", "POST", &Retry{3, []int{503}}, []http.HandlerFunc{answers(503)}, 1, 503, false},
		{"until all have failed", "POST", &Retry{Attempts: 5}, []http.HandlerFunc{nil, nil}, 2, 502, true},
		{"with the server that is left", "POST", &Retry{Attempts: 3}, []http.HandlerFunc{nil, answers(200), nil}, 0, 200, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, _ := upstream(t, test.retry, test.servers...)
			r, x := received(t, test.method, "{}")
			w := httptest.NewRecorder()
			err := p.Forward(w, r, x, false)
			var prob *problem.Problem
			status := w.Code
			if errors.As(err, &prob) {
				status = prob.StatusCode()
			}
			if status != test.status || (prob != nil) != test.problem || test.tries != 0 && x.Tries != test.tries {
				t.Errorf("got %d after %d tries, %v", status, x.Tries, err)
			}
		})
	}
}

// What is sent again is bounded by what is sent: a service that fails does not get more to do.
func TestBudget(t *testing.T) {
	var asked atomic.Int64
	p, _ := upstream(t, &Retry{2, []int{503}}, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(503)
	})
	passed := 0
	for range 100 {
		r, x := received(t, "GET", "")
		w := httptest.NewRecorder()
		if err := p.Forward(w, r, x, false); err == nil {
			passed++ // as it is, for there was no other try
		}
	}
	if n := asked.Load(); n < 120 || n > 132 || passed < 68 {
		t.Errorf("asked %d times, %d answers passed", n, passed)
	}
}

// Another server for another try, the one with the fewest requests, and none that is kept out.
func TestServers(t *testing.T) {
	up := true
	one, two := &Server{Address: "a:80", Healthy: healthy}, &Server{Address: "b:80", Healthy: func() bool { return up }}
	s := NewServers(false, one, two)
	var first, second Lease
	if !s.Next(&first) || !s.Next(&second) || first.Server() == second.Server() {
		t.Fatal("one server is asked twice at once")
	}
	before := first.Server()
	if !s.Next(&first) || first.Server() == before {
		t.Error("another try asks the server that has failed")
	}
	up = false
	for range 3 {
		if !s.Next(&first) || first.Server() != one {
			t.Error("the server that is left is not asked")
		}
	}
	first.tell(t.Context(), nil, errors.New("reset"))
	if s.Available(one) || s.Next(&first) {
		t.Error("a server that has just failed is asked")
	}
	second.End()
	if n := one.requests.Load() + two.requests.Load(); n != 0 {
		t.Errorf("%d requests are under way", n)
	}
	if one.failed.Store(0); !s.Next(&first) {
		t.Error("it is left out for ever")
	}
	first.End()

	alone := &Server{Address: "a:80", Healthy: healthy}
	alone.Breaker = provider.NewHostBreaker("u", "a:80", provider.Breaker{Failures: 2, Within: time.Minute, OpenFor: time.Minute}, func(string, string, string, string) {})
	only := NewServers(false, alone)
	for range 2 {
		if !only.Next(&first) {
			t.Fatal("its breaker opened too early")
		}
		first.tell(t.Context(), &http.Response{StatusCode: 500}, nil)
		first.End()
	}
	if only.Next(&first) {
		t.Error("its breaker did not open")
	}
}

// What a server is told of the request, and what of that the client may say.
func TestOutgoing(t *testing.T) {
	for _, test := range []struct {
		name    string
		trusted bool
		remote  string
		header  http.Header
		want    string
	}{
		{"a client", false, "192.0.2.7:4711", http.Header{"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil"}},
			"for=192.0.2.7 proto=http host=example.com"},
		{"a proxy of ours", true, "192.0.2.7:4711", http.Header{"X-Forwarded-For": {"10.0.0.1", "10.0.0.2"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"api"}},
			"for=10.0.0.1, 10.0.0.2, 192.0.2.7 proto=https host=api"},
		{"a link-local client", false, "[fe80::1%eth0]:80", nil, "for=fe80::1 proto=http host=example.com"},
		{"a socket without a name", false, "@", http.Header{"X-Forwarded-For": {"10.0.0.1"}}, "for= proto= host="},
		{"one of ours", true, "@", http.Header{"X-Forwarded-For": {"10.0.0.1"}}, "for=10.0.0.1 proto=http host=example.com"},
		{"who knows", false, "?", http.Header{"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Proto": {"https"}}, "for= proto= host="},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, x := received(t, "GET", "")
			r.RemoteAddr = test.remote
			sent := http.Header{"Connection": {"close, X-Gone"}, "X-Gone": {"1"}, "Keep-Alive": {"1"}, "Te": {"trailers"}, "Via": {"1.0 before"}, "X-Stays": {"1"}}
			for name, values := range test.header {
				sent[name] = values
			}
			r.Header = sent
			outgoing(r, x, test.trusted)
			h := r.Header
			got := fmt.Sprintf("for=%s proto=%s host=%s", h.Get("X-Forwarded-For"), h.Get("X-Forwarded-Proto"), h.Get("X-Forwarded-Host"))
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if h["Connection"] != nil || h["X-Gone"] != nil || h["Keep-Alive"] != nil || h.Get("Te") != "trailers" || h.Get("X-Stays") != "1" || strings.Join(h["Via"], "; ") != "1.0 before; 1.1 Caddy" {
				t.Errorf("got %v", h)
			}
			if sent["X-Gone"] == nil || len(sent["Via"]) != 1 {
				t.Errorf("the exchange's header was changed: %v", sent)
			}
		})
	}
}

// An answer goes out as it came, but for what ends with a connection.
func TestAnswer(t *testing.T) {
	p, _ := upstream(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Connection"], h["X-Gone"], h["Alt-Svc"], h["X-Many"] = []string{"X-Gone"}, []string{"1"}, []string{"h3"}, []string{"1", "2"}
		h["Server"], h["Trailer"] = []string{"theirs"}, []string{"X-Sum"}
		io.WriteString(w, strings.Repeat("x", 100_000))
		h["X-Sum"] = []string{"7"}
	})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Server"] = []string{"ours"}
		x := &exchange.Exchange{Method: r.Method, Header: r.Header, Context: r.Context(), Answer: http.Header{"X-Ours": {"1"}}}
		if err := p.Forward(w, r, x, false); err != nil {
			t.Error(err)
		}
	}))
	defer front.Close()
	for _, method := range []string{"GET", "HEAD"} {
		req, err := http.NewRequestWithContext(t.Context(), method, front.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := front.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		h := res.Header
		if err != nil || method == "GET" && (len(body) != 100_000 || res.Trailer.Get("X-Sum") != "7") {
			t.Errorf("%s: %d bytes, %v, trailer %v", method, len(body), err, res.Trailer)
		}
		if h["X-Gone"] != nil || h["Alt-Svc"] != nil || strings.Join(h["X-Many"], ",") != "1,2" || h.Get("Server") != "theirs" || h.Get("Via") != "1.1 Caddy" || h.Get("X-Ours") != "1" {
			t.Errorf("%s: got %v", method, h)
		}
	}
}

// A caller who leaves is nobody's failure.
func TestCallerLeaves(t *testing.T) {
	asked := make(chan struct{})
	p, servers := upstream(t, &Retry{Attempts: 3}, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}, answers(200))
	servers[1].Healthy = func() bool { return false }
	r, x := received(t, "GET", "")
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-asked
		leave()
	}()
	w := httptest.NewRecorder()
	if err := p.Forward(w, r.WithContext(ctx), x, false); err != nil || w.Code != statusClientClosed || x.Tries != 1 {
		t.Errorf("got %d after %d tries, %v", w.Code, x.Tries, err)
	}
	if !p.servers.Available(servers[0]) {
		t.Error("the server is left out")
	}
}

// An answer that breaks off ends the connection to the caller.
func TestBreaksOff(t *testing.T) {
	p, _ := upstream(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Length"] = []string{"10"}
		io.WriteString(w, "part")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	r, x := received(t, "GET", "")
	defer func() {
		if broke := recover(); broke != http.ErrAbortHandler {
			t.Errorf("got %v", broke)
		}
	}()
	p.Forward(httptest.NewRecorder(), r, x, false)
}

func BenchmarkForward(b *testing.B) {
	answer := []byte(strings.Repeat("x", 1024))
	p, _ := upstream(b, nil, func(w http.ResponseWriter, _ *http.Request) { w.Write(answer) })
	b.ReportAllocs()
	for b.Loop() {
		r, x := received(b, "GET", "")
		if err := p.Forward(httptest.NewRecorder(), r, x, false); err != nil {
			b.Fatal(err)
		}
	}
}
