package gateway_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/wicketgate/wicketgate" // every module, as a user links it
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const (
	acme   = "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	globex = "wg_fxXmf7Meij2H_UlEAazsnsLz43h0Er9cpmTDHvDCXs5myrtZRQ6iQhO92Dpth8"
	order  = `{"id":"acme-1001","owner":"acme","customer":{"name":"Ada","email":"ada@example.org"},"status":"verified","currency":"EUR","total":{"amount":1230},"lines":[{"sku":"A-1","qty":2}]}`
)

// server is a gateway in this process, over real HTTPS on loopback. Caddy is one to a process, so the tests of this
// package take turns.
type server struct {
	t         *testing.T
	dir       string // holds the catalogue, the policies and Caddy's storage
	caddyfile string
	port      int
	admin     int
	roots     *x509.CertPool
	upstream  *recorder
}

// start serves the example shop's catalogue, copied so that a test can change it, before a recording upstream. change
// edits the Caddyfile or the files before the start.
func start(t *testing.T, change ...func(*server)) *server {
	t.Helper()
	s := prepare(t, change...)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.trust()
	return s
}

func prepare(t *testing.T, change ...func(*server)) *server {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir()) // where usage is kept
	s := &server{t: t, dir: t.TempDir(), upstream: newRecorder(t)}
	for _, from := range []string{"examples/shop/shop.hcl", "examples/shop/partners.keys", "examples/shop/staff.jwks.json",
		"examples/shop/schemas/order.json", "examples/shop/schemas/line.json",
		"policies/shop/orders.rego", "policies/shop/roles/data.json", "policies/shop/inherits/data.json",
		"policies/shop/hidden/data.json", "policies/wicketgate/obligations/obligations.rego",
		"policies/wicketgate/roles/roles.rego", "policies/wicketgate/ownership/ownership.rego"} {
		src, err := os.ReadFile(filepath.Join("..", "..", from))
		if err != nil {
			t.Fatal(err)
		}
		s.write(from, string(src))
	}
	s.replace("examples/shop/shop.hcl", "requests = 20\n", "requests = 100000\n")
	s.replace("examples/shop/shop.hcl", "requests = 10000\n", "requests = 10000000\n")
	ports := []int{gatewaytest.FreePort(t), gatewaytest.FreePort(t), gatewaytest.FreePort(t)}
	s.port, s.admin = ports[0], ports[1]
	s.caddyfile = fmt.Sprintf(`{
	admin localhost:%d
	http_port %d
	https_port %d
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system %s
	log default {
		level ERROR
	}
	servers {
		listener_wrappers {
			api_framing
		}
	}
	api_gateway {
		catalogue %s/examples/shop
		policies %s/policies {
			limit 10s # a busy machine may keep any one request from its processors for longer than the default
		}
		variable orders %s
		watch 10ms
	}
}
https://localhost {
	tls internal
	api_gateway
}
`, s.admin, ports[2], s.port, s.dir, s.dir, s.dir, s.upstream.URL)
	for _, c := range change {
		c(s)
	}
	s.age()
	return s
}

// age has the files be as old as those of a gateway that starts usually are. Had they been written while it loads, it would
// load them once more soon after.
func (s *server) age() {
	s.t.Helper()
	old := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(s.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, old, old)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// load has Caddy run the Caddyfile as it stands.
func (s *server) load() error {
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(s.caddyfile), map[string]any{"filename": filepath.Join(s.dir, "Caddyfile")})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "formatted") {
			s.t.Errorf("adapting the Caddyfile: %s", w)
		}
	}
	return caddy.Load(adapted, true)
}

// trust waits for Caddy's own authority and its certificate.
func (s *server) trust() {
	s.t.Helper()
	var pem []byte
	s.within(10*time.Second, "the certificate is there", func() bool {
		var err error
		pem, err = os.ReadFile(filepath.Join(s.dir, "pki", "authorities", "local", "root.crt"))
		return err == nil
	})
	s.roots = x509.NewCertPool()
	if !s.roots.AppendCertsFromPEM(pem) {
		s.t.Fatal("no root certificate")
	}
	s.within(10*time.Second, "it serves HTTPS", func() bool {
		c, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: s.roots, ServerName: "localhost"})
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// within waits until ok, at most as long as said.
func (s *server) within(limit time.Duration, what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(limit); !ok(); {
		if time.Now().After(end) {
			s.t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *server) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *server) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *server) write(name, content string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.t.Fatal(err)
	}
	// Written beside and moved into place, as a careful editor does: nobody reads half a file.
	if err := os.WriteFile(s.path(name)+".new", []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(s.path(name)+".new", s.path(name)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) read(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func (s *server) replace(name, old, new string) {
	s.t.Helper()
	src := s.read(name)
	if !strings.Contains(src, old) {
		s.t.Fatalf("%s has no %q", name, old)
	}
	s.write(name, strings.Replace(src, old, new, 1))
}

// client speaks HTTP/2, or HTTP/1.1 only, over connections of its own.
func (s *server) client(http2 bool) *http.Client {
	protocols := []string{"h2", "http/1.1"}
	if !http2 {
		protocols = protocols[1:]
	}
	t := &http.Transport{
		DialTLSContext:    gatewaytest.Dial(&tls.Config{RootCAs: s.roots, ServerName: "localhost"}, protocols...),
		ForceAttemptHTTP2: http2,
	}
	if !http2 {
		t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	s.t.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// raw sends bytes as they are over TLS and gives the first answer; 0 if the connection was closed without one.
func (s *server) raw(request string) answer {
	s.t.Helper()
	c, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: s.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	go io.WriteString(c, request) // the server may answer, and stop reading, before it is all sent
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: strings.SplitN(request, " ", 2)[0]})
	if err != nil {
		return answer{}
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(body)}
}

// do sends a request with header lines "Name: value".
func (s *server) do(c *http.Client, method, path, body string, fields ...string) answer {
	s.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, fmt.Sprintf("https://localhost:%d%s", s.port, path), reader)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	res, err := c.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// recorder is an upstream that counts what reaches it and keeps the last of it.
type recorder struct {
	*httptest.Server
	count atomic.Int64

	mu      sync.Mutex
	last    *http.Request
	body    string
	handler http.HandlerFunc // what answers; nil: the order above
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) serve(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/healthz" {
		return
	}
	r.count.Add(1)
	r.mu.Lock()
	handler := r.handler
	r.mu.Unlock()
	if handler != nil {
		handler(w, req)
		return
	}
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.last, r.body = req, string(body)
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case req.URL.Path == "/api/orders" && req.Method == http.MethodGet:
		fmt.Fprintf(w, `{"data":[%s]}`, order)
	default:
		io.WriteString(w, order)
	}
}

// answers has the upstream answer with handler from now on.
func (r *recorder) answers(handler http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handler = handler
}

// saw gives the last request.
func (r *recorder) saw() (*http.Request, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, r.body
}
