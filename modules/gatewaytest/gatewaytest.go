// Package gatewaytest runs Caddy in the test's own process, over real HTTPS on loopback, for tests of the gateway's
// modules. It links Caddy's standard modules; the test links those it is about, or all of them by the root package.
//
// Caddy is one to a process, so that the tests of a package take turns: Start sets environment variables, with which
// the testing package refuses to run tests in parallel.
package gatewaytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // what a Caddyfile may name

	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/processtest"
)

// Gateway is a running Caddy. It ends with its test, which fails if a goroutine or an open file is left behind.
type Gateway struct {
	// URL is where it serves: "https://localhost:" and the value of {$HTTPS_PORT}, without a slash at the end.
	URL string
	// Client trusts Caddy's own authority, speaks HTTP/2 and follows no redirects. A request takes at most a minute.
	Client *http.Client

	t       *testing.T
	storage string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Start runs the Caddyfile at path, or Caddy's JSON where it is called *.json, as it is but for what keeps tests apart from each other and from the machine: the
// storage is a folder of the test's, no certificate is installed, no HTTP redirects are served, and without an admin
// option there is no admin API and without a log option only errors are logged. {$HTTPS_PORT}, {$HTTP_PORT} and
// {$SHOP_PORT} are free ports; a site must be https://localhost:{$HTTPS_PORT}, with tls internal.
func Start(t *testing.T, path string) *Gateway {
	t.Helper()
	storage := t.TempDir()
	before := leftovers(t)
	port := free(t)
	t.Setenv("HTTPS_PORT", port)
	t.Setenv("HTTP_PORT", free(t))
	t.Setenv("SHOP_PORT", free(t))
	t.Setenv("XDG_DATA_HOME", t.TempDir()) // where what is kept beside the storage lies
	if err := caddy.Load(adapt(t, path, storage), true); err != nil {
		t.Fatal(err)
	}
	g := &Gateway{URL: "https://localhost:" + port, t: t, storage: storage}
	t.Cleanup(func() {
		if g.Client != nil {
			g.Client.CloseIdleConnections()
		}
		// Caddy keeps its admin endpoint over a stop, and lets go of it when it is told that there is none.
		if err := caddy.Load([]byte(`{"admin":{"disabled":true}}`), true); err != nil {
			t.Error(err)
		}
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
		before()
	})
	g.trust(filepath.Join(storage, "pki", "authorities", "local", "root.crt"))
	return g
}

// Storage is the folder of Caddy's storage.
func (g *Gateway) Storage() string { return g.storage }

// Reload has it run another Caddyfile, or the same again.
func (g *Gateway) Reload(path string) {
	g.t.Helper()
	g.Client.CloseIdleConnections() // Caddy ends them as it reloads, and a request may meet one that ends
	if err := caddy.Load(adapt(g.t, path, g.storage), true); err != nil {
		g.t.Fatal(err)
	}
}

// Load is Start for a Caddyfile that does not run: it gives the error.
func Load(t *testing.T, path string) error {
	t.Helper()
	t.Setenv("HTTPS_PORT", free(t))
	t.Setenv("HTTP_PORT", free(t))
	config := adapt(t, path, t.TempDir())
	if err := caddy.Load(config, true); err != nil {
		return err
	}
	return caddy.Stop()
}

// adapt makes Caddy's JSON of the Caddyfile.
func adapt(t *testing.T, path, storage string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	adapted := []byte(strings.ReplaceAll(string(text), "{$HTTPS_PORT}", os.Getenv("HTTPS_PORT")))
	if filepath.Ext(path) != ".json" {
		adapted, _, err = caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": path})
	}
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	config["storage"] = map[string]any{"module": "file_system", "root": storage}
	if config["admin"] == nil {
		config["admin"] = map[string]any{"disabled": true}
	}
	config["admin"].(map[string]any)["config"] = map[string]any{"persist": false}
	if config["logging"] == nil {
		config["logging"] = map[string]any{"logs": map[string]any{"default": map[string]any{"level": "ERROR"}}}
	}
	if apps, ok := config["apps"].(map[string]any); ok {
		apps["pki"] = map[string]any{"certificate_authorities": map[string]any{"local": map[string]any{"install_trust": false}}}
		if h, ok := apps["http"].(map[string]any); ok {
			servers, _ := h["servers"].(map[string]any)
			for _, s := range servers {
				s.(map[string]any)["automatic_https"] = map[string]any{"disable_redirects": true}
			}
		}
	}
	out, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// trust waits for Caddy's own authority and the certificate it issues, and makes the client.
func (g *Gateway) trust(root string) {
	g.t.Helper()
	roots := x509.NewCertPool()
	g.Within(10*time.Second, "the authority's certificate is there", func() bool {
		pem, err := os.ReadFile(root)
		return err == nil && roots.AppendCertsFromPEM(pem)
	})
	config := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	g.Within(10*time.Second, "HTTPS is served", func() bool {
		c, err := tls.Dial("tcp", strings.TrimPrefix(g.URL, "https://"), config)
		return err == nil && c.Close() == nil
	})
	g.Client = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true},
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Dial makes connections that speak one of the protocols. One that a reload of Caddy has just cut off is made again: with
// the old listener go those that wait in its queue, and nothing of a request has been sent on them.
func Dial(config *tls.Config, protocols ...string) func(ctx context.Context, network, address string) (net.Conn, error) {
	config = config.Clone()
	config.NextProtos = protocols
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		const tries = 5
		for try := 1; ; try++ {
			c, err := (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
			if err == nil || try == tries || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
				return c, err
			}
		}
	}
}

// Do sends a request, with header fields written "Name: value", and gives the whole answer.
func (g *Gateway) Do(method, path, body string, fields ...string) Answer {
	g.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.URL+path, reader)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	res, err := g.Client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return Answer{res.StatusCode, res.Header, string(text)}
}

// Within waits until ok, at most as long as said.
func (g *Gateway) Within(limit time.Duration, what string, ok func() bool) {
	g.t.Helper()
	for end := time.Now().Add(limit); !ok(); {
		if time.Now().After(end) {
			g.t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Write writes a file of the test's, in the place of an old one at once, as a careful editor does: nobody who watches
// reads half of it.
func Write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// leftovers notes what is running and open; what it returns fails the test if there is more.
func leftovers(t *testing.T) func() {
	ended := leaktest.Note(t)
	open := descriptors()
	return func() {
		t.Helper()
		ended()
		now := descriptors()
		for end := time.Now().Add(2 * time.Second); len(now) > len(open) && time.Now().Before(end); now = descriptors() {
			time.Sleep(5 * time.Millisecond) // sockets of connections whose other end has just gone
		}
		if len(now) > len(open) {
			t.Errorf("open are %q, and before were %q", now, open)
		}
	}
}

// descriptors lists open files and sockets, where the system tells, without logs: Caddy keeps those until it has others.
func descriptors() []string {
	const folder = "/proc/self/fd"
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var open []string
	for _, e := range entries {
		name, err := os.Readlink(filepath.Join(folder, e.Name()))
		if err == nil && filepath.Ext(name) != ".log" { // an error is that of the descriptor that read the folder
			open = append(open, name)
		}
	}
	return open
}

// FreePort gives a TCP port that nobody listens on, another one each time.
func FreePort(t testing.TB) int {
	t.Helper()
	return processtest.FreePort(t)
}

func free(t testing.TB) string {
	t.Helper()
	return strconv.Itoa(FreePort(t))
}
