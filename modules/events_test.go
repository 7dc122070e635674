package modules_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

func init() { caddy.RegisterModule(noting{}) }

// noting is a handler of Caddy's events that notes what it is told, in the words of the Caddyfile: texts with placeholders.
type noting struct {
	Texts []string `json:"texts"`
}

// noted is what was told to any of them.
var noted struct {
	sync.Mutex
	all []string
}

func (noting) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.wicketgate_note", New: func() caddy.Module { return new(noting) }}
}

func (n *noting) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	n.Texts = d.RemainingArgs()
	return nil
}

func (n *noting) Handle(ctx context.Context, e caddy.Event) error {
	repl := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	noted.Lock()
	defer noted.Unlock()
	for _, text := range n.Texts {
		noted.all = append(noted.all, e.Name()+" "+repl.ReplaceAll(text, "?"))
	}
	return nil
}

// TestEvents has handlers of Caddy's events told of all that the gateway tells: files with a mistake and mended, bundles, a
// breaker, and a sunset.
func TestEvents(t *testing.T) {
	noted.all = nil
	dir := t.TempDir()
	bundles, key := bundletest.NewServer(t), bundletest.NewKey(t)
	publish := func(rego string) {
		bundles.Serve(key.Sign(t, bundletest.Files{"gw.rego": "package gw\n\n" + rego}).Pack(t))
	}
	publish("authz := true\n")
	catalogue := fmt.Sprintf(`api "parcels" {
  base_path = "/api"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = policy.gw.authz
  versioning { path = true }
  route "GET /parcels" {}
  version "v1" {
    released = "2020-01-01"
    sunset   = %q
  }
  version "v2" { released = "2020-06-01" }
}
upstream "service" {
  servers = ["http://127.0.0.1:9"]
  breaker {
    failures = 2
    within   = "1m"
    open_for = "1m"
  }
}
`, time.Now().Add(3*time.Second).UTC().Format(time.RFC3339))
	gatewaytest.Write(t, filepath.Join(dir, "parcels.hcl"), catalogue)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	events {
		on api_gateway.reload_failed    wicketgate_note "{event.data.file}:{event.data.line}:{event.data.column} {event.data.summary}, {event.data.mistakes} in all, load {event.data.generation} stays"
		on api_gateway.reloaded         wicketgate_note "mended {event.data.mended}"
		on api_gateway.breaker          wicketgate_note "{event.data.upstream} {event.data.host} {event.data.from} to {event.data.to}"
		on api_gateway.bundle_failed    wicketgate_note "{event.data.kind} {event.data.url} {event.data.detail}"
		on api_gateway.bundle_activated wicketgate_note "{event.data.url}"
		on api_gateway.sunset           wicketgate_note "{event.data.api} {event.data.version}"
	}
	api_gateway {
		catalogue parcels.hcl
		usage     who
		watch     10ms
		policies bundle `+bundles.At()+` {
			poll   1s 1s
			ca     `+bundles.CA(t)+`
			verify `+key.File(t)+`
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	told := func(what string) {
		t.Helper()
		g.Within(20*time.Second, what, func() bool {
			noted.Lock()
			defer noted.Unlock()
			return slices.ContainsFunc(noted.all, func(text string) bool { return strings.Contains(text, what) })
		})
	}
	told("api_gateway.bundle_activated " + bundles.At())
	told("api_gateway.sunset parcels v1")
	for range 2 {
		g.Do("GET", "/api/v2/parcels", "")
	}
	told("api_gateway.breaker service 127.0.0.1:9 closed to open")
	publish("authz := tru\n")
	told("api_gateway.bundle_failed broken " + bundles.At() + " gw.tar.gz:gw.rego:3")
	gatewaytest.Write(t, filepath.Join(dir, "parcels.hcl"), strings.Replace(catalogue, "upstream.service", "upstream.servise", 1))
	told("parcels.hcl:3:")
	gatewaytest.Write(t, filepath.Join(dir, "parcels.hcl"), catalogue+"# mended\n")
	told("api_gateway.reloaded mended true")
	noted.Lock()
	defer noted.Unlock()
	if n := len(slices.DeleteFunc(slices.Clone(noted.all), func(text string) bool { return !strings.Contains(text, "sunset") })); n != 1 {
		t.Errorf("the sunset was told %d times: %q", n, noted.all)
	}
}

// Interface guards
var (
	_ caddyevents.Handler   = (*noting)(nil)
	_ caddyfile.Unmarshaler = (*noting)(nil)
)

// TestSunsetWhileDown has a version end while no gateway runs: the next one tells of it, and none after that.
func TestSunsetWhileDown(t *testing.T) {
	noted.all = nil
	dir := t.TempDir()
	ends := func(v1, v2 time.Time) {
		gatewaytest.Write(t, filepath.Join(dir, "parcels.hcl"), fmt.Sprintf(`api "parcels" {
  base_path = "/api"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  route "GET /parcels" {}
  version "v0" {
    released = "2019-01-01"
    sunset   = "2020-02-01"
  }
  version "v1" {
    released = "2020-01-01"
    sunset   = %q
  }
  version "v2" {
    released = "2020-06-01"
    sunset   = %q
  }
  version "v3" { released = "2020-07-01" }
}
upstream "service" { servers = ["http://127.0.0.1:9"] }
`, v1.UTC().Format(time.RFC3339), v2.UTC().Format(time.RFC3339)))
	}
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	events {
		on api_gateway.sunset wicketgate_note "{event.data.version}"
	}
	api_gateway {
		catalogue parcels.hcl
		usage     off
		watch     off
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "down"), "https://localhost:{$HTTPS_PORT} {\n\ttls internal\n}\n")
	past, ahead := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	ends(ahead, ahead)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	kept := func() string {
		text, err := os.ReadFile(filepath.Join(g.Storage(), "api_gateway", "sunsets.json"))
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	g.Within(20*time.Second, "both are kept as ahead", func() bool { return kept() == `[["parcels","v1"],["parcels","v2"]]` })
	down := func() { g.Reload(filepath.Join(dir, "down")) } // with which all that is the gateway's ends
	down()
	ends(past, ahead)
	g.Reload(filepath.Join(dir, "Caddyfile"))
	g.Within(20*time.Second, "v1 is told of", func() bool {
		noted.Lock()
		defer noted.Unlock()
		return len(noted.all) > 0 && kept() == `[["parcels","v2"]]`
	})
	down()
	ends(past, past)
	g.Reload(filepath.Join(dir, "Caddyfile"))
	g.Within(20*time.Second, "v2 is told of", func() bool {
		noted.Lock()
		defer noted.Unlock()
		return len(noted.all) > 1 && kept() == "[]"
	})
	noted.Lock()
	defer noted.Unlock()
	if want := []string{"api_gateway.sunset v1", "api_gateway.sunset v2"}; !slices.Equal(noted.all, want) {
		t.Errorf("told %q, want %q", noted.all, want)
	}
}
