package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// TestServers puts an upstream on several servers: both work, what one answers takes none of them away, and one that
// is gone is not missed.
func TestServers(t *testing.T) {
	var counts [2]atomic.Int64
	var status atomic.Int64
	var servers [2]*httptest.Server
	for i := range servers {
		servers[i] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			counts[i].Add(1)
			w.WriteHeader(int(status.Load()))
		}))
		defer servers[i].Close()
	}
	s := start(t, func(s *server) {
		s.write("examples/shop/plain.hcl", fmt.Sprintf(`
upstream "plain" {
  servers = ["%s", "%s"]
  retry {
    attempts = 2
    on       = ["connect"]
  }
}
api "plain" {
  base_path = "/plain"
  upstream  = upstream.plain
  identify  = [anonymous]
  authorize = public
  route "GET /x" {}
  route "POST /x" {}
}
`, servers[0].URL, servers[1].URL))
	})
	c := s.client(true)
	ask := func(method string, want int) {
		t.Helper()
		if a := s.do(c, method, "/plain/x", ""); a.status != want {
			t.Errorf("%s: got %d, want %d: %s", method, a.status, want, a.body)
		}
	}
	status.Store(500)
	for range 10 {
		ask("GET", 500)
	}
	status.Store(200)
	for range 100 {
		ask("GET", 200)
	}
	if counts[0].Load() < 10 || counts[1].Load() < 10 {
		t.Errorf("the servers got %d and %d of 110 requests", counts[0].Load(), counts[1].Load())
	}
	servers[0].CloseClientConnections()
	servers[0].Close()
	for range 20 {
		ask("GET", 200)
		ask("POST", 200)
	}
	servers[1].Close()
	isProblem(t, s.do(c, "GET", "/plain/x", ""), 502)
	isProblem(t, s.do(c, "GET", "/plain/x", ""), 503)
}
