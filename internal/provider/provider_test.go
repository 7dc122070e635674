package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/wicketgate/wicketgate/internal/publicnet"
	"github.com/wicketgate/wicketgate/internal/secret"
)

// network answers each try as a test says, and notes what was asked and when.
type network struct {
	mu     sync.Mutex
	asked  []*http.Request
	times  []time.Duration
	began  time.Time
	answer func(n int, r *http.Request) (*http.Response, error)
}

func (w *network) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked, w.times = append(w.asked, r), append(w.times, time.Since(w.began))
	n := len(w.asked)
	w.mu.Unlock()
	res, err := w.answer(n, r)
	if res != nil {
		res.Request = r
	}
	return res, err
}

func said(status int, fields ...string) *http.Response {
	h := http.Header{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		h.Add(name, value)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("{}")), ContentLength: 2}
}

var errDial = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

// client makes a client whose pauses are as long as they may be.
func client(t *testing.T, c Config, answer func(n int, r *http.Request) (*http.Response, error)) (*Client, *network) {
	t.Helper()
	w := &network{answer: answer, began: time.Now()}
	if c.URL == "" {
		c.URL = "https://api.example/base"
	}
	c.Name = "payments"
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Deadline == 0 {
		c.Deadline = 30 * time.Second
	}
	p, err := New(c, w)
	if err != nil {
		t.Fatal(err)
	}
	p.chance = func(d time.Duration) time.Duration { return d }
	t.Cleanup(p.Close)
	return p, w
}

func get() *Request { return &Request{Method: "GET", Path: "/v1/x", Header: http.Header{}} }

// outcome is what came of a request, as a test writes it.
func outcome(a *Answer, err error) string {
	if err != nil {
		var f *Failure
		if !errors.As(err, &f) {
			return "no failure: " + err.Error()
		}
		return [...]string{"unreachable", "late", "open", "no token", "gone", "busy"}[f.Kind]
	}
	a.Body.Close()
	return fmt.Sprint(a.Status)
}

// TestRetry has tries fail: what may be sent again is, when it may be.
func TestRetry(t *testing.T) {
	on := []string{"connect", "409", "429", "503"}
	usual := &Retry{Attempts: 3, On: on, Max: 8 * time.Second}
	fails := func(status int, fields ...string) func(int, *http.Request) (*http.Response, error) {
		return func(int, *http.Request) (*http.Response, error) { return said(status, fields...), nil }
	}
	once := func(status int, fields ...string) func(int, *http.Request) (*http.Response, error) {
		return func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return said(status, fields...), nil
			}
			return said(200), nil
		}
	}
	date := func(after time.Duration) string { return time.Now().Add(after).UTC().Format(http.TimeFormat) }
	for _, test := range []struct {
		name   string
		retry  *Retry
		method string
		keyed  bool
		answer func(int, *http.Request) (*http.Response, error)
		want   string
		times  string // of the tries
	}{
		{"nothing fails", usual, "GET", false, fails(200), "200", "[0s]"},
		{"no retries", nil, "GET", false, fails(503), "503", "[0s]"},
		{"503 once", usual, "GET", false, once(503), "200", "[0s 100ms]"},
		{"503 for ever", usual, "GET", false, fails(503), "503", "[0s 100ms 300ms]"},
		{"another status", usual, "GET", false, fails(500), "500", "[0s]"},
		{"a PUT", usual, "PUT", false, once(503), "200", "[0s 100ms]"},
		{"a DELETE", usual, "DELETE", false, once(503), "200", "[0s 100ms]"},
		{"a POST", usual, "POST", false, once(503), "503", "[0s]"},
		{"a PATCH", usual, "PATCH", false, once(503), "503", "[0s]"},
		{"a POST with a key", usual, "POST", true, once(409), "200", "[0s 100ms]"},
		{"Retry-After in seconds", usual, "GET", false, once(429, "Retry-After: 3"), "200", "[0s 3.025s]"},
		{"Retry-After too long", usual, "GET", false, once(429, "Retry-After: 9"), "429", "[0s]"},
		{"Retry-After that is none", usual, "GET", false, once(429, "Retry-After: soon"), "200", "[0s 100ms]"},
		{"no connection, POST", usual, "POST", false, func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return nil, errDial
			}
			return said(200), nil
		}, "200", "[0s 100ms]"},
		{"no connection, not in on", &Retry{Attempts: 2, On: []string{"503"}, Max: time.Second}, "GET", false,
			func(int, *http.Request) (*http.Response, error) { return nil, errDial }, "unreachable", "[0s]"},
		{"a connection that breaks", usual, "GET", false, func(int, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, "unreachable", "[0s]"},
		{"an address that is not public", usual, "GET", false, func(int, *http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: publicnet.ErrNotPublic}
		}, "unreachable", "[0s]"},
		{"no time left for another", &Retry{Attempts: 9, On: on, Max: 20 * time.Second}, "GET", false, fails(503, "Retry-After: 20"), "503", "[0s 20.025s]"},
		{"slow", usual, "GET", false, func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, "late", "[0s]"},
		{"another protocol", usual, "GET", false, fails(101), "unreachable", "[0s]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, w := client(t, Config{Retry: test.retry}, test.answer)
				q := get()
				q.Method, q.Keyed = test.method, test.keyed
				if q.Method == "POST" {
					q.Body = []byte("{}")
				}
				if got := outcome(c.Send(t.Context(), q)); got != test.want || fmt.Sprint(w.times) != test.times {
					t.Errorf("got %s, tries at %v; want %s, %s", got, w.times, test.want, test.times)
				}
			})
		})
	}
	t.Run("Retry-After as a date", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, w := client(t, Config{Retry: usual}, once(503, "Retry-After: "+date(5*time.Second)))
			if got := outcome(c.Send(t.Context(), get())); got != "200" || len(w.times) != 2 || w.times[1] < 4*time.Second {
				t.Errorf("got %s, tries at %v", got, w.times)
			}
		})
	})
}

