package proxy

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wicketgate/wicketgate/internal/http1"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// streaming is a network that sends bodies as they come.
type streaming struct{ *http.Transport }

// Send implements Network.
func (s streaming) Send(r *http.Request, _ http1.Informed) (*http.Response, error) {
	return s.RoundTrip(r)
}

// streams makes a proxy before one server, and another that is down.
func streams(t *testing.T, handler http.HandlerFunc) (*Proxy, *Server) {
	t.Helper()
	server := httptest.NewServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // those who break off are part of it
	network := streaming{&http.Transport{}}
	t.Cleanup(func() {
		network.CloseIdleConnections()
		server.Close()
	})
	one := &Server{Address: server.Listener.Addr().String(), Healthy: healthy}
	return New(Config{Name: "orders", Retry: &Retry{Attempts: 3}, Retried: func() {}}, NewServers(false, one, &Server{Address: "127.0.0.1:1", Healthy: func() bool { return false }}), network), one
}

// late is a timeout.
type late struct{ error }

func (late) Timeout() bool { return true }

// failing is a body that ends with an error.
type failing struct {
	io.Reader
	err  error
	with bool // what came last
}

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if rest := f.Reader.(*strings.Reader).Len(); errors.Is(err, io.EOF) || f.with && rest == 0 {
		err = f.err
	}
	return n, err
}

func (failing) Close() error { return nil }

// TestBodyBreaksOff passes on bodies that their caller breaks off: it is told so, the server never sees an end, and is not taken
// for one that fails.
func TestBodyBreaksOff(t *testing.T) {
	reset := errors.New("stream error")
	for name, test := range map[string]struct {
		body   string
		length int64
		major  int
		err    error
		status int
	}{
		"whole, of HTTP/1.1":                      {"12345", 5, 1, io.EOF, 200},
		"whole, of HTTP/2":                        {"12345", 5, 2, io.EOF, 200},
		"whole, of one byte":                      {"1", 1, 3, io.EOF, 200},
		"whole, of no length":                     {"12345", -1, 2, io.EOF, 200},
		"reset":                                   {"123", 5, 2, reset, 400},
		"reset, of no length":                     {"123", -1, 1, reset, 400},
		"reset behind the length":                 {"12345", 5, 2, reset, 400},
		"reset behind the length, of one byte":    {"1", 1, 3, reset, 400},
		"longer than its length":                  {"123456", 5, 3, io.EOF, 400},
		"longer than its length, of one byte":     {"12", 1, 3, io.EOF, 400},
		"shorter than its length":                 {"1234", 5, 3, io.EOF, 400},
		"late":                                    {"1234", 5, 1, late{reset}, 408},
		"larger than the server above lets it be": {"1234", -1, 1, &http.MaxBytesError{Limit: 4}, 413},
	} {
		for _, with := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", told with the last of it"}[with], func(t *testing.T) {
				var whole atomic.Int64
				p, server := streams(t, func(_ http.ResponseWriter, r *http.Request) {
					if body, err := io.ReadAll(r.Body); err == nil && string(body) == test.body {
						whole.Add(1)
					} else if err == nil {
						t.Errorf("the server got %q for a whole body", body)
					}
				})
				r, x := received(t, "POST", "")
				r.Body, r.ContentLength, r.ProtoMajor = failing{strings.NewReader(test.body), test.err, with}, test.length, test.major
				x.Body.Stream, x.Body.Length, x.Body.Read = r.Body, test.length, false
				w := httptest.NewRecorder()
				err := p.Forward(w, r, x, false)
				status := w.Code
				var prob *problem.Problem
				if errors.As(err, &prob) {
					status = prob.StatusCode()
				}
				if status != test.status || whole.Load() != int64(btoi(test.status == 200)) {
					t.Errorf("got %d, %v; %d whole bodies came", status, err, whole.Load())
				}
				if x.Tries != 1 || !p.servers.Available(server) {
					t.Errorf("after %d tries, the server is taken for one that fails", x.Tries)
				}
			})
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestServerBreaksOff has the server end the connection while the body goes out: that is not the caller's doing.
func TestServerBreaksOff(t *testing.T) {
	p, server := streams(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	r, x := received(t, "POST", "")
	from, to := io.Pipe()
	go func() {
		for {
			if _, err := to.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}()
	defer from.Close()
	r.Body, r.ContentLength, r.ProtoMajor = from, -1, 2
	x.Body.Stream, x.Body.Length, x.Body.Read = r.Body, -1, false
	var prob *problem.Problem
	if err := p.Forward(httptest.NewRecorder(), r, x, false); !errors.As(err, &prob) || prob.StatusCode() != http.StatusBadGateway {
		t.Errorf("got %v", err)
	}
	if p.servers.Available(server) {
		t.Error("the server is not left out")
	}
}
