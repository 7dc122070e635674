// Tests of the gateway's built binary by what goes over the wire: its certificates, reloads under load, and HTTP/2 as the
// standard has it.
package wire_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// built is the folder of the binary, once a test has asked for it.
var built struct {
	sync.Mutex
	folder string
}

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built.folder) //nolint:errcheck // it is in the folder for what may go
	os.Exit(code)
}

// build builds the binary for the first test that asks for it, like that of xcaddy.json, so that what both need is compiled
// once.
func build(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	binary := filepath.Join(built.folder, "caddy")
	if built.folder != "" {
		return binary
	}
	folder, err := os.MkdirTemp("", "wicketgate-")
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(folder, "caddy")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-tags", "nobadger,nomysql,nopgx", "-o", binary, "../cmd/caddy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		os.RemoveAll(folder) //nolint:errcheck // nothing is in it
		t.Fatalf("building the binary: %v\n%s", err, out)
	}
	built.folder = folder
	return binary
}

// tool gives the path of a program that is a Go module and no part of what users link: it is built by version into the
// user's folder for caches. Where it cannot be had, the test is skipped, except in CI.
func tool(t testing.TB, pkg, version string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(pkg)
	folder := filepath.Join(cache, "wicketgate", "tools", name+"@"+version)
	binary := filepath.Join(folder, name)
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	install := exec.Command("go", "install", pkg+"@"+version)
	install.Dir = t.TempDir() // of no module
	install.Env = append(os.Environ(), "GOBIN="+folder, "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("go install %s@%s: %v\n%s", pkg, version, err, out)
		}
		t.Skipf("%s cannot be had: GOBIN=%s go install %s@%s: %v\n%s", name, folder, pkg, version, err, out)
	}
	return binary
}

// process is a gateway, or stock Caddy, in a process of its own.
type process struct {
	t                  testing.TB
	dir                string // of its Caddyfile, what it names, and its storage
	http, https, admin int
	log                *locked
	run                *exec.Cmd
}

// locked is what a process says, read while it goes on.
type locked struct {
	sync.Mutex
	buffer bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.buffer.Write(p)
}

func (l *locked) String() string {
	l.Lock()
	defer l.Unlock()
	return l.buffer.String()
}

// prepare gives a folder and ports to a process that start will start.
func prepare(t testing.TB) *process {
	t.Helper()
	return &process{t: t, dir: t.TempDir(), http: gatewaytest.FreePort(t), https: gatewaytest.FreePort(t), admin: gatewaytest.FreePort(t), log: &locked{}}
}

// global is the beginning of a Caddyfile's global options, which keep the process apart from others.
func (p *process) global() string {
	return fmt.Sprintf(`admin localhost:%d
	http_port %d
	https_port %d
	persist_config off
	skip_install_trust
	storage file_system %s/storage
`, p.admin, p.http, p.https, p.dir)
}

func (p *process) path(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }

func (p *process) write(name, content string) {
	p.t.Helper()
	gatewaytest.Write(p.t, p.path(name), content)
}

// start runs the binary on the Caddyfile in its folder until the test ends.
func (p *process) start() {
	p.t.Helper()
	p.run = exec.Command(build(p.t), "run", "--config", p.path("Caddyfile"))
	p.run.Env = append(os.Environ(), "HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir, "XDG_DATA_HOME="+p.dir)
	p.run.Stdout, p.run.Stderr = p.log, p.log
	if err := p.run.Start(); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.run.Wait() }()
	p.t.Cleanup(func() {
		p.run.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			p.t.Error("it did not stop within 20 s")
			p.run.Process.Kill() //nolint:errcheck // it may be gone
			<-done
		}
		if p.t.Failed() {
			p.t.Logf("its log:\n%s", tail(p.log.String(), 20_000))
		}
	})
	within(p.t, time.Minute, "its admin API answers", func() bool {
		select {
		case err := <-done:
			done <- err
			p.t.Fatalf("it ended: %v", err)
		default:
		}
		res, err := http.Get(p.api("/config/"))
		if err != nil {
			return false
		}
		res.Body.Close() //nolint:errcheck // only whether it answers is asked
		return res.StatusCode == http.StatusOK
	})
}

func (p *process) api(path string) string { return fmt.Sprintf("http://localhost:%d%s", p.admin, path) }

// reload has it load the Caddyfile in its folder by the admin API, whether or not it has changed.
func (p *process) reload() {
	p.t.Helper()
	text, err := os.ReadFile(p.path("Caddyfile"))
	if err != nil {
		p.t.Fatal(err)
	}
	// The adapter resolves names from the Caddyfile's place, which it does not know here.
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.api("/load"), bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	req.Header.Set("Cache-Control", "must-revalidate") // load it even if it is the same
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read below where it matters
	if res.StatusCode != http.StatusOK {
		var said bytes.Buffer
		said.ReadFrom(res.Body) //nolint:errcheck // for the message only
		p.t.Fatalf("loading: %d %s", res.StatusCode, said.Bytes())
	}
}

func within(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// tail is the last part of a text.
func tail(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return "…" + text[strings.IndexByte(text[len(text)-n:], '\n')+len(text)-n:]
}

// unix skips the test where there are no signals.
func unix(t testing.TB) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGTERM")
	}
}