// Each try gets the whole body again.
func TestBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		c, _ := client(t, Config{Retry: &Retry{Attempts: 3, On: []string{"503"}, Max: time.Second}}, func(_ int, r *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(r.Body)
			bodies = append(bodies, fmt.Sprintln(string(b), r.ContentLength, err))
			return said(503), nil
		})
		outcome(c.Send(t.Context(), &Request{Method: "PUT", Path: "/", Header: http.Header{}, Body: []byte(`{"a":1}`)}))
		if want := "{\"a\":1} 7 <nil>\n"; !slices.Equal(bodies, []string{want, want, want}) {
			t.Errorf("got %q", bodies)
		}
	})
}

// A caller who leaves ends the tries and their pauses.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := client(t, Config{Retry: &Retry{Attempts: 9, On: []string{"503"}, Max: 8 * time.Second}}, func(int, *http.Request) (*http.Response, error) { return said(503, "Retry-After: 5"), nil })
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if got := outcome(c.Send(ctx, get())); got != "gone" || len(w.times) != 1 || time.Since(w.began) != 2*time.Second {
			t.Errorf("got %s, tries at %v, after %s", got, w.times, time.Since(w.began))
		}
	})
}

// Whatever fails, at most a fifth more is sent, and 10 at most besides.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := client(t, Config{Retry: &Retry{Attempts: 5, On: []string{"503"}, Max: 100 * time.Millisecond}}, func(int, *http.Request) (*http.Response, error) { return said(503), nil })
		const requests = 2000
		for range requests {
			outcome(c.Send(t.Context(), get()))
		}
		if tries := len(w.asked); tries > requests*12/10+10 || tries < requests*12/10-10 {
			t.Errorf("%d requests are %d tries", requests, tries)
		}
		if s := c.Status(); s.Asked != requests || s.Retried != int64(len(w.asked)-requests) {
			t.Errorf("the status says %+v", s)
		}
	})
}

// changes notes what a breaker does.
type changes struct {
	silent
	mu  sync.Mutex
	all []string
}

func (c *changes) Breaker(name, host, from, to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, name+" "+host+" "+from+" to "+to)
}

// A host that fails is not asked for a while; then one request decides.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status, report := 500, &changes{}
		c, w := client(t, Config{Report: report, Breaker: &Breaker{Failures: 3, Within: 10 * time.Second, OpenFor: 15 * time.Second}},
			func(_ int, r *http.Request) (*http.Response, error) {
				select {
				case <-time.After(10 * time.Millisecond):
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
				return said(status), nil
			})
		send := func(want string, tries int, state string) {
			t.Helper()
			before := len(w.asked)
			if got := outcome(c.Send(t.Context(), get())); got != want || len(w.asked)-before != tries || c.Status().Breaker != state {
				t.Errorf("got %s, %d tries, %s; want %s, %d, %s", got, len(w.asked)-before, c.Status().Breaker, want, tries, state)
			}
		}
		send("500", 1, "closed")
		time.Sleep(12 * time.Second) // it is forgotten by then
		send("500", 1, "closed")
		send("500", 1, "closed")
		status = 404 // which is an answer
		send("404", 1, "closed")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // nor is a caller who leaves a failure
		defer cancel()
		if got := outcome(c.Send(ctx, get())); got != "gone" {
			t.Error(got)
		}
		status = 503
		send("503", 1, "open")
		send("open", 0, "open")
		time.Sleep(14 * time.Second)
		send("open", 0, "open")
		time.Sleep(2 * time.Second)
		send("503", 1, "open") // still
		time.Sleep(16 * time.Second)
		status = 200
		var at sync.WaitGroup
		before := len(w.asked)
		for range 50 { // one of many is let through
			at.Go(func() { outcome(c.Send(t.Context(), get())) })
		}
		at.Wait()
		if n := len(w.asked) - before; n != 1 {
			t.Errorf("%d tries at once after the pause", n)
		}
		send("200", 1, "closed")
		want := []string{"closed to open", "open to half-open", "half-open to open", "open to half-open", "half-open to closed"}
		for i := range want {
			want[i] = "payments api.example " + want[i]
		}
		if !slices.Equal(report.all, want) {
			t.Errorf("told %q", report.all)
		}
	})
}

