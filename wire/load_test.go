package wire_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3" // Caddy's own HTTP/3
)

// form is a way in which a caller comes.
type form struct {
	name    string
	method  string
	version string // of HTTP: h1, h2, h3
	fresh   bool   // each request on a connection of its own
}

// forms are the ways of mixed load. A POST is not sent again by Go's client, which for a GET hides what a connection that
// ends under it has lost.
var forms = []form{
	{"HTTP/1.1, new connections", "GET", "h1", true},
	{"HTTP/1.1, kept connections", "POST", "h1", false},
	{"HTTP/2", "POST", "h2", false},
	{"HTTP/3", "POST", "h3", false},
}

// client makes one that comes in a form.
func (f form) client(t testing.TB, roots *x509.CertPool) *http.Client {
	t.Helper()
	config := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	if f.version == "h3" {
		transport := &http3.Transport{TLSClientConfig: config}
		t.Cleanup(func() { transport.Close() }) //nolint:errcheck // nothing is under way
		return &http.Client{Transport: transport, Timeout: 30 * time.Second}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: f.version == "h2", DisableKeepAlives: f.fresh}
	if f.version == "h1" {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// tally counts the requests of a form.
type tally struct {
	requests, failed atomic.Int64
	mu               sync.Mutex
	first            []string // of what failed
}

func (c *tally) add(err error) {
	c.requests.Add(1)
	if err == nil {
		return
	}
	c.failed.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.first) < 5 {
		c.first = append(c.first, err.Error())
	}
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprintf("%d of %d failed", c.failed.Load(), c.requests.Load())
	if len(c.first) > 0 {
		text += fmt.Sprintf(": %q", c.first)
	}
	return text
}

// load has callers of each form call until what it returns is called, and counts what came of it, by the form's name.
func load(t testing.TB, callers int, roots *x509.CertPool, call func(f form, c *http.Client) error) (tallies map[string]*tally, stop func()) {
	t.Helper()
	tallies = map[string]*tally{}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, f := range forms {
		counts := &tally{}
		tallies[f.name] = counts
		for range callers {
			c := f.client(t, roots)
			all.Go(func() {
				for ctx.Err() == nil {
					counts.add(call(f, c))
				}
			})
		}
	}
	stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(stop)
	return tallies, stop
}

// send sends a request and gives the whole answer.
func send(c *http.Client, method, url, body string, fields ...string) (status int, header http.Header, answer string, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(text), err
}

// roots waits for the process's own authority, and until it serves HTTPS.
func (p *process) roots() *x509.CertPool {
	p.t.Helper()
	roots := x509.NewCertPool()
	within(p.t, time.Minute, "its authority is there", func() bool {
		pem, err := os.ReadFile(p.path("storage/pki/authorities/local/root.crt"))
		return err == nil && roots.AppendCertsFromPEM(pem)
	})
	within(p.t, time.Minute, "it serves HTTPS", func() bool {
		c, err := tls.Dial("tcp", fmt.Sprintf("localhost:%d", p.HTTPS), &tls.Config{RootCAs: roots})
		return err == nil && c.Close() == nil
	})
	return roots
}
