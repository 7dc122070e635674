package bundletest

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server serves a bundle at /gw.tar.gz over HTTPS, with ETags and long polling, as OPA's protocol has it.
type Server struct {
	*httptest.Server
	// LongPolling has the server wait for a new bundle where it is asked to.
	LongPolling bool
	// Token is the bearer token that requests must have, if not empty.
	Token string

	mu       sync.Mutex
	archive  []byte
	version  int
	answer   http.HandlerFunc // in place of the bundle
	changed  chan struct{}    // closed when something else is served
	requests []*http.Request  // the last 1000
	statuses []int            // what they were answered
}

// NewServer makes a server that has no bundle yet: it answers 404. change sets it up before it starts.
func NewServer(t testing.TB, change ...func(*Server)) *Server {
	t.Helper()
	s := &Server{changed: make(chan struct{})}
	s.Server = httptest.NewUnstartedServer(s)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // callers that break off are part of the tests
	for _, c := range change {
		c(s)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// Close ends the server, and the long polls with it.
func (s *Server) Close() {
	s.CloseClientConnections()
	s.Server.Close()
}

// At is the address of the bundle.
func (s *Server) At() string { return s.URL + "/gw.tar.gz" }

// CA writes the server's authority into a folder of the test's.
func (s *Server) CA(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Serve has an archive served from now on, under a new ETag.
func (s *Server) Serve(archive []byte) {
	s.set(func() { s.archive, s.answer = archive, nil; s.version++ })
}

// Answer has requests answered otherwise from now on.
func (s *Server) Answer(answer http.HandlerFunc) { s.set(func() { s.answer = answer }) }

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Answered gives the statuses of all answers.
func (s *Server) Answered() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.statuses...)
}

// Last is the last request.
func (s *Server) Last() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[len(s.requests)-1]
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
	s.serve(recorder, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.statuses = append(s.requests, r), append(s.statuses, recorder.status)
	if len(s.requests) > 1000 {
		s.requests, s.statuses = s.requests[1:], s.statuses[1:]
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.Token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	for {
		s.mu.Lock()
		archive, answer, etag, changed := s.archive, s.answer, fmt.Sprintf(`"v%d"`, s.version), s.changed
		s.mu.Unlock()
		switch {
		case answer != nil:
			answer(w, r)
			return
		case r.URL.Path != "/gw.tar.gz" || archive == nil:
			w.WriteHeader(http.StatusNotFound)
			return
		case r.Header.Get("If-None-Match") == etag && s.LongPolling && s.wait(r, changed):
			continue
		}
		w.Header().Set("ETag", etag)
		if s.LongPolling {
			w.Header().Set("Content-Type", "application/vnd.openpolicyagent.bundles")
		} else {
			w.Header().Set("Content-Type", "application/gzip")
		}
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(archive) //nolint:errcheck // a caller who has gone
		return
	}
}

// wait waits as long as a long poll asks for, and says whether something changed.
func (s *Server) wait(r *http.Request, changed <-chan struct{}) bool {
	_, asked, _ := strings.Cut(r.Header.Get("Prefer"), "wait=")
	seconds, err := strconv.Atoi(asked)
	if err != nil {
		return false
	}
	timer := time.NewTimer(time.Duration(seconds) * time.Second)
	defer timer.Stop()
	select {
	case <-changed:
		return true
	case <-timer.C:
	case <-r.Context().Done():
	}
	return false
}

type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap gives what http.ResponseController works on.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
