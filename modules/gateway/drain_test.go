package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDrain reloads Caddy with a span to drain: until it is over, callers on HTTP/1.1 are answered as ever and asked to
// close their connections, and those on HTTP/2 are only answered.
func TestDrain(t *testing.T) {
	s := start(t, func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "watch 10ms", "watch 10ms\n\t\tdrain 1s", 1)
	})
	get := func(c *http.Client) (closes bool) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+s.address()+"/api/v1/orders/acme-1001", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "localhost"
		req.Header.Set("X-API-Key", acme)
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		io.Copy(io.Discard, res.Body)
		if res.StatusCode != 200 {
			t.Fatalf("answered %d", res.StatusCode)
		}
		return res.Close || res.Header.Get("Connection") != ""
	}
	one, two := s.client(false), s.client(true)
	if get(one) || get(two) {
		t.Error("it drains before it ends")
	}
	loaded := make(chan error)
	go func() { loaded <- s.load() }()
	s.within(10*time.Second, "callers are asked to close their connections", func() bool {
		if get(two) {
			t.Error("a caller on HTTP/2 is asked to close its connection")
		}
		return get(one)
	})
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	if get(one) {
		t.Error("the configuration that followed drains")
	}
}
