package modules_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestHealthMistakes says what is wrong, and where.
func TestHealthMistakes(t *testing.T) {
	for name, test := range map[string]struct{ line, want string }{
		"two paths":        {"api_health /a /b", "expected: api_health [<path>], at Caddyfile:2"},
		"empty":            {`api_health ""`, `api_health takes a canonical path such as /healthz, not "", at Caddyfile:2`},
		"no path":          {"api_health health", `api_health takes a canonical path such as /healthz, not "health", at Caddyfile:2`},
		"a path with dots": {"api_health /a/../b", `api_health takes a canonical path such as /healthz, not "/a/../b", at Caddyfile:2`},
		"a block":          {"api_health /a {\n\t\tx\n\t}", "api_health takes no block, at Caddyfile:3"},
	} {
		_, _, err := adapt(":80 {\n\t" + test.line + "\n}\n")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// TestHealth asks a node without credentials: while it waits for its first policies it is not ready, then it is.
func TestHealth(t *testing.T) {
	dir := t.TempDir()
	bundles, key := bundletest.NewServer(t), bundletest.NewKey(t)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	api_gateway {
		policies bundle `+bundles.At()+` {
			poll   1s 1s
			ca     `+bundles.CA(t)+`
			verify `+key.File(t)+`
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_health
	basic_auth {
		ada $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG
	}
	api_policy data.gw.authz
	respond served
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	a := g.Do("GET", "/healthz", "")
	if a.Status != 503 || a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("Cache-Control") != "no-store" ||
		strings.Contains(a.Body, "polic") || strings.Contains(a.Body, "127.0.0.1") || !strings.Contains(a.Body, "#not-serving") {
		t.Errorf("without policies: %+v", a)
	}
	bundles.Serve(key.Sign(t, bundletest.Files{"gw.rego": "package gw\n\nauthz := true\n"}).Pack(t))
	g.Within(20*time.Second, "there are policies", func() bool { return g.Do("GET", "/healthz", "").Status == 200 })
	if a := g.Do("GET", "/healthz", ""); a.Body != "ready\n" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("ready: %+v", a)
	}
	if a := g.Do("HEAD", "/healthz", ""); a.Status != 200 || a.Body != "" {
		t.Errorf("HEAD: %+v", a)
	}
	if a := g.Do("POST", "/healthz", ""); a.Status != 405 || a.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %+v", a)
	}
	for _, path := range []string{"/healthz/", "/Healthz", "/"} {
		if a := g.Do("GET", path, ""); a.Status != 401 {
			t.Errorf("%s: %+v", path, a)
		}
	}
}

// TestHealthWithoutLedger asks a node whose ledger is on servers that are away.
func TestHealthWithoutLedger(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOOK", "a secret")
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	api_gateway {
		ledger nats nats://127.0.0.1:9
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_health
	api_webhook /hooks {
		verify github {env.HOOK}
		deliver http://127.0.0.1:9/told
	}
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	if a := g.Do("GET", "/healthz", ""); a.Status != 503 || strings.Contains(a.Body, "ledger") || strings.Contains(a.Body, "nats") {
		t.Errorf("without a ledger: %+v", a)
	}
}

// TestHealthDrains takes the listener away by a reload of Caddy: for as long as shutdown_delay says, the node answers
// balancers that it takes no requests, and everybody else as ever.
func TestHealthDrains(t *testing.T) {
	dir := t.TempDir()
	config := func(name, site string) string {
		path := filepath.Join(dir, name)
		gatewaytest.Write(t, path, "{\n\tshutdown_delay 2s\n\tgrace_period 1s\n}\n"+site)
		return path
	}
	const site = " {\n\ttls internal\n\tapi_health /ready\n\trespond served\n}\n"
	g := gatewaytest.Start(t, config("Caddyfile", "https://localhost:{$HTTPS_PORT}"+site))
	if a := g.Do("GET", "/ready", ""); a.Status != 200 {
		t.Fatalf("before: %+v", a)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Reload(config("Elsewhere", "https://localhost:{$HTTP_PORT}"+site))
	}()
	ask := func(path string) int {
		req, _ := http.NewRequest("GET", g.URL+path, nil)
		res, err := g.Client.Do(req)
		if err != nil {
			return 0
		}
		res.Body.Close() //nolint:errcheck // nothing of it is read
		return res.StatusCode
	}
	g.Within(20*time.Second, "it is to be taken out", func() bool { return ask("/ready") == 503 })
	if got := ask("/orders"); got != 200 {
		t.Errorf("a caller meanwhile: %d", got)
	}
	<-done
	g.Within(20*time.Second, "it is gone", func() bool { return ask("/ready") == 0 })
}
