package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestUpstreamBreaker has one of two servers fail every call, and so half of all at first: callers of what may be sent
// twice see under 1 % of errors, and both servers together no more than a fifth more than was asked.
func TestUpstreamBreaker(t *testing.T) {
	var good, bad atomic.Int64
	one := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		good.Add(1)
		io.WriteString(w, `{}`)
	}))
	defer one.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		bad.Add(1)
		w.WriteHeader(500)
	}))
	defer other.Close()
	s := start(t, func(s *server) {
		s.write("examples/shop/plain.hcl", fmt.Sprintf(`
upstream "plain" {
  servers = ["%s", "%s"]
  retry {
    attempts = 2
    on       = ["connect", "500", "503"]
  }
  breaker {
    failures = 5
    within   = "10s"
    open_for = "5s"
  }
}
api "plain" {
  base_path = "/plain"
  upstream  = upstream.plain
  identify  = [anonymous]
  authorize = public
  route "GET /x" {}
}
`, one.URL, other.URL))
	})
	const callers, each = 8, 250
	c := s.client(true)
	var failed atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				res, err := c.Get(fmt.Sprintf("https://localhost:%d/plain/x", s.port))
				if err != nil {
					failed.Add(1)
					continue
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != 200 {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := failed.Load(); n*100 >= callers*each {
		t.Errorf("%d of %d calls failed", n, callers*each)
	}
	if n := good.Load() + bad.Load(); n > callers*each*12/10 {
		t.Errorf("%d calls are %d tries", callers*each, n)
	}
	t.Logf("%d calls: %d failed; the good server had %d, the other %d", callers*each, failed.Load(), good.Load(), bad.Load())
	host := strings.TrimPrefix(other.URL, "http://")
	if state := s.admits("/api_gateway/status"); !strings.Contains(state, `{"upstream":"plain","host":"`+host+`","breaker":"`) || strings.Count(state, `"breaker":"closed"`) != 1 {
		t.Errorf("the status says %s", state)
	}
	if other.Close(); good.Load() == 0 || bad.Load() == 0 {
		t.Error("one of them was never asked")
	}
}
