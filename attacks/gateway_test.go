package attacks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// gateway is the built binary, running on a copy of testdata/gateway in a folder of its own.
type gateway struct {
	t                     testing.TB
	folder, data          string
	https, admin, devices int
	process               *os.Process
	ended                 chan error
	log                   *os.File
	roots                 *x509.CertPool
	service, third        *service
	secrets               *secrets
}

// binary is built once, as the tests of the root package and xcaddy.json do, so that what all need is compiled once.
var binary = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "wicketgate-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "caddy")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-tags", "nobadger,nomysql,nopgx", "-o", path, "./cmd/caddy")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		os.RemoveAll(folder) //nolint:errcheck // nothing is in it
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	remove = func() { os.RemoveAll(folder) } //nolint:errcheck // it is in the folder for what may go
	return path, nil
})

// remove takes the binary away again.
var remove = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	remove()
	os.Exit(code)
}

// start runs it until the test ends.
func start(t testing.TB) *gateway {
	t.Helper()
	built, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, folder: t.TempDir(), https: gatewaytest.FreePort(t), admin: gatewaytest.FreePort(t), devices: gatewaytest.FreePort(t), ended: make(chan error, 1)}
	g.data = filepath.Join(g.folder, "data")
	g.secrets = newSecrets(t)
	g.service = newService(t, false, g.secrets.serve)
	g.secrets.service = g.service.URL
	g.third = newService(t, true, g.secrets.third)
	g.write()

	log, err := os.Create(filepath.Join(g.folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(built, "run", "--config", "Caddyfile")
	g.log = log
	run.Dir, run.Stdout, run.Stderr = g.folder, log, log
	run.Env = append(os.Environ(), "HTTPS_PORT="+strconv.Itoa(g.https), "ADMIN=localhost:"+strconv.Itoa(g.admin), "HTTP_PORT="+strconv.Itoa(gatewaytest.FreePort(t)),
		"DEVICES_PORT="+strconv.Itoa(g.devices), "DATA="+g.data, "SERVICE="+g.service.URL, "THIRD="+g.third.URL, "XDG_CONFIG_HOME="+g.folder, "XDG_DATA_HOME="+g.folder)
	run.Env = append(run.Env, g.secrets.environment()...)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	g.process = run.Process
	go func() { g.ended <- run.Wait() }()
	t.Cleanup(g.stop)
	g.within(60*time.Second, "it serves", g.serves)
	g.within(20*time.Second, "the ledger is open", func() bool { return strings.Contains(string(g.asked("/api_gateway/status")), `"ledger":{"ready":true`) })
	g.settled()
	return g
}

// write makes the folder: what testdata/gateway and policies hold, and the files of keys.
func (g *gateway) write() {
	g.t.Helper()
	copied := func(from, to string, takes func(name string) bool) {
		err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !takes(path) {
				return err
			}
			name, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			g.file(filepath.Join(to, name), text)
			return err
		})
		if err != nil {
			g.t.Fatal(err)
		}
	}
	copied("testdata/gateway", "", func(string) bool { return true })
	copied("../policies", "policies", func(path string) bool {
		return strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".rego") && !strings.HasSuffix(path, "_test.rego")
	})
	for name, text := range g.secrets.files(g) {
		g.file(name, text)
	}
}

// file writes one that looks an hour old: new ones would be loaded once more soon after the start.
func (g *gateway) file(name string, text []byte) {
	g.t.Helper()
	path, old := filepath.Join(g.folder, name), time.Now().Add(-time.Hour)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600), os.Chtimes(path, old, old)); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) stop() {
	g.process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
	select {
	case <-g.ended:
	case <-time.After(20 * time.Second):
		g.t.Error("the gateway did not stop within 20 s")
		g.process.Kill() //nolint:errcheck // it may be gone
		<-g.ended
	}
	g.log.Close() //nolint:errcheck // only read from now on
	if g.t.Failed() {
		said := g.said()
		g.t.Logf("the end of the gateway's log:\n%s", said[max(0, len(said)-16<<10):])
	}
}

// serves says whether HTTPS is served on both ports, with certificates of Caddy's own authority.
func (g *gateway) serves() bool {
	g.alive()
	pem, err := os.ReadFile(filepath.Join(g.data, "pki", "authorities", "local", "root.crt"))
	g.roots = x509.NewCertPool()
	if err != nil || !g.roots.AppendCertsFromPEM(pem) {
		return false
	}
	for _, port := range []int{g.https, g.devices} {
		c, err := tls.Dial("tcp", address(port), &tls.Config{RootCAs: g.roots})
		if err != nil || c.Close() != nil {
			return false
		}
	}
	return true
}

// alive fails the test when the gateway has ended.
func (g *gateway) alive() {
	g.t.Helper()
	select {
	case err := <-g.ended:
		g.ended <- err
		g.t.Fatalf("the gateway ended: %v\n%s", err, g.said())
	default:
	}
}

func address(port int) string { return "localhost:" + strconv.Itoa(port) }

// front is the way in that most take.
func (g *gateway) front() door { return door{g: g, port: g.https} }

// said is all that the gateway has written to its standard output and error.
func (g *gateway) said() []byte {
	said, err := os.ReadFile(g.log.Name())
	if err != nil {
		g.t.Error(err)
	}
	return said
}

// asked is what the admin API answers.
func (g *gateway) asked(path string) []byte {
	g.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+address(g.admin)+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		g.t.Fatalf("%s: %d %s %v", path, res.StatusCode, text, err)
	}
	return text
}

// goroutines is how many the gateway has.
func (g *gateway) goroutines() int {
	g.t.Helper()
	head, _, _ := bytes.Cut(g.asked("/debug/pprof/goroutine?debug=1"), []byte("\n"))
	var n int
	if _, err := fmt.Sscanf(string(head), "goroutine profile: total %d", &n); err != nil {
		g.t.Fatalf("%s: %v", head, err)
	}
	return n
}

// consumers are the goroutines that wait for events of a webhook, in a profile.
var consumers = regexp.MustCompile(`(?m)^(\d+) @.*\n(?:#.*\n)*?#.*pullConsumer\)\.Messages\.func2`)

// settled waits until each webhook's events are waited for: that begins a while after the start, and takes goroutines.
func (g *gateway) settled() {
	g.t.Helper()
	text, err := os.ReadFile("testdata/gateway/catalogue/hooks.hcl")
	if err != nil {
		g.t.Fatal(err)
	}
	hooks := bytes.Count(text, []byte("\nwebhook "))
	g.within(patience, "events are waited for", func() bool {
		n := 0
		for _, found := range consumers.FindAllSubmatch(g.asked("/debug/pprof/goroutine?debug=1"), -1) {
			n += integer(string(found[1]))
		}
		return n >= hooks
	})
}

// within waits until ok, at most as long as said.
func (g *gateway) within(limit time.Duration, what string, ok func() bool) {
	g.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
