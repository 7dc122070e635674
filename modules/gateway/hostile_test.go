package gateway_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const jsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

// TestIntegrationHostile has a third party answer what no service should. Each is a problem without a word of its own, and
// where the connection is at fault, it counts: the third time nobody asks. The key is told to nobody, the log included.
func TestIntegrationHostile(t *testing.T) {
	endless := func(head, piece string) http.HandlerFunc {
		return hijacked(func(c net.Conn) {
			io.WriteString(c, head)
			for err := error(nil); err == nil; {
				_, err = io.WriteString(c, piece)
			}
		})
	}
	tests := []struct {
		name    string
		path    string
		handler http.HandlerFunc
		status  int
		counts  bool // as a failure of the host's
	}{
		{"no answer in time", "/paid/x", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 504, true},
		{"no HTTP", "/paid/x", say("SECRET SECRET SECRET\r\n\r\n"), 502, true},
		{"a status that is none", "/paid/x", say("HTTP/1.1 SECRET OK\r\n\r\n"), 502, true},
		{"chunks that are none", "/paid/whole", say(jsonHead + "Transfer-Encoding: chunked\r\n\r\nSECRET\r\n{}\r\n0\r\n\r\n"), 502, true},
		{"chunks that end early", "/paid/whole", say(jsonHead + "Transfer-Encoding: chunked\r\n\r\n40\r\n{\"SECRET\""), 502, true},
		{"a length that is too long", "/paid/whole", say(jsonHead + "Content-Length: 100\r\n\r\n{\"data\":\"SECRET\"}"), 502, true},
		{"a length that is none", "/paid/whole", say(jsonHead + "Content-Length: -1\r\n\r\n{\"data\":\"SECRET\"}"), 502, true},
		{"two lengths", "/paid/whole", say(jsonHead + "Content-Length: 2\r\nContent-Length: 17\r\n\r\n{\"data\":\"SECRET\"}"), 502, true},
		{"another coding of the message", "/paid/whole", say(jsonHead + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 502, true},
		{"half closed", "/paid/whole", hijacked(func(c net.Conn) {
			io.WriteString(c, jsonHead+"Content-Length: 100\r\n\r\n{\"data\":\"SECRET")
			c.(interface{ CloseWrite() error }).CloseWrite()
			io.Copy(io.Discard, c)
		}), 502, true},
		{"a head without end", "/paid/x", endless("HTTP/1.1 200 OK\r\n", "X-A: SECRET\r\n"), 502, true},
		{"a line without end", "/paid/x", endless("HTTP/1.1 200 OK\r\nX-A: ", "SECRET"), 502, true},
		{"hints without end", "/paid/x", endless("", "HTTP/1.1 103 Early Hints\r\nLink: <SECRET>\r\n\r\n"), 502, true},
		{"a body in drips", "/paid/whole", drip, 504, true},
		{"a length that is too short", "/paid/whole", say(jsonHead + "Content-Length: 2\r\n\r\n{\"data\":\"SECRET\"}"), 502, false},
		{"a body without end", "/paid/whole", endless(jsonHead+"\r\n{\"data\":\"", strings.Repeat("SECRET", 1000)), 502, false},
		{"an error without end", "/paid/x", endless("HTTP/1.1 400 Bad Request\r\n\r\n", strings.Repeat("SECRET", 1000)), 502, false},
		{"a bomb", "/paid/whole", says(200, "\x1f\x8b\x08SECRET", "Content-Encoding: gzip"), 502, false},
		{"a bomb that passes on", "/paid/x", says(200, "\x1f\x8b\x08SECRET", "Content-Encoding: br"), 502, false},
		{"redirections in a circle", "/paid/x", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.RequestURI, http.StatusFound) }, 502, false},
	}
	p := newProvider(t, nil)
	s := start(t, asking(p, `
  timeout   = "TIMEOUT"
  redirects = 3
  auth "query" {
    name  = "key"
    value = secret.key
  }
  breaker {
    failures = 2
    within   = "10m"
    open_for = "10m"
  }`, plainRoutes), func(s *server) {
		s.replace("examples/shop/paid.hcl", "TIMEOUT", "1500ms")
		s.caddyfile = strings.Replace(s.caddyfile, "level ERROR", "level DEBUG\n\t\toutput file "+s.path("caddy.log"), 1)
	})
	c := s.client(true)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if i > 0 { // another block, and a breaker of its own
				s.replace("examples/shop/paid.hcl", fmt.Sprintf(`"%dms"`, 1499+i), fmt.Sprintf(`"%dms"`, 1500+i))
				s.within(10*time.Second, "the load is in force", func() bool {
					return strings.Contains(s.admits("/api_gateway/status"), fmt.Sprintf(`"generation":%d`, i+1))
				})
			}
			p.answers(test.handler)
			want := []int{test.status, test.status, test.status}
			if test.counts {
				want[2] = 503
			}
			for n, status := range want {
				began := time.Now()
				a := s.do(c, "GET", test.path, "")
				if isProblem(t, a, status); strings.Contains(fmt.Sprint(a), "SECRET") {
					t.Errorf("try %d: got %v", n+1, a)
				}
				if took := time.Since(began); took > 20*time.Second { // of 1.5 s: machines that run tests are slow
					t.Errorf("it took %s", took)
				}
			}
			if _, _, n := p.last(); test.counts && n != 2 {
				t.Errorf("it was asked %d times", n)
			}
		})
	}
	s.within(10*time.Second, "the log is written", func() bool { return strings.Contains(s.read("caddy.log"), "integration payments") })
	log := s.read("caddy.log")
	if strings.Contains(log+s.admits("/config/")+s.admits("/api_gateway/status")+s.admits("/metrics"), "sk_SECRET") {
		t.Error("the key is told")
	}
}

