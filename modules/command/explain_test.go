package command

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/explain"
	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// order is one in the shape of the newest version.
const order = `{"customer": {"name": "Ada", "email": "ada@example.com"}, "total": {"amount": 1250, "currency": "EUR"}, "lines": [{"article": "A-1", "qty": 200}]}`

// TestExplain explains requests to the example shop from its files.
func TestExplain(t *testing.T) {
	folder, err := filepath.Abs("testdata/explain")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	defer leaktest.Note(t)()
	const at = "2026-11-01T12:00:00Z"
	for name, e := range map[string]explaining{
		"read.txt":   {asked: explained{words: []string{"https://localhost:8443/api/v1/orders/acme-1001"}, as: explain.As{Consumer: "acme"}, at: at, answer: `{"id": "acme-1001", "status": "verified"}`}},
		"denied.txt": {asked: explained{words: []string{"GET", "/api/v2/orders/globex-1001"}, as: explain.As{Consumer: "acme"}, at: at}, colour: "always"},
		"rules.json": {asked: explained{words: []string{"/api/v2/orders"}, body: order, as: explain.As{Consumer: "acme"}, at: at}, asJSON: true},
		"nobody.txt": {asked: explained{words: []string{"/api/v2/orders?api_key=canary-of-the-query"}, fields: []string{"X-API-Key: canary-of-the-header"}, at: at}},
		"har.txt":    {asked: explained{har: filepath.Join(folder, "orders.har"), entry: 2, as: explain.As{Consumer: "acme"}, at: at}},
		"log.txt":    {asked: explained{log: filepath.Join(folder, "access.log"), id: "0198c0de-0000-7000-8000-000000000002"}},
		"hidden.txt": {asked: explained{words: []string{"/api/v1/orders/acme-1001"}, as: explain.As{Consumer: "ada", Identity: "staff"}, claims: `{"role": "clerk"}`, at: at,
			answer: `{"id": "acme-1001", "customer": {"name": "Ada", "email": "ada@example.com"}}`}},
		"none.txt": {asked: explained{words: []string{"/elsewhere"}, at: at}},
	} {
		t.Run(name, func(t *testing.T) {
			if e.colour == "" {
				e.colour = "auto"
			}
			var out, mistakes bytes.Buffer
			if err := e.run(t.Context(), &out, &mistakes); err != nil {
				t.Fatalf("%v\n%s", err, mistakes.String())
			}
			if e.asJSON && !json.Valid(out.Bytes()) {
				t.Error("no JSON")
			}
			if strings.Contains(out.String(), "canary") {
				t.Errorf("a credential is shown:\n%s", out.String())
			}
			got := steady(out.String())
			golden := filepath.Join(folder, name)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestExplainMistakes gives the command what is no request.
func TestExplainMistakes(t *testing.T) {
	t.Chdir("../..")
	path := filepath.Join(t.TempDir(), "no.har")
	gatewaytest.Write(t, path, `{"log": {"entries": []}}`)
	log := filepath.Join(t.TempDir(), "access.log")
	gatewaytest.Write(t, log, `{"ts": "12:00", "request": {"method": "GET", "host": "localhost", "uri": "/"}, "api_gateway": {"request_id": "x"}}`+"\n")
	for want, e := range map[string]explained{
		`"12:00" is no time`:                   {log: log, id: "x"},
		"name the request":                     {},
		`"orders" is neither a URL nor a path`: {words: []string{"orders"}},
		`"GE T" is no method`:                  {words: []string{"GE T", "/orders"}},
		`-H: "X" is no header field`:           {words: []string{"/orders"}, fields: []string{"X"}},
		`"X Y" is no header field`:             {words: []string{"/orders"}, fields: []string{"X Y: 1"}},
		"--at: ":                               {words: []string{"/orders"}, at: "noon"},
		`"nowhere" is no address`:              {words: []string{"/orders"}, from: "nowhere"},
		"say more of the consumer":             {words: []string{"/orders"}, claims: "{}"},
		"the claims are no JSON object":        {words: []string{"/orders"}, as: explain.As{Consumer: "acme"}, claims: "[]"},
		`has no identity "nothing"`:            {words: []string{"/orders"}, as: explain.As{Consumer: "acme", Identity: "nothing"}},
		"the upstream's status is 200 to 599":  {words: []string{"/orders"}, status: 99},
		"-d: open ":                            {words: []string{"/orders"}, body: "@/nowhere"},
		"--har: open ":                         {har: "/nowhere"},
		"has 0 requests, and no number 1":      {har: path, entry: 1},
		"--log and --id name a request":        {log: path},
		"has the request_id x":                 {log: path, id: "x"},
		"not several":                          {log: path, id: "x", har: path},
	} {
		err := (&explaining{asked: e, colour: "auto"}).run(t.Context(), new(bytes.Buffer), new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := (&explaining{colour: "red"}).run(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "--color is") {
		t.Error(err)
	}
}

// TestExplainRunning asks a running gateway, before and after a request that uses up a quota and is remembered by its
// policy. Asking changes neither.
func TestExplainRunning(t *testing.T) {
	dir := t.TempDir()
	address := net.JoinHostPort("localhost", strconv.Itoa(gatewaytest.FreePort(t)))
	gatewaytest.Write(t, filepath.Join(dir, "policies", "notes.rego"), "package notes\n\nallow if input.request.method == \"GET\"\n")
	gatewaytest.Write(t, filepath.Join(dir, "notes.hcl"), `
limit "few" {
  quota "hourly" {
    requests = 3
    window   = "1h"
  }
}
upstream "notes" { servers = ["http://127.0.0.1:1"] }
api "notes" {
  base_path = "/"
  upstream  = upstream.notes
  limits    = [limit.few]
  authorize = policy.notes
  identify  = [anonymous]
  route "GET /notes" {}
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	admin `+address+`
	api_gateway {
		catalogue notes.hcl
		policies policies
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`)
	t.Chdir(dir)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	ask := func() string {
		t.Helper()
		var out bytes.Buffer
		e := explaining{asked: explained{words: []string{"/notes"}, from: "127.0.0.1"}, address: address, colour: "auto"}
		if err := e.run(t.Context(), &out, nil); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	left := regexp.MustCompile(`quota hourly: (\d) of 3 left`)
	for range 5 {
		if m := left.FindStringSubmatch(ask()); m == nil || m[1] != "2" {
			t.Fatalf("got %v in\n%s", m, ask())
		}
	}
	res, err := g.Client.Get(g.URL + "/notes") // the service is not there, and the request is counted all the same
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close() //nolint:errcheck // nothing is in it
	if res.StatusCode != http.StatusBadGateway {
		t.Errorf("answered %s", res.Status)
	}
	got := ask()
	if m := left.FindStringSubmatch(got); m == nil || m[1] != "1" || !strings.Contains(got, "remembered from an equal request") {
		t.Errorf("got\n%s", got)
	}
}

// TestExplainWebhook explains calls to a webhook, of which nobody computes the signature.
func TestExplainWebhook(t *testing.T) {
	t.Chdir("../..")
	for _, test := range []struct {
		body   string
		signed bool
		want   []string
	}{
		{`{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1"}}}`, true, []string{
			"receive: goes on\n  webhook stripe: taken for the sender's; no signature was looked at\n    kind payment_intent.succeeded of payment_intent.*, charge.dispute.*\n    event msg_",
			"\n    one after the other with all events of pi_1\n    stored\nto the upstream\n  POST ", "/internal/stripe\n"}},
		{`{"id":"evt_2","type":"customer.created","data":{"object":{"id":"pi_1"}}}`, true, []string{"\n    unwanted\nnothing reaches the upstream\n", "\n  200 OK\n"}},
		{`{"id":"evt_3"}`, false, []string{"receive: ends here\n  webhook stripe: not known to be the sender's: the call has no signature\n", "\n  403 Forbidden\n"}},
	} {
		var out, mistakes bytes.Buffer
		e := explaining{source: source{config: "examples/webhooks/Caddyfile"}, colour: "never", asked: explained{words: []string{"/hooks/stripe"}, body: test.body, signed: test.signed}}
		if err := e.run(t.Context(), &out, &mistakes); err != nil {
			t.Fatalf("%v\n%s", err, mistakes.String())
		}
		for _, want := range test.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is missing in\n%s", want, out.String())
			}
		}
	}
}
