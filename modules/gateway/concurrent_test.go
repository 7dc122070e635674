package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// oneAtOnce is the API of streams, of which each address may have one.
var oneAtOnce = `
limit "one" {
  key        = client.address
  concurrent = 1
}
` + strings.Replace(streams, "authorize = public", "authorize = public\n  limits    = [limit.one]", 1)

// TestPlaceOfAStream holds a request's place for as long as its answer goes on, and no longer: whether it ends, the caller
// leaves or the service breaks it off, over HTTP/1.1, HTTP/2 and as a WebSocket.
func TestPlaceOfAStream(t *testing.T) {
	s := start(t, func(s *server) { s.write("examples/shop/streams.hcl", oneAtOnce) })
	c := s.client(true)
	next := make(chan bool) // whether the service goes on well
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/streams/download" {
			return
		}
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		select {
		case well := <-next:
			if !well {
				panic(http.ErrAbortHandler)
			}
		case <-r.Context().Done():
		}
	})
	taken := func(when string) {
		t.Helper()
		a := s.do(c, "GET", "/streams/download", "")
		if a.status != 429 || a.header.Get("RateLimit-Policy") != `"concurrent";q=1;qu="concurrent-requests"` || a.header.Get("RateLimit") != `"concurrent";r=0` ||
			a.header.Get("Retry-After") != "1" || !strings.Contains(a.body, `"violated-policies":["concurrent"]`) {
			t.Errorf("%s: got %d %v %s", when, a.status, a.header, a.body)
		}
		if v := s.metric("caddy_api_gateway_counters_held_keys"); v != "1" {
			t.Errorf("%s: %s keys are held", when, v)
		}
	}
	free := func(when string) {
		t.Helper()
		s.within(10*time.Second, "the place is free after "+when, func() bool { return s.do(c, "GET", "/streams/download", "").status == 200 })
	}
	for _, http2 := range []bool{false, true} {
		for _, end := range []string{"its end", "the caller has left", "the service broke it off"} {
			when := fmt.Sprintf("%s, HTTP/2 %t", end, http2)
			ctx, leave := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("https://localhost:%d/streams/events", s.port), nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := s.client(http2).Do(req)
			if err != nil || res.StatusCode != 200 {
				t.Fatalf("%s: got %v, %v", when, res, err)
			}
			taken(when)
			switch end {
			case "its end":
				next <- true
			case "the caller has left":
				leave()
			default:
				next <- false
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			leave()
			free(when)
		}
	}

	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/streams/download" {
			return
		}
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		io.Copy(c, rw)
	})
	ws, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: s.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	ws.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(ws, "GET /streams/echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(ws), nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", res, err)
	}
	taken("a WebSocket")
	ws.Close()
	free("a WebSocket")
	s.within(10*time.Second, "no key is held", func() bool { return s.metric("caddy_api_gateway_counters_held_keys") == "0" })
	if v := s.metric(`caddy_api_gateway_limits_exceeded_total{limit="one"}`); v == "" || v == "0" {
		t.Errorf("%q requests were refused", v)
	}
}
