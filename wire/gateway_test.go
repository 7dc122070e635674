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
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/processtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	processtest.Remove()
	os.Exit(code)
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
	*processtest.Gateway
	t testing.TB
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
	return &process{Gateway: processtest.New(t, "", nil), t: t}
}

// global is the beginning of a Caddyfile's global options, which keep the process apart from others.
func (p *process) global() string {
	return fmt.Sprintf(`admin localhost:%d
	http_port %d
	https_port %d
	persist_config off
	skip_install_trust
	storage file_system %s/storage
`, p.Admin, p.HTTP, p.HTTPS, p.Folder)
}

func (p *process) path(name string) string { return filepath.Join(p.Folder, filepath.FromSlash(name)) }

// start runs the binary on the Caddyfile in its folder until the test ends.
func (p *process) start() {
	p.t.Helper()
	p.Start()
	p.Within(time.Minute, "its admin API answers", func() bool {
		p.Alive()
		return p.Ask("/config/") != nil
	})
}

func (p *process) api(path string) string { return fmt.Sprintf("http://localhost:%d%s", p.Admin, path) }

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
