package wicketgate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
	"github.com/wicketgate/wicketgate/internal/processtest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// pages are the pages whose commands run: each beside the gateway of a Caddyfile.
var pages = []struct{ page, caddyfile string }{
	{"README.md", "Caddyfile"},
	{"docs/versions.md", "examples/versions/Caddyfile"},
	{"docs/testing.md", "Caddyfile"},
	{"docs/policies.md", "examples/policies/Caddyfile"},
	{"docs/limits.md", "examples/limits/Caddyfile"},
	{"docs/identity.md", "examples/identity/Caddyfile"},
	{"docs/openapi.md", "examples/openapi/Caddyfile"},
	{"docs/webhooks.md", "examples/webhooks/Caddyfile"},
	{"docs/usage.md", "Caddyfile"},
	{"docs/explain.md", "Caddyfile"},
	{"docs/console.md", "Caddyfile"},
	{"docs/status.md", "Caddyfile"},
}

// TestPages runs the gateways of the pages and asks them what the pages ask, with the clients the pages use. What is
// answered must be what the page says, where … stands for anything.
func TestPages(t *testing.T) {
	binary := build(t)
	for _, p := range pages {
		t.Run(p.page, func(t *testing.T) { testPage(t, p.page, start(t, binary, p.caddyfile)) })
	}
}

func testPage(t *testing.T, page string, g *running) {
	steps := console(string(read(t, page)))
	if len(steps) < 6 {
		t.Fatalf("only %d commands found", len(steps))
	}
	script := &strings.Builder{}
	for i, s := range steps {
		fmt.Fprintf(script, "%s\nprintf '\\n--%d--\\n'\n", g.here(s.command), i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-c", script.String())
	bash.Env = append(slices.Clone(g.env), "GOFLAGS=-buildvcs=false", "PATH="+filepath.Dir(g.binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	var stderr bytes.Buffer
	bash.Stderr = &stderr
	out, err := bash.Output()
	if err != nil {
		t.Fatalf("running the commands: %v\n%s", err, stderr.Bytes())
	}
	rest := string(out)
	for i, s := range steps {
		answer, after, ok := strings.Cut(rest, fmt.Sprintf("\n--%d--\n", i))
		if !ok {
			t.Fatalf("$ %s\ndid not run: %s", s.command, stderr.Bytes())
		}
		rest = after
		if got, want := strings.TrimSpace(answer), g.here(s.answer); !like(want, got) {
			t.Errorf("$ %s\ngave\n\t%s\nand the page says\n\t%s", s.command, got, want)
		}
	}
}

type step struct{ command, answer string }

// console finds the commands of a page's console blocks, with the answers that stand below them.
func console(page string) []step {
	var steps []step
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(page, -1) {
		for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{command: command})
				continue
			}
			steps[len(steps)-1].answer += line + "\n"
		}
	}
	for i := range steps {
		steps[i].answer = strings.TrimSpace(steps[i].answer)
	}
	return steps
}

// like says whether text is pattern, in which … stands for any text of one line.
func like(pattern, text string) bool {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), "…", "[^\n]*?")
	return regexp.MustCompile("^" + quoted + "$").MatchString(text)
}

// running is a gateway that runs on ports of its own.
type running struct {
	binary       string
	process      *os.Process
	https, admin int
	shop         int // where the example's service is, and the console
	data         string
	env          []string // by which the Caddyfile knows its ports and folder
}

// here puts the running gateway's addresses and folder in the place of the page's.
func (g *running) here(text string) string {
	return strings.NewReplacer(
		"localhost:8443", "localhost:"+strconv.Itoa(g.https),
		"localhost:2019", "localhost:"+strconv.Itoa(g.admin),
		"localhost:9080", "localhost:"+strconv.Itoa(g.shop),
		".data/", g.data+"/",
	).Replace(text)
}

func TestMain(m *testing.M) {
	code := m.Run()
	processtest.Remove()
	natstest.Remove()
	os.Exit(code)
}

// build builds the binary, called caddy, for the first test that asks for it.
func build(t testing.TB) string {
	t.Helper()
	return processtest.Build(t)
}

// start runs the binary on a Caddyfile until the test ends, with what else its environment is to have.
func start(t testing.TB, binary, caddyfile string, env ...string) *running {
	t.Helper()
	dir := t.TempDir()
	ports := make([]int, 4)
	for i := range ports {
		ports[i] = gatewaytest.FreePort(t)
	}
	g := &running{binary: binary, https: ports[0], admin: ports[1], shop: ports[3], data: filepath.Join(dir, "data")}
	run := exec.Command(binary, "run", "--config", caddyfile)
	g.env = append(os.Environ(),
		"HTTPS_PORT="+strconv.Itoa(g.https), "ADMIN=localhost:"+strconv.Itoa(g.admin),
		"HTTP_PORT="+strconv.Itoa(ports[2]), "SHOP_PORT="+strconv.Itoa(ports[3]), "SERVICE_PORT="+strconv.Itoa(ports[3]),
		"DATA="+g.data, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	g.env = append(g.env, env...)
	for _, one := range env {
		if storage, ok := strings.CutPrefix(one, "STORAGE="); ok { // of several gateways
			g.data = storage
		}
	}
	run.Env = g.env
	// The go command, which pages run, too, would go on writing its telemetry here after it has ended.
	mode := filepath.Join(dir, "go", "telemetry", "mode")
	if err := errors.Join(os.MkdirAll(filepath.Dir(mode), 0o700), os.WriteFile(mode, []byte("off"), 0o600)); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	run.Stdout, run.Stderr = log, log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	g.process = run.Process
	done := make(chan error, 1)
	go func() { done <- run.Wait() }()
	t.Cleanup(func() {
		stop(t, run, done)
		log.Close() //nolint:errcheck // only read from now on
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("the gateway's log:\n%s", said)
		}
	})
	g.wait(t, done)
	return g
}

func stop(t testing.TB, run *exec.Cmd, done chan error) {
	if runtime.GOOS == "windows" {
		run.Process.Kill() //nolint:errcheck // it may be gone
		<-done
		return
	}
	run.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("the gateway did not stop within 20 s")
		run.Process.Kill() //nolint:errcheck // it may be gone
		<-done
	}
}

// wait waits until the gateway serves HTTPS with a certificate of its own authority.
func (g *running) wait(t testing.TB, done chan error) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !g.serves() {
		select {
		case err := <-done:
			done <- err
			t.Fatalf("the gateway ended: %v", err)
		case <-deadline:
			t.Fatal("the gateway did not serve within 60 s")
		case <-tick.C:
		}
	}
}

func (g *running) serves() bool {
	pem, err := os.ReadFile(filepath.Join(g.data, "pki", "authorities", "local", "root.crt"))
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		return false
	}
	c, err := tls.Dial("tcp", "localhost:"+strconv.Itoa(g.https), &tls.Config{RootCAs: roots})
	if err != nil {
		return false
	}
	return c.Close() == nil
}
