//go:build unix

package console_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/npmtest"
	"github.com/wicketgate/wicketgate/internal/usage"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestFigures measures, where it is asked to, how the console does with 1,000 routes and 100,000 consumers, as many of which
// are kept as there is room for: how long it takes to load, and what the live view costs the gateway.
func TestFigures(t *testing.T) {
	if os.Getenv("WICKETGATE_FIGURES") == "" {
		t.Skip("it measures only where WICKETGATE_FIGURES is set")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	const apis, routes, watch = 20, 50, 20
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(service.Close)
	dir := t.TempDir()
	var hcl strings.Builder
	fmt.Fprintf(&hcl, "upstream \"u\" { servers = [%q] }\n", service.URL)
	for a := range apis {
		fmt.Fprintf(&hcl, "api \"api%d\" {\n  base_path = \"/api%d\"\n  upstream = upstream.u\n  identify = [anonymous]\n  authorize = public\n  versioning { path = true }\n", a, a)
		for r := range routes {
			fmt.Fprintf(&hcl, "  route \"GET /r%d/{id}\" {}\n", r)
		}
		hcl.WriteString("  version \"v1\" {\n    released = \"2024-01-01\"\n    deprecated = \"2026-01-01\"\n    sunset = \"2027-06-01\"\n  }\n  version \"v2\" { released = \"2025-01-01\" }\n}\n")
	}
	gatewaytest.Write(t, filepath.Join(dir, "catalogue.hcl"), hcl.String())
	callers(t, filepath.Join(dir, "usage"), apis)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), fmt.Sprintf(`{
	api_gateway {
		catalogue catalogue.hcl
		usage     usage
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	basic_auth /console* {
		%s %s
	}
	api_gateway
	api_console
}
`, user, hash))
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	for a := range apis {
		for _, v := range []string{"v1", "v2"} {
			if s := g.Do("GET", fmt.Sprintf("/api%d/%s/r1/7", a, v), "").Status; s != 200 {
				t.Fatalf("%d", s)
			}
		}
	}
	time.Sleep(2 * time.Second) // what starting takes is not what watching does
	idle := cpu(t, watch*time.Second)

	folder := npmtest.Install(t, "console", os.DirFS("testdata/browser"))
	config, err := json.Marshal(map[string]any{"base": g.URL + "/console", "user": user, "password": password, "chromium": chromium, "watch": watch + 10})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", filepath.Join(folder, "figures.mjs"), string(config))
	node.Stderr = os.Stderr
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var took struct{ Loads []int }
	if err := json.Unmarshal(line, &took); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	live := cpu(t, watch*time.Second)
	if err := node.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(took.Loads)
	t.Logf("from the navigation to the first complete view, 7 loads: %v ms", took.Loads)
	t.Logf("of a core, over %d s: %.2f %% without a page, %.2f %% with one that is kept open", watch, idle*100, live*100)
	if took.Loads[len(took.Loads)/2] > 1000 {
		t.Error("loading takes more than a second")
	}
	if live-idle > .02 {
		t.Error("the live view costs more than 2 % of a core")
	}
}

// cpu is the share of a core that this process uses for a while.
func cpu(t *testing.T, long time.Duration) float64 {
	t.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before, began := used(), time.Now()
	time.Sleep(long)
	return (used() - before).Seconds() / time.Since(began).Seconds()
}

// callers fills the usage of 14 days with 100,000 consumers: each day has as many as it has room for.
func callers(t *testing.T, folder string, apis int) {
	t.Helper()
	store, _, err := usage.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	for day := range 14 {
		at := time.Now().Add(time.Duration(day-13) * 24 * time.Hour)
		all := make(map[usage.Key]*usage.Sums)
		for i := range 20_000 {
			n := (day*20_000 + i) % 100_000
			all[usage.Key{Consumer: fmt.Sprintf("consumer-%06d", n), API: fmt.Sprint("api", n%apis), Version: []string{"v1", "v2"}[n%2], Selected: "path"}] = &usage.Sums{Requests: uint64(n), Last: at}
		}
		if err := store.Add(all, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
