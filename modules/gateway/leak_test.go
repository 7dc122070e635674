package gateway_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/leaktest"
)

// TestStartStop starts and stops the gateway 200 times, with a request and a swap in between, and leaves nothing
// behind: no goroutine, no open file.
func TestStartStop(t *testing.T) {
	s := prepare(t, func(s *server) { // Caddy keeps its admin endpoint over a stop
		s.caddyfile = strings.Replace(s.caddyfile, fmt.Sprintf("admin localhost:%d", s.admin), "admin off", 1)
		s.caddyfile = strings.Replace(s.caddyfile, "\t\twatch 10ms\n", "\t\twatch 10ms\n\t\tdecision_log "+s.path("decisions.log")+"\n", 1)
	})
	round := func() {
		t.Helper()
		if err := s.load(); err != nil {
			t.Fatal(err)
		}
		s.trust()
		c := s.client(true)
		if a := s.do(c, "GET", "/api/v1/orders/acme-1001", "", "X-API-Key: "+acme); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		c.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	round() // what Caddy starts once for the process
	s.upstream.CloseClientConnections()
	ended := leaktest.Note(t)
	files := openFiles(t)
	const rounds = 200
	for range rounds {
		round()
	}
	s.upstream.CloseClientConnections()
	runtime.GC()
	ended()
	// The kernel's end of closed connections may take a moment.
	s.within(10*time.Second, "all files are closed", func() bool { return openFiles(t) <= files+2 })
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("open files are counted in /proc, which is not here: %v", err)
	}
	return len(entries)
}
