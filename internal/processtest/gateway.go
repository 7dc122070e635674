package processtest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Gateway is the binary on a Caddyfile, in a folder of its own: what it keeps, and its ports, outlive its process.
type Gateway struct {
	// HTTPS, HTTP and Admin are the ports at which it serves and is asked.
	HTTPS, HTTP, Admin int
	// Folder is where the Caddyfile lies, and what it names.
	Folder string

	t       testing.TB
	env     []string
	process *exec.Cmd
	ended   chan struct{} // closed when the process has
	log     string
}

// New writes a Caddyfile, and what else there is to lie beside it, by name. The Caddyfile may name {$HTTPS_PORT}, {$HTTP_PORT},
// {$ADMIN} and {$DATA}, and what env says, NAME=value each. Nothing runs yet.
func New(t testing.TB, caddyfile string, files map[string]string, env ...string) *Gateway {
	t.Helper()
	g := &Gateway{t: t, Folder: t.TempDir(), HTTPS: FreePort(t), HTTP: FreePort(t), Admin: FreePort(t)}
	g.Write("Caddyfile", caddyfile)
	for name, text := range files {
		g.Write(name, text)
	}
	g.log = filepath.Join(g.Folder, "log")
	g.env = append(os.Environ(), fmt.Sprintf("HTTPS_PORT=%d", g.HTTPS), fmt.Sprintf("ADMIN=localhost:%d", g.Admin), fmt.Sprintf("HTTP_PORT=%d", g.HTTP),
		"DATA="+g.data(), "XDG_CONFIG_HOME="+g.Folder, "XDG_DATA_HOME="+g.Folder)
	g.env = append(g.env, env...)
	t.Cleanup(func() {
		g.Stop()
		if t.Failed() {
			g.t.Logf("the end of the gateway's log:\n%s", g.tail())
		}
	})
	return g
}

func (g *Gateway) data() string { return filepath.Join(g.Folder, "data") }

// Write writes a file of its folder in the place of an old one at once, as a careful editor does.
func (g *Gateway) Write(name, text string) {
	g.t.Helper()
	path := filepath.Join(g.Folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		g.t.Fatal(err)
	}
}

// Run starts the process, and waits until it serves HTTPS with a certificate of its own authority.
func (g *Gateway) Run() {
	g.t.Helper()
	g.Start()
	g.Within(time.Minute, "it serves", func() bool {
		g.Alive()
		return g.serves()
	})
}

// Start starts the process, and waits for nothing.
func (g *Gateway) Start() {
	g.t.Helper()
	log, err := os.OpenFile(g.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		g.t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // it is the process's
	run := exec.Command(Build(g.t), "run", "--config", filepath.Join(g.Folder, "Caddyfile"))
	run.Env, run.Stdout, run.Stderr = g.env, log, log
	if err := run.Start(); err != nil {
		g.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		run.Wait() //nolint:errcheck // it is stopped or killed, or else does not serve
		close(ended)
	}()
	g.process, g.ended = run, ended
}

// Alive fails the test where the process has ended.
func (g *Gateway) Alive() {
	g.t.Helper()
	if !g.Runs() {
		g.t.Fatalf("the gateway ended:\n%s", g.tail())
	}
}

func (g *Gateway) serves() bool {
	roots := g.roots()
	if roots == nil {
		return false
	}
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", g.Address(), &tls.Config{RootCAs: roots})
	return err == nil && c.Close() == nil
}

// Address is where it serves, and URL the same as an address.
func (g *Gateway) Address() string { return fmt.Sprintf("localhost:%d", g.HTTPS) }

// URL is the address of a path.
func (g *Gateway) URL(path string) string { return "https://" + g.Address() + path }

// roots is the authority of its certificate, nil while there is none.
func (g *Gateway) roots() *x509.CertPool {
	pem, err := os.ReadFile(filepath.Join(g.data(), "pki", "authorities", "local", "root.crt"))
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		return nil
	}
	return roots
}

// TLS trusts its authority.
func (g *Gateway) TLS() *tls.Config { return &tls.Config{RootCAs: g.roots()} }

// Client speaks HTTP/2 with it, or only HTTP/1.1, and follows no redirects.
func (g *Gateway) Client(http2 bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: g.TLS(), ForceAttemptHTTP2: http2, MaxIdleConnsPerHost: 64}
	if !http2 {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP1(true)
	}
	g.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Runs says whether the process does.
func (g *Gateway) Runs() bool {
	if g.process == nil {
		return false
	}
	select {
	case <-g.ended:
		return false
	default:
		return true
	}
}

// PID is the process's id.
func (g *Gateway) PID() int { return g.process.Process.Pid }

// Signal sends the process a signal.
func (g *Gateway) Signal(s os.Signal) {
	g.t.Helper()
	if err := g.process.Process.Signal(s); err != nil {
		g.t.Fatal(err)
	}
}

// Kill ends the process without a word to it.
func (g *Gateway) Kill() {
	if g.Runs() {
		g.process.Process.Kill() //nolint:errcheck // it may be gone
		<-g.ended
	}
}

// Stop has the process end as it does at an operator's word.
func (g *Gateway) Stop() {
	g.t.Helper()
	if !g.Runs() {
		return
	}
	g.process.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
	select {
	case <-g.ended:
	case <-time.After(20 * time.Second):
		g.t.Error("the gateway did not stop within 20 s")
		g.Kill()
	}
}

// Log is what it has said so far.
func (g *Gateway) Log() string {
	text, _ := os.ReadFile(g.log) //nolint:errcheck // one that never ran said nothing
	return string(text)
}

// tail is the end of its log, 64 KiB of it at most: one that says all it does says megabytes.
func (g *Gateway) tail() string {
	log := g.Log()
	return log[max(0, len(log)-64<<10):]
}

// Logged says how often its log has a text.
func (g *Gateway) Logged(text string) int { return strings.Count(g.Log(), text) }

// Within waits until something is so.
func (g *Gateway) Within(most time.Duration, what string, so func() bool) {
	g.t.Helper()
	for end := time.Now().Add(most); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("not within %s: %s", most, what)
		}
	}
}