// TestIntegrationEndless has answers without end: of one that is looked at no more is taken than is read, and one that passes
// on ends with its caller.
func TestIntegrationEndless(t *testing.T) {
	var sent atomic.Int64
	ended := make(chan error, 1)
	p := newProvider(t, hijacked(func(c net.Conn) {
		io.WriteString(c, jsonHead+"\r\n\"")
		piece := strings.Repeat("a", 64<<10)
		for {
			n, err := io.WriteString(c, piece)
			if sent.Add(int64(n)); err != nil {
				ended <- err
				return
			}
		}
	}))
	s := start(t, asking(p, "", plainRoutes))
	isProblem(t, s.do(s.client(true), "GET", "/paid/whole", ""), 502)
	<-ended
	if n := sent.Load(); n > 48<<20 { // 8 MiB, and what lies in the buffers of both systems
		t.Errorf("it took %d bytes", n)
	}
	res, err := s.client(true).Get(fmt.Sprintf("https://localhost:%d/paid/x", s.port))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, res.Body, 32<<20); err != nil {
		t.Error(err)
	}
	res.Body.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Logf("it ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it goes on without its caller")
	}
}

// TestIntegrationRedirected sends a request on to another host, which gets nothing that is not public: no token, no header
// field of the operator's or the caller's, no signature.
func TestIntegrationRedirected(t *testing.T) {
	var mu sync.Mutex
	var got *http.Request
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" { // by which its address is one that may be private
			says(200, `{"access_token":"SECRET","token_type":"Bearer","expires_in":3600}`)(w, r)
			return
		}
		mu.Lock()
		got = r.Clone(r.Context())
		mu.Unlock()
		says(200, `{"data":"there"}`)(w, r)
	}))
	defer other.Close()
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer SECRET" || r.Header.Get("Signature") == "" || r.Header.Get("X-Operator") == "" {
			t.Errorf("it got %v", r.Header)
		}
		http.Redirect(w, r, other.URL+"/there", http.StatusTemporaryRedirect)
	})
	s := start(t, asking(p, fmt.Sprintf(`
  redirects = 1
  headers   = { "X-Operator" = "SECRET" }
  query     = { tenant = "SECRET" }
  auth "oauth2_client_credentials" {
    token_url     = "%s/token"
    client_id     = "gw"
    client_secret = secret.key
  }
  sign "message" {
    key       = secret.key
    algorithm = "hmac-sha256"
  }`, other.URL), strings.Replace(plainRoutes, `send        = "GET /whole"`, `send        = "GET /whole"
    request { headers = { "X-Order" = "SECRET" } }`, 1)))
	if a := s.do(s.client(true), "GET", "/paid/whole", "", "Cookie: SECRET"); a.status != 200 || a.body != `"there"` {
		t.Errorf("got %d %s", a.status, a.body)
	}
	mu.Lock()
	defer mu.Unlock()
	if got == nil {
		t.Fatal("the other was not asked")
	}
	if len(got.Header) != 3 || got.Header.Get("Accept") == "" || got.Header.Get("Accept-Encoding") == "" || got.Header.Get("User-Agent") == "" || got.RequestURI != "/there" {
		t.Errorf("the other got %s %v", got.RequestURI, got.Header)
	}
}
