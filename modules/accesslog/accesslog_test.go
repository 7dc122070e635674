package accesslog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/logging" // the writers

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// nowhere is where answers go that nobody looks at.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// TestLinesOfMany has many requests at once, whose lines are made behind their backs in memory that is used again: each line is of
// one request.
func TestLinesOfMany(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	file := filepath.Join(t.TempDir(), "access.log")
	h := &Handler{WriterRaw: json.RawMessage(fmt.Sprintf(`{"output":"file","filename":%q,"roll":false}`, file)), Headers: []string{"X-Name"}}
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		name := r.Header.Get("X-Name")
		gateway.Describe(r, &exchange.Exchange{ID: name, Consumer: &exchange.Consumer{ID: name}})
		_, err := w.Write([]byte(name))
		return err
	})
	var all sync.WaitGroup
	const callers, each = 8, 200
	for caller := range callers {
		all.Go(func() {
			for n := range each {
				name := fmt.Sprintf("%d-%0*d", caller, 1+n%9, n)
				r := httptest.NewRequest(http.MethodGet, "https://api.example/"+name, nil)
				r.Header.Set("X-Name", name)
				r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, &caddyhttp.Server{})
				if err := h.ServeHTTP(nowhere{http.Header{}}, r, next); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := h.Cleanup(); err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range bytes.Lines(lines) {
		var l struct {
			Request struct {
				URI     string
				Headers map[string][]string
			}
			Size    int
			Gateway struct {
				ID       string `json:"request_id"`
				Consumer string
			} `json:"api_gateway"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		name := l.Gateway.ID
		if seen[name] || l.Request.URI != "https://api.example/"+name || l.Gateway.Consumer != name || l.Size != len(name) || !slices.Equal(l.Request.Headers["X-Name"], []string{name}) {
			t.Fatalf("a line is of several requests, or there twice: %s", line)
		}
		seen[name] = true
	}
	if len(seen) != callers*each {
		t.Errorf("there are %d lines", len(seen))
	}
}

// Caddy's reverse_proxy may go on reading a body when the answer has come: the race detector sees whether the line minds.
func TestReadOn(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	h := &Handler{WriterRaw: json.RawMessage(`{"output":"discard"}`)}
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	defer h.Cleanup() //nolint:errcheck // it discards
	var all sync.WaitGroup
	for range 10 {
		r := httptest.NewRequest(http.MethodPost, "https://api.example/", bytes.NewReader(make([]byte, 1<<20)))
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, &caddyhttp.Server{})
		if err := h.ServeHTTP(nowhere{http.Header{}}, r, caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
			begun := make(chan struct{})
			all.Go(func() {
				close(begun)
				io.Copy(io.Discard, r.Body)
			})
			<-begun
			return nil
		})); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
}

// What goes over a connection that a handler takes over is in the line: also what the caller sent before that, and what is read and
// written without the buffers.
func TestTakenOver(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	file := filepath.Join(t.TempDir(), "access.log")
	h := &Handler{WriterRaw: json.RawMessage(fmt.Sprintf(`{"output":"file","filename":%q,"roll":false}`, file))}
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, &caddyhttp.Server{})
		if err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Upgrade", "echo")
			w.Header().Set("Connection", "Upgrade")
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, both, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			line, err := both.ReadString('\n')
			if err != nil {
				return err
			}
			if _, err := both.WriteString(line); err != nil {
				return err
			}
			if err := both.Flush(); err != nil {
				return err
			}
			_, err = io.CopyN(conn, conn, 4)
			return err
		})); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: api.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst\n")
	from := bufio.NewReader(conn)
	for line := ""; line != "first\n"; {
		if line, err = from.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	io.WriteString(conn, "next")
	if rest, err := io.ReadAll(from); err != nil || string(rest) != "next" {
		t.Errorf("got %q, %v", rest, err)
	}
	<-ended
	if err := h.Cleanup(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var line struct {
		Status, Size int
		Read         int `json:"bytes_read"`
	}
	if err := json.Unmarshal(text, &line); err != nil || line.Status != 101 || line.Size != 10 || line.Read != 10 {
		t.Errorf("%v: %s", err, text)
	}
}

// BenchmarkHandler is what a request costs more with a line in a file: "alone" is the same without.
func BenchmarkHandler(b *testing.B) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	h := &Handler{WriterRaw: json.RawMessage(fmt.Sprintf(`{"output":"file","filename":%q,"roll":false}`, filepath.Join(b.TempDir(), "access.log")))}
	if err := h.Provision(ctx); err != nil {
		b.Fatal(err)
	}
	defer h.Cleanup() //nolint:errcheck // the file is gone by then
	body := make([]byte, 1024)
	x := &exchange.Exchange{ID: "0198c0de-0000-7000-8000-000000000002", API: "orders", Version: "v1", Selected: "path", Route: "GET /orders", Sent: true, Said: 200, Tries: 1, Consumer: &exchange.Consumer{ID: "acme"}, Decision: &exchange.Decision{}}
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		gateway.Describe(r, x)
		w.WriteHeader(http.StatusOK)
		_, err := w.Write(body)
		return err
	})
	original := httptest.NewRequest(http.MethodGet, "https://api.example/api/v1/orders?page=2", nil)
	original.Header = http.Header{"User-Agent": {"curl/8.1"}, "Accept": {"*/*"}, "X-Api-Key": {"wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"}}
	for name, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"alone":  next.ServeHTTP,
		"logged": func(w http.ResponseWriter, r *http.Request) error { return h.ServeHTTP(w, r, next) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := caddyhttp.PrepareRequest(original, caddy.NewReplacer(), nil, &caddyhttp.Server{})
				if err := serve(nowhere{http.Header{}}, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
