package modules_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// alone runs a Caddyfile with one site, whose directives are lines, before a service that records; options are those
// of the global block. files lie beside the Caddyfile.
func alone(t *testing.T, files map[string]string, options, lines string) (*gatewaytest.Gateway, *service, string) {
	t.Helper()
	s := &service{}
	server := httptest.NewServer(s)
	server.Config.SetKeepAlivesEnabled(false) // Caddy's own proxy would keep connections when Caddy stops
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for name, content := range files {
		gatewaytest.Write(t, filepath.Join(dir, name), content)
	}
	caddyfile := strings.NewReplacer("{DIR}", dir, "{PROXY}", "reverse_proxy "+server.URL, "{SERVICE}", server.URL).Replace(
		"{\n" + options + "\n}\nhttps://localhost:{$HTTPS_PORT} {\n\ttls internal\n" + lines + "\n}\n")
	path := filepath.Join(dir, "Caddyfile")
	gatewaytest.Write(t, path, caddyfile)
	return gatewaytest.Start(t, path), s, dir
}

// service is what stands behind the gateway: it counts requests, keeps the last, and answers as it is told.
type service struct {
	mu     sync.Mutex
	count  int
	path   string // with the query
	header http.Header
	body   string
	answer http.HandlerFunc // nil: the body of the request
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	s.count++
	s.path, s.header, s.body = r.URL.RequestURI(), r.Header, string(body)
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	w.Header()["Content-Type"] = r.Header["Content-Type"]
	w.Write(body)
}

// answers has the service answer with f from now on.
func (s *service) answers(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// text has the service answer with a body of a type.
func (s *service) text(status int, kind, body string, fields ...string) {
	s.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// saw gives the number of requests so far, and the last one.
func (s *service) saw() (count int, path string, header http.Header, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count, s.path, s.header, s.body
}

// is fails the test unless an answer has a status and, in its body, a text.
func is(t *testing.T, what string, got gatewaytest.Answer, status int, text string) {
	t.Helper()
	if got.Status != status || !strings.Contains(got.Body, text) {
		t.Errorf("%s: got %d %s, want %d with %q", what, got.Status, got.Body, status, text)
	}
	if kind := got.Header.Get("Content-Type"); status >= 400 && kind != "application/problem+json" {
		t.Errorf("%s: the problem is of type %q", what, kind)
	}
}
