package attacks

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// service stands behind the gateway. It counts the requests that reach it and keeps what they said.
type service struct {
	*httptest.Server
	t      testing.TB
	answer http.HandlerFunc

	mu   sync.Mutex
	came int // requests of which the head has come, and two bytes of the body
	seen []sighting
}

// sighting is a request as the service saw it.
type sighting struct {
	method, target, proto string
	host                  string
	header, trailer       http.Header
	body                  string
}

// newService starts one, over TLS where a third party's is meant.
func newService(t testing.TB, tls bool, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{t: t, answer: answer}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(&begun{r.Body, s, 2})
	if err != nil {
		body = fmt.Appendf(body, "(broken off: %v)", err)
	}
	s.mu.Lock()
	s.seen = append(s.seen, sighting{r.Method, r.RequestURI, r.Proto, r.Host, r.Header.Clone(), r.Trailer.Clone(), string(body)})
	s.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.answer(w, r)
}

// count is how many requests have reached it.
func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// begun counts a body as one that came once some of it has.
type begun struct {
	io.Reader
	s    *service
	left int // bytes that are waited for
}

func (b *begun) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left > 0 && n >= b.left {
		b.s.mu.Lock()
		b.s.came++
		b.s.mu.Unlock()
	}
	b.left -= n
	return n, err
}

// waits until so much of another request has come.
func (s *service) waits(before int) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		more := s.came > before
		s.mu.Unlock()
		if more {
			return
		}
	}
	s.t.Error("a request was to reach the service, and none has")
}

// bodies is how many have begun to come.
func (s *service) bodies() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came
}

// since are the requests from a count on.
func (s *service) since(n int) []sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen[n:])
}

// usual are the fields of every request that the gateway sends, with what they must say; "" is for what tells nothing.
func usual(host string) map[string]string {
	return map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": host,
		"Accept-Encoding": "", "Via": "", "Content-Length": "", "Traceparent": "", "User-Agent": "",
	}
}

// told tells a request in a line, as the table does: the request line, the fields that not every request has in the order of
// their names, and the body.
func (s sighting) told(host string) string {
	known := usual(host)
	var fields []string
	switch {
	case strings.HasPrefix(s.target, "/hooked/"): // an event, of which the sender's fields are there, too
		for _, name := range []string{"Authorization", "Cookie", "X-Consumer-Id"} {
			if value := s.header.Get(name); value != "" {
				fields = append(fields, name+": "+value)
			}
		}
		return told(s.method+" "+s.target, fields, s.body)
	case strings.HasPrefix(s.target, "/v1/"): // a third party is told nothing of the caller
		known = map[string]string{"Accept": "", "Accept-Encoding": "", "Content-Length": "", "User-Agent": ""}
	}
	for name, values := range s.header {
		value := strings.Join(values, ", ")
		if want, ok := known[name]; !ok || want != "" && value != want {
			fields = append(fields, name+": "+value)
		}
	}
	for name, want := range known {
		if want != "" && s.header[name] == nil {
			fields = append(fields, name+" is missing")
		}
	}
	for name, values := range s.trailer {
		fields = append(fields, "trailer "+name+": "+strings.Join(values, ", "))
	}
	return told(s.method+" "+s.target, fields, s.body)
}

func told(line string, fields []string, body string) string {
	slices.Sort(fields)
	told := strings.Join(append([]string{line}, fields...), " ↵ ")
	if body != "" {
		told += " ↵↵ " + body
	}
	return told
}