// TestCredentials puts credentials on requests to the host they are for, and on no other.
func TestCredentials(t *testing.T) {
	key := secret.New("SE CRET")
	for _, test := range []struct {
		name string
		auth Auth
		want string
	}{
		{"bearer", Auth{Kind: "bearer", Secret: key}, "Authorization: Bearer SE CRET"},
		{"basic", Auth{Kind: "basic", Name: "ada", Secret: key}, "Authorization: Basic YWRhOlNFIENSRVQ="},
		{"header", Auth{Kind: "header", Name: "X-Key", Secret: key, Prefix: "Token "}, "X-Key: Token SE CRET"},
		{"query", Auth{Kind: "query", Name: "key", Secret: key}, "?a=b&key=SE+CRET"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, w := client(t, Config{Auth: &test.auth, Redirects: 2, Headers: []Pair{{"Api-Version", "1"}}}, func(n int, _ *http.Request) (*http.Response, error) {
				switch n {
				case 1:
					return said(302, "Location: /other?a=b"), nil
				case 2:
					return said(307, "Location: https://elsewhere.example/x?a=b"), nil
				}
				return said(200), nil
			})
			q := get()
			q.Query, q.Header = "a=b", http.Header{"X-Order": {"7"}}
			traced := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}))
			if got := outcome(c.Send(traced, q)); got != "200" || len(w.asked) != 3 {
				t.Fatalf("got %s, asked %d times", got, len(w.asked))
			}
			for i, own := range []bool{true, true, false} {
				r := w.asked[i]
				all := "?" + r.URL.RawQuery
				for name, values := range r.Header {
					all += "\n" + name + ": " + values[0]
				}
				if strings.Contains(all, test.want) != own || (r.Header.Get("Api-Version") != "") != own || (r.Header.Get("X-Order") != "") != own || (r.Header.Get("Traceparent") != "") != own {
					t.Errorf("%s was asked with %s", r.URL.Host, all)
				}
			}
			if strings.Contains(fmt.Sprintf("%+v", c.config), "CRET") {
				t.Error("the configuration prints the secret")
			}
		})
	}
}

// TestRedirects follows as far as is written, and nowhere else.
func TestRedirects(t *testing.T) {
	for _, test := range []struct {
		name        string
		redirects   int
		method      string
		status      int
		location    string
		certificate bool
		want        string
		asked       int
	}{
		{"none is written", 0, "GET", 302, "/other", false, "302", 1},
		{"to its own", 1, "GET", 302, "/other", false, "200", 2},
		{"HEAD", 1, "HEAD", 308, "/other", false, "200", 2},
		{"POST", 1, "POST", 307, "/other", false, "307", 1},
		{"to another, over https", 1, "GET", 301, "https://elsewhere.example/", false, "200", 2},
		{"to another, not encrypted", 1, "GET", 301, "http://elsewhere.example/", false, "301", 1},
		{"to its own host, not encrypted", 1, "GET", 301, "http://api.example/", false, "301", 1},
		{"to another, with a certificate", 1, "GET", 301, "https://elsewhere.example/", true, "301", 1},
		{"with a user", 1, "GET", 301, "https://a:b@api.example/", false, "301", 1},
		{"to nowhere", 1, "GET", 301, "", false, "200", 2},
		{"to what is no address", 1, "GET", 301, "https://%zz/", false, "301", 1},
		{"to a file", 1, "GET", 301, "file:///etc/passwd", false, "301", 1},
		{"a choice", 1, "GET", 300, "/other", false, "300", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := Config{Redirects: test.redirects}
			if test.certificate {
				config.Certificate = []byte("pem")
			}
			c, w := client(t, config, func(n int, _ *http.Request) (*http.Response, error) {
				if n == 1 {
					return said(test.status, "Location: "+test.location), nil
				}
				return said(200), nil
			})
			q := get()
			q.Method = test.method
			if got := outcome(c.Send(t.Context(), q)); got != test.want || len(w.asked) != test.asked {
				t.Errorf("got %s, asked %d times", got, len(w.asked))
			}
		})
	}
	c, w := client(t, Config{Redirects: 5}, func(int, *http.Request) (*http.Response, error) { return said(302, "Location: /again"), nil })
	if got := outcome(c.Send(t.Context(), get())); got != "302" || len(w.asked) != 6 {
		t.Errorf("a circle: got %s, asked %d times", got, len(w.asked))
	}
}

