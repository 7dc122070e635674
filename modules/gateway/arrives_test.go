package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// items writes n orders of the newest version with which a list goes on, and what callers of v1 get of them.
func items(n int) (newest, v1 string) {
	return strings.Repeat(`,{"id":"acme-1","status":"verified","lines":[{"sku":"A-1"}]}`, n), strings.Repeat(`,{"id":"acme-1","verified":true,"lines":[{"article":"A-1"}]}`, n)
}

// list asks for all orders in v1.
func (s *server) list(c *http.Client, method string, fields ...string) (*http.Response, error) {
	s.t.Helper()
	req, err := http.NewRequest(method, fmt.Sprintf("https://localhost:%d/api/v1/orders", s.port), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range append(fields, "X-API-Key: "+acme) {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	return c.Do(req)
}

// TestChangedAsItArrives has the upstream send a part of a long list and wait: the caller must have what became of it
// before the rest is sent. Neither length nor trailers nor parts are the service's.
func TestChangedAsItArrives(t *testing.T) {
	s := start(t)
	next := make(chan struct{})
	first, last := `{"data":[{"status":"unverified"}`, `],"next":null}`
	more, changed := items(1_000)
	asked := make(chan http.Header, 1)
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Etag", `"7"`)
		h.Set("Accept-Ranges", "bytes")
		h.Set("Repr-Digest", "sha-256=:AA==:")
		h.Set("Trailer", "Content-Digest")
		io.WriteString(w, first+more)
		w.(http.Flusher).Flush()
		<-next
		io.WriteString(w, last)
		h.Set("Content-Digest", "sha-256=:AA==:")
		h.Set(http.TrailerPrefix+"Digest", "sha-256=AA==")
	})
	for _, http2 := range []bool{false, true} {
		res, err := s.list(s.client(http2), "GET", "Accept-Encoding: gzip", "Range: bytes=0-9", `If-Range: "7;v1"`, "Want-Repr-Digest: sha-256=1")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if h := <-asked; h.Get("Accept-Encoding") != "identity" || h["Range"] != nil || h["If-Range"] != nil || h["Want-Repr-Digest"] != nil {
			t.Errorf("the upstream was asked with %v", h)
		}
		want := `{"data":[{"verified":false}` + changed
		got := make([]byte, len(want))
		if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != want {
			t.Fatalf("HTTP/2 %t: got %.100q, %v", http2, got, err)
		}
		next <- struct{}{}
		if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != last {
			t.Errorf("HTTP/2 %t: got %q, %v", http2, rest, err)
		}
		h := res.Header
		if res.StatusCode != 200 || res.ContentLength != -1 || h.Get("Etag") != `"7;v1"` || h["Accept-Ranges"] != nil || h["Repr-Digest"] != nil || h["Trailer"] != nil || len(res.Trailer) > 0 {
			t.Errorf("HTTP/2 %t: got %d %v, trailer %v", http2, res.StatusCode, h, res.Trailer)
		}
	}
}

// TestBreaksOff has long lists break off after a part has gone out: the caller must not take it for the whole, and the
// operator learns why.
func TestBreaksOff(t *testing.T) {
	s := start(t, func(s *server) {
		s.replace("examples/shop/shop.hcl", `timeout = "5s"`, `timeout = "1500ms"`)
	})
	more, changed := items(1_000)
	const begin = `{"data":[{}`
	counted := func(stage, problem string) int {
		n, _ := strconv.Atoi(s.metric(`caddy_api_gateway_denials_total{api="orders",problem="` + problem + `",stage="` + stage + `"}`))
		return n
	}
	for _, test := range []struct {
		name, rest     string
		then           func(http.ResponseWriter, *http.Request)
		stage, problem string
	}{
		{"an order that does not fit", `,{"status":"lost"}` + more + `]}`, nil, "change", "bad-gateway"},
		{"no JSON", `,{"status":]}`, nil, "change", "bad-gateway"},
		{"no end", ``, nil, "change", "bad-gateway"},
		{"more after the end", `]}{}`, nil, "change", "bad-gateway"},
		{"a service that breaks off", ``, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "upstream", "bad-gateway"},
		{"a service that pauses", ``, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "upstream", "gateway-timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, begin+more)
				w.(http.Flusher).Flush()
				io.WriteString(w, test.rest)
				if test.then != nil {
					test.then(w, r)
				}
			})
			before := counted(test.stage, test.problem)
			for _, http2 := range []bool{false, true} {
				res, err := s.list(s.client(http2), "GET")
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err == nil || res.StatusCode != 200 {
					t.Errorf("HTTP/2 %t: a part looks whole: %d %.100s", http2, res.StatusCode, got)
				}
				if !strings.HasPrefix(string(got), begin+changed[:10_000]) || strings.Contains(string(got), "lost") {
					t.Errorf("HTTP/2 %t: got %.100s", http2, got)
				}
			}
			s.within(5*time.Second, "it is counted", func() bool { return counted(test.stage, test.problem) == before+2 })
		})
	}
}

