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

	"github.com/wicketgate/wicketgate/internal/usage"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestUsage asks a running gateway who calls what.
func TestUsage(t *testing.T) {
	dir := t.TempDir()
	address := net.JoinHostPort("localhost", strconv.Itoa(gatewaytest.FreePort(t)))
	gatewaytest.Write(t, filepath.Join(dir, "parcels.hcl"), `api "parcels" {
  base_path = "/api"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  versioning {
    path    = true
    header  = "Parcels-Version"
    default = version.v2
  }
  object "parcel" { schema = "parcel.json" }
  route "GET /parcels" { returns = object.parcel }
  version "v1" {
    released   = "2023-02-01"
    deprecated = "2023-06-01"
    sunset     = "2099-03-01"
  }
  version "v2" {
    released = "2025-05-01"
    change "weight" {
      summary = "grams is called weight."
      on      = object.parcel
      rename "grams" { to = "weight" }
    }
  }
}
upstream "service" { servers = [var.service] }
variable "service" {}
`)
	gatewaytest.Write(t, filepath.Join(dir, "parcel.json"), `{"type": "object", "properties": {"weight": {"type": "integer"}}}`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	admin `+address+`
	api_gateway {
		catalogue .
		variable service http://127.0.0.1:{$SHOP_PORT}
		usage who
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
http://:{$SHOP_PORT} {
	bind 127.0.0.1
	header Content-Type application/json
	respond `+"`"+`{"weight":17}`+"`"+`
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	tell := func(a askedUsage) string {
		t.Helper()
		var out bytes.Buffer
		a.address = address
		code, err := a.tell(&out)
		if err != nil || code != caddy.ExitCodeSuccess {
			t.Fatal(code, err)
		}
		text := regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`).ReplaceAllString(out.String(), "then")
		return regexp.MustCompile(`[0-9.]+(ms|µs) +[0-9.]+(ms|µs) +`).ReplaceAllString(text, "soon  ")
	}
	if got, want := tell(askedUsage{}), "nobody called since then\n"; got != want {
		t.Errorf("at first %q, want %q", got, want)
	}
	for _, c := range []struct {
		path, field string
		status      int
	}{
		{"/api/v1/parcels", "Accept: */*", 200}, {"/api/v1/parcels", "Accept: */*", 200}, {"/api/v1/parcels", "Accept: */*", 200},
		{"/api/parcels", "Parcels-Version: v1", 200}, {"/api/parcels", "Parcels-Version: v1", 200},
		{"/api/parcels", "Accept: */*", 200},
	} {
		if a := g.Do("GET", c.path, "", c.field); a.Status != c.status {
			t.Fatalf("%s: %d %s", c.path, a.Status, a.Body)
		}
	}
	const want = `CONSUMER     API      VERSION  BY       REQUESTS  4XX  5XX  MEAN     SLOWEST  IN   OUT   LAST SEEN
(anonymous)  parcels  v1       path     3         0    0    soon  0 B  36 B  then
(anonymous)  parcels  v1       header   2         0    0    soon  0 B  24 B  then
(anonymous)  parcels  v2       default  1         0    0    soon  0 B  13 B  then
since then

parcels v1 ends on 2099-03-01, and in the last 14 days was called by (anonymous), last at then
  changes before its callers: weight
`
	if got := regexp.MustCompile(`MEAN +SLOWEST +`).ReplaceAllString(tell(askedUsage{since: "30d"}), "MEAN     SLOWEST  "); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	lines := strings.Split(tell(askedUsage{api: "parcels", version: "v1", asCSV: true}), "\n")
	if len(lines) != 4 || lines[0] != "api,version,selected,consumer,requests,denied,errors,mean_seconds,slowest_seconds,bytes_in,bytes_out,last_seen" ||
		!strings.HasPrefix(lines[1], "parcels,v1,path,(anonymous),3,0,0,0.") || !strings.HasSuffix(lines[1], ",0,36,then") {
		t.Errorf("as CSV: %q", lines)
	}
	var out bytes.Buffer
	var r usage.Report
	if _, err := (askedUsage{running: running{address: address, asJSON: true}}).tell(&out); err != nil || json.Unmarshal(out.Bytes(), &r) != nil || len(r.Rows) != 3 || r.By != "day" {
		t.Errorf("as JSON: %v\n%s", err, out.String())
	}
	for _, a := range []askedUsage{{version: "v9"}, {since: "for ever"}, {asCSV: true, running: running{asJSON: true}}} {
		a.address = address
		if code, err := a.tell(&bytes.Buffer{}); code != exitUnanswered || err == nil {
			t.Errorf("%+v: %d, %v", a, code, err)
		}
	}
}

// What callers are called speaks neither to a terminal nor to a spreadsheet.
func TestUsageNames(t *testing.T) {
	last := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	r := usage.Report{From: last, Rows: []usage.Row{{API: "orders", Consumer: "=1+1\t\x1b[31m,\"x\"\n", Requests: 2, Mean: 1.5, Slowest: 2.00051, In: 2048, Out: 5 << 30, Last: last}}, More: 3,
		Ending: []usage.Ending{{API: "orders", Version: "v0", Sunset: &last, Callers: 3, Consumers: []string{"\x1b[2J"}, Last: last}, {API: "orders", Version: "v1", Deprecated: &last, Callers: 1, Consumers: []string{"acme"}, Last: last}}, Until: last}
	var out bytes.Buffer
	if err := writeUsage(&out, &r); err != nil {
		t.Fatal(err)
	}
	const want = `CONSUMER              API     VERSION  BY  REQUESTS  4XX  5XX  MEAN  SLOWEST  IN       OUT      LAST SEEN
=1+1 \x1b[31m,"x"      orders  -        -   2         0    0    1.5s  2s       2.0 KiB  5.0 GiB  2026-11-01T12:00:00Z
since 2026-11-01T12:00:00Z
and 3 rows with fewer requests: ask for an API, a version or a consumer

orders v0 has ended on 2026-11-01, and in the last 14 days was called by \x1b[2J, 2 more, last at 2026-11-01T12:00:00Z

orders v1 is deprecated since 2026-11-01, and in the last 14 days was called by acme, last at 2026-11-01T12:00:00Z
`
	if squeeze(out.String()) != squeeze(want) || strings.ContainsRune(out.String(), '\x1b') {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
	out.Reset()
	if err := writeUsageCSV(&out, &r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "orders,,,\"'=1+1\t\x1b[31m,\"\"x\"\"\n\",2,0,0,1.500000,2.000510,2048,5368709120,2026-11-01T12:00:00Z\n") {
		t.Errorf("as CSV: %q", out.String())
	}
}

// squeeze takes the columns' padding away.
func squeeze(text string) string { return regexp.MustCompile(` +`).ReplaceAllString(text, " ") }

// TestWriteUsageOfSeveral says whose counts a report has.
func TestWriteUsageOfSeveral(t *testing.T) {
	row := usage.Row{API: "orders", Version: "v1", Selected: "path", Consumer: "acme", Requests: 3}
	for name, test := range map[string]struct {
		report usage.Report
		want   string // besides the rows
	}{
		"one that shares nothing": {usage.Report{Rows: []usage.Row{row}}, "since 0001-01-01T00:00:00Z\n"},
		"several":                 {usage.Report{Rows: []usage.Row{row}, Gateways: 3}, "of 3 gateways; what the others counted in the last 30 s may be missing\n"},
		"Redis is away":           {usage.Report{Rows: []usage.Row{row}, Gateways: 0, Alone: "no\x1bconnection"}, "! of this gateway alone, for the counters' Redis does not tell of the others: no\\x1bconnection\n"},
	} {
		var out bytes.Buffer
		if err := writeUsage(&out, &test.report); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), test.want) {
			t.Errorf("%s: it says\n%s", name, out.String())
		}
	}
}
