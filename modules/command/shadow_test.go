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

	"github.com/wicketgate/wicketgate/internal/shadow"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestShadow asks a running gateway what a candidate would decide, before and after it did.
func TestShadow(t *testing.T) {
	dir := t.TempDir()
	address := net.JoinHostPort("localhost", strconv.Itoa(gatewaytest.FreePort(t)))
	gatewaytest.Write(t, filepath.Join(dir, "policies", "authz.rego"), "package authz\n\nallow if input.request.method == \"GET\"\n")
	gatewaytest.Write(t, filepath.Join(dir, "next", "authz.rego"), `package authz

allow if input.request.path != "/secret"

reasons contains "a\u001b[31m secret" if not allow
`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	admin `+address+`
	api_gateway {
		policies policies {
			shadow next
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_policy data.authz
	respond "passed"
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	ask := func(asJSON bool) (int, string) {
		t.Helper()
		var out bytes.Buffer
		code, err := shadowReport.tell(&out, running{address: address, asJSON: asJSON})
		if err != nil {
			t.Fatal(err)
		}
		return code, out.String()
	}
	if code, out := ask(false); code != exitNothingYet || !strings.Contains(out, "nothing has been evaluated yet") {
		t.Errorf("at first: %d\n%s", code, out)
	}
	// evaluated waits until the candidate has made so many decisions.
	evaluated := func(n uint64) {
		g.Within(20*time.Second, "the candidate has decided", func() bool {
			_, out := ask(true)
			var r shadow.Report
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatal(err)
			}
			return r.Evaluated >= n
		})
	}
	g.Do("GET", "/orders", "")
	evaluated(1)
	if code, out := ask(false); code != caddy.ExitCodeSuccess || !strings.HasSuffix(out, "\nsafe to promote: no difference in 1 decision\n") {
		t.Errorf("without a difference: %d\n%s", code, out)
	}
	for range 2 {
		g.Do("GET", "/secret", "")
	}
	g.Do("POST", "/orders", "")
	evaluated(4)
	code, out := ask(false)
	out = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:]+Z`).ReplaceAllString(strings.ReplaceAll(out, dir, "."), "then")
	const want = `data.authz, beside it: ./next
  4  evaluated
  1  agreed
  2  would newly deny
  1  would newly allow
  0  answered in another way
  0  without an answer
  differs in: allow (3), reasons (2)
  2 × would deny, GET: a\x1b[31m secret
  1 × would allow, POST: no reason given
  not safe to promote: 2 requests would newly be denied, of anonymous callers

not safe to promote
`
	if code != exitDifferences || out != want {
		t.Errorf("got %d\n%s\nwant\n%s", code, out, want)
	}
	cmd := shadowReport.command()
	cmd.SetArgs([]string{"--address", address})
	if err := cmd.Execute(); err == nil { // by which Caddy tells 1 from 0
		t.Error("the command succeeds in spite of differences")
	}
	if code, err := shadowReport.tell(&bytes.Buffer{}, running{address: net.JoinHostPort("localhost", strconv.Itoa(gatewaytest.FreePort(t)))}); code != exitUnanswered || err == nil {
		t.Errorf("where nobody answers: %d, %v", code, err)
	}
}