// TestShortAnswers has lists end within what is read before anything goes out: they have a length, and what is wrong
// with them is a problem in their place.
func TestShortAnswers(t *testing.T) {
	s := start(t)
	more, changed := items(10)
	long, _ := items(1_000)
	for _, test := range []struct {
		name, method string
		status       int // of the upstream
		fields       []string
		body         string
		want         int
		length       int64
	}{
		{"a list", "GET", 200, nil, `{"data":[{}` + more + `]}`, 200, int64(len(`{"data":[{}` + changed + `]}`))},
		{"an order that does not fit", "GET", 200, nil, `{"data":[{"status":"lost"}` + more + `]}`, 502, 0},
		{"one at the start of a long list", "GET", 200, nil, `{"data":[{"status":"lost"}` + long + `]}`, 502, 0},
		{"a part, though none was asked for", "GET", 206, []string{"Content-Range: bytes 0-9/100"}, `{"data":[]}`, 502, 0},
		{"parts, though none were asked for", "GET", 206, []string{"Content-Type: multipart/byteranges; boundary=x"}, "--x--", 502, 0},
		{"a content coding, though none was asked for", "GET", 200, []string{"Content-Encoding: gzip"}, `{"data":[]}`, 502, 0},
		{"an error with a shape of its own", "GET", 404, []string{"Content-Type: text/plain"}, long, 404, int64(len(long))},
		{"no content", "GET", 204, nil, "", 204, 0},
		{"not modified", "GET", 304, []string{`Etag: "7"`}, "", 304, 0},
		{"HEAD", "HEAD", 200, []string{"Content-Length: 1000"}, "", 200, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.upstream.answers(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if test.body != "" {
					w.Header().Set("Content-Length", strconv.Itoa(len(test.body)))
				}
				for _, f := range test.fields {
					name, value, _ := strings.Cut(f, ": ")
					w.Header().Set(name, value)
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			for _, http2 := range []bool{false, true} {
				res, err := s.list(s.client(http2), test.method)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != test.want {
					t.Fatalf("HTTP/2 %t: got %d %.200s, %v", http2, res.StatusCode, body, err)
				}
				if test.want != 502 && res.ContentLength != test.length {
					t.Errorf("HTTP/2 %t: the length is %d, want %d", http2, res.ContentLength, test.length)
				}
				if tag := res.Header.Get("Etag"); test.status == 304 && tag != `"7;v1"` {
					t.Errorf("HTTP/2 %t: the tag is %s", http2, tag)
				}
			}
		})
	}
}

// TestRequestDigest sends digests with bodies that go up to another version.
func TestRequestDigest(t *testing.T) {
	s := start(t)
	const body = `{"customer_name":"Ada","customer_email":"ada@example.org","verified":true,"currency":"EUR","total":{"amount":1},"lines":[{"article":"A-1","qty":1}]}`
	send := func(digest string) answer {
		return s.do(s.client(true), "POST", "/api/v1/orders", body, "X-API-Key: "+acme, "Content-Type: application/json", "Content-Digest: "+digest, "Digest: sha-256=AA==")
	}
	if a := send("sha-256=:" + strings.Repeat("A", 43) + "=:"); a.status != 400 || s.upstream.count.Load() != 0 {
		t.Errorf("another body's digest: got %d %s", a.status, a.body)
	}
	if a := send("md5=:AA==:"); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if saw, _ := s.upstream.saw(); saw == nil || saw.Header["Content-Digest"] != nil || saw.Header["Digest"] != nil {
		t.Error("the upstream was told a digest of a body that it did not get")
	}
}
