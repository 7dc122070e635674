package command

import (
	"bytes"
	"encoding/json"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestStatus asks a running gateway how it does, well and with a mistake in its files.
func TestStatus(t *testing.T) {
	dir := t.TempDir()
	address := net.JoinHostPort("localhost", strconv.Itoa(gatewaytest.FreePort(t)))
	const catalogue = `api "parcels" {
  base_path = "/api"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  route "GET /parcels" {}
  version "v1" {
    released = "2020-01-01"
    sunset   = "2021-01-01"
  }
  version "v2" { released = "2020-06-01" }
}
upstream "service" {
  servers = ["http://127.0.0.1:9"]
  breaker {
    failures = 3
    within   = "10s"
    open_for = "10s"
  }
}
`
	gatewaytest.Write(t, filepath.Join(dir, "parcels.hcl"), catalogue)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	admin `+address+`
	api_gateway {
		catalogue parcels.hcl
		usage who
		watch 10ms
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	told := func() string {
		t.Helper()
		var out bytes.Buffer
		if code, err := tellStatus(&out, &running{address: address}); err != nil || code != caddy.ExitCodeSuccess {
			t.Fatal(code, err)
		}
		return out.String()
	}
	for _, want := range []string{
		`(?m)^gateway +ready; \S+ on Caddy \S+, up \d+s$`,
		`(?m)^in force +since \S+Z, load 1, from 1 file$`,
		`(?m)^catalogue +1 API, 0 webhooks$`,
		`(?m)^counters +memory$`,
		`(?m)^usage +in \S+who$`,
		`(?m)^service +127\.0\.0\.1:9 +true +closed +\S+Z$`,
		`(?m)^parcels +v1 +2021-01-01 +ended \d+ ago$`,
	} {
		if got := told(); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("it says\n%s\nwant %s", got, want)
		}
	}
	var out bytes.Buffer
	if code, err := tellStatus(&out, &running{address: address, asJSON: true}); err != nil || code != 0 {
		t.Fatal(code, err)
	}
	var s toldStatus
	if err := json.Unmarshal(out.Bytes(), &s); err != nil || !s.Health.Ready || len(s.Catalogue.Files) != 1 || s.Versions[0].Version != "v1" {
		t.Errorf("%s: %v", out.Bytes(), err)
	}
	gatewaytest.Write(t, filepath.Join(dir, "parcels.hcl"), strings.Replace(catalogue, "upstream.service", "upstream.servise", 1))
	g.Within(20*time.Second, "the mistake is told", func() bool { return strings.Contains(told(), "parcels.hcl:3:") })
	if got := told(); !strings.Contains(got, "! loads have failed since") || !strings.HasPrefix(got, "gateway    ready") {
		t.Errorf("it says\n%s", got)
	}
	if code, err := tellStatus(&out, &running{address: "localhost:1"}); code != exitUnanswered || err == nil {
		t.Errorf("of nobody: %d, %v", code, err)
	}
}

// TestWriteStatus prints what a test does not easily come by.
func TestWriteStatus(t *testing.T) {
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	yes, waiting, dead := false, uint64(3), uint64(1)
	s := &status.Status{
		Version: "v0.4.0", Caddy: "v2.11.9", Uptime: 3700, Load: status.Load{Generation: 7, Loaded: noon, Files: 2, Warnings: []status.Mistake{{Summary: "Odd"}}},
		Health:        status.Health{Because: []string{"there are no policies yet"}},
		Catalogue:     &status.Catalogue{APIs: 2, Webhooks: 1},
		Policies:      &status.Policies{Source: "bundle", URL: "https://b.example/gw.tar.gz", Signature: "verified", Revision: "r7", Activated: &noon, Age: 90, Unconfirmed: true, Error: &status.Failure{Kind: "broken", Time: noon, Mistakes: []status.Mistake{{File: "a.rego", Line: 2, Column: 3, Summary: "Wrong", Detail: "It is."}}}},
		Candidate:     &status.Policies{Source: "folder", Paths: []string{"next"}},
		Counters:      &status.Counters{Engine: "redis", Mode: "local", Reachable: &yes, Since: &noon, Gateways: 2, Error: "no connection"},
		Ledger:        &status.Ledger{Ready: true, Waiting: &waiting, Dead: &dead},
		Webhooks:      []status.Webhook{{Name: "stripe", Waiting: 3, Oldest: 61, Dead: 1}},
		Issuers:       []status.Issuer{{Status: issuer.Status{Issuer: "https://id.example", Keys: 1, Confirmed: &noon, Error: &issuer.Failure{Time: noon, Detail: "gone\x1b[31m"}}, Age: 30}},
		Introspection: []status.Introspection{{Endpoint: "https://id.example/ask", Client: "gw", Asked: 3, Failed: 1, Failing: true, Error: "timeout"}},
		Integrations:  []status.Integration{{Status: provider.Status{Integration: "payments", Host: "api.example", Asked: 5, Breaker: "open", Since: &noon}}},
		Usage:         &status.Usage{Folder: "/var/lib/who", Error: "disk full"},
		Versions:      []status.Version{{API: "orders", Version: "v1", Sunset: noon, Days: 4}},
	}
	var out bytes.Buffer
	if err := writeStatus(&out, s); err != nil {
		t.Fatal(err)
	}
	const want = `gateway    not ready; v0.4.0 on Caddy v2.11.9, up 1h1m40s
in force   since 2026-11-01T12:00:00Z, load 7, from 2 files
catalogue  2 APIs, 1 webhook
policies   bundle https://b.example/gw.tar.gz; revision r7; signature verified; activated 1m30s ago; from disk, not confirmed yet
candidate  folder next
counters   redis; local since 2026-11-01T12:00:00Z, 2 gateways
ledger     open; 3 events wait, 1 are dead letters
usage      in /var/lib/who
issuer     https://id.example; 1 key, confirmed 30s ago
! there are no policies yet
! Odd
! https://b.example/gw.tar.gz broken since 2026-11-01T12:00:00Z:
! a.rego:2:3: Wrong: It is.
! https://id.example since 2026-11-01T12:00:00Z: gone\x1b[31m
! https://id.example/ask: timeout
! counters: no connection
! usage: disk full

INTEGRATION  HOST         ASKED  FAILED  BREAKER  SINCE
payments     api.example  5      0       open     2026-11-01T12:00:00Z

INTROSPECTION           CLIENT  ASKED  FAILED
https://id.example/ask  gw      3      1

WEBHOOK  WAITING  OLDEST  DEAD
stripe   3        1m1s    1

API     VERSION  SUNSET      DAYS
orders  v1       2026-11-01  4 left
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
