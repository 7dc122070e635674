package attacks

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/processtest"
)

// gateway is the built binary, running on a copy of testdata/gateway in a folder of its own.
type gateway struct {
	*processtest.Gateway
	t              testing.TB
	good           string // the line of a request that passes
	devices        int    // the port of those who show certificates
	service, third *service
	secrets        *secrets
}

func TestMain(m *testing.M) {
	code := m.Run()
	processtest.Remove()
	os.Exit(code)
}

// start runs it until the test ends, with what else its environment is to have.
func start(t testing.TB, more ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, good: "GET /api/v2/orders/acme-1", devices: processtest.FreePort(t)}
	g.secrets = newSecrets(t)
	g.service = newService(t, false, g.secrets.serve)
	g.secrets.service = g.service.URL
	g.third = newService(t, true, g.secrets.third)
	env := append(more, g.secrets.environment()...)
	env = append(env, fmt.Sprintf("DEVICES_PORT=%d", g.devices), "SERVICE="+g.service.URL, "THIRD="+g.third.URL)
	g.Gateway = processtest.New(t, "", nil, env...)
	g.write()
	g.Run()
	g.Within(patience, "the port of devices is served", func() bool {
		c, err := tls.Dial("tcp", address(g.devices), g.TLS())
		return err == nil && c.Close() == nil
	})
	g.Within(20*time.Second, "the ledger is open", func() bool { return strings.Contains(string(g.asked("/api_gateway/status")), `"ledger":{"ready":true`) })
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
	g.Write(name, string(text))
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(g.Folder, name), old, old); err != nil {
		g.t.Fatal(err)
	}
}

func address(port int) string { return "localhost:" + strconv.Itoa(port) }

// front is the way in that most take.
func (g *gateway) front() door { return door{g: g, port: g.HTTPS} }

// asked is what the admin API answers.
func (g *gateway) asked(path string) []byte {
	g.t.Helper()
	text := g.Ask(path)
	if text == nil {
		g.t.Fatalf("the admin API does not answer for %s", path)
	}
	return text
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
	g.Within(patience, "events are waited for", func() bool {
		n := 0
		for _, found := range consumers.FindAllSubmatch(g.asked("/debug/pprof/goroutine?debug=1"), -1) {
			n += integer(string(found[1]))
		}
		return n >= hooks
	})
}