// A token that is refused is got anew, once, and the request sent once more: whatever its method, for nothing was done.
func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens, refused := 0, map[string]bool{"Bearer t1": true}
		c, w := client(t, Config{Auth: &Auth{Kind: "oauth2_client_credentials", Name: "gw", Secret: secret.New("SECRET"), TokenURL: "https://id.example/token"}},
			func(_ int, r *http.Request) (*http.Response, error) {
				if r.URL.Host == "id.example" {
					tokens++
					res := said(200, "Content-Type: application/json")
					res.Body = io.NopCloser(strings.NewReader(fmt.Sprintf(`{"access_token":"t%d","expires_in":3600}`, tokens)))
					return res, nil
				}
				if refused[r.Header.Get("Authorization")] {
					return said(401), nil
				}
				return said(200), nil
			})
		post := &Request{Method: "POST", Path: "/", Header: http.Header{}, Body: []byte("{}")}
		for _, want := range []struct {
			outcome       string
			tokens, asked int
		}{{"200", 2, 4}, {"200", 2, 5}} {
			if got := outcome(c.Send(t.Context(), post)); got != want.outcome || tokens != want.tokens || len(w.asked) != want.asked {
				t.Errorf("got %s, %d tokens, asked %d times; want %+v", got, tokens, len(w.asked), want)
			}
		}
		for i := range 10 {
			refused[fmt.Sprintf("Bearer t%d", i)] = true
		}
		if got := outcome(c.Send(t.Context(), post)); got != "401" || tokens != 3 || len(w.asked) != 8 {
			t.Errorf("refused for ever: got %s, %d tokens, asked %d times", got, tokens, len(w.asked))
		}
		for range 100 {
			if got := outcome(c.Send(t.Context(), post)); got != "401" || tokens != 3 {
				t.Errorf("and again at once: got %s, %d tokens", got, tokens)
			}
		}
		refused = nil
		if got := outcome(c.Send(t.Context(), post)); got != "200" || tokens != 3 {
			t.Errorf("the service takes it now: got %s, %d tokens", got, tokens)
		}
	})
}

// The id by which a service knows a request is taken as far as it is one.
func TestRequestID(t *testing.T) {
	c, _ := client(t, Config{RequestID: []string{"Request-Id", "X-Request-Id"}}, nil)
	for name, test := range map[string]struct {
		h    http.Header
		want string
	}{
		"the first":    {http.Header{"Request-Id": {"req_1"}, "X-Request-Id": {"b"}}, "req_1"},
		"the second":   {http.Header{"X-Request-Id": {"b"}}, "b"},
		"none":         {http.Header{}, ""},
		"with a blank": {http.Header{"Request-Id": {"a b"}}, ""},
		"with a line":  {http.Header{"Request-Id": {"a\nb"}}, ""},
		"too long":     {http.Header{"Request-Id": {strings.Repeat("a", 129)}}, ""},
		"not ASCII":    {http.Header{"Request-Id": {"ä"}}, ""},
	} {
		if got := c.requestID(test.h); got != test.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// Two clients have the same id only if they would do the same; it shows no secret.
func TestID(t *testing.T) {
	one := Config{Name: "a", URL: "https://a.example", Auth: &Auth{Kind: "bearer", Secret: secret.New("SECRET")}}
	other := one
	other.Auth = &Auth{Kind: "bearer", Secret: secret.New("SECRET2")}
	third := one
	third.Timeout = time.Second
	ids := map[string]bool{}
	for _, c := range []Config{one, one, other, third} {
		id, err := c.ID()
		if err != nil || strings.Contains(id, "SECRET") {
			t.Fatal(id, err)
		}
		ids[id] = true
	}
	if len(ids) != 3 {
		t.Errorf("%d ids for three clients", len(ids))
	}
}
