package command

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestWebhooks looks at the events of a running gateway, has them delivered again, and drops them.
func TestWebhooks(t *testing.T) {
	dir := t.TempDir()
	address := net.JoinHostPort("localhost", strconv.Itoa(gatewaytest.FreePort(t)))
	t.Setenv("HOOK", "a secret")
	gatewaytest.Write(t, filepath.Join(dir, "hooks.hcl"), `
variable "shop" {}
secret "hook" { env = "HOOK" }
upstream "shop" { servers = [var.shop] }
webhook "github" {
  path = "/hooks/github"
  verify "github" { secrets = [secret.hook] }
  deliver {
    to   = upstream.shop
    path = "/told"
  }
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	admin `+address+`
	api_gateway {
		catalogue hooks.hcl
		variable shop http://127.0.0.1:{$SHOP_PORT}
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
http://:{$SHOP_PORT} {
	bind 127.0.0.1
	@poison header X-Github-Event poison
	respond @poison 500
	respond 204
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	run := func(command string) (string, error) {
		t.Helper()
		var out bytes.Buffer
		cmd := webhooksCommand()
		cmd.SetArgs(append(strings.Fields(command), "--address", address))
		cmd.SetOut(&out)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.Execute()
		return out.String(), err
	}
	tell := func(name, kind, body string) {
		t.Helper()
		m := hmac.New(sha256.New, []byte("a secret"))
		m.Write([]byte(body))
		g.Within(10*time.Second, "the event is taken", func() bool {
			return g.Do("POST", "/hooks/github", body, "X-GitHub-Event: "+kind, "X-GitHub-Delivery: "+name, "X-Hub-Signature-256: sha256="+hex.EncodeToString(m.Sum(nil))).Status == 200
		})
	}
	for n := range 3 {
		tell(fmt.Sprint(n), "push", fmt.Sprintf("body %d", n))
	}
	tell("3", "poison", "bo\x1b[31mdy")
	lists := func(command string, want ...string) {
		t.Helper()
		var out string
		g.Within(10*time.Second, command, func() bool {
			var err error
			if out, err = run(command); err != nil {
				t.Fatal(err)
			}
			rows := strings.Split(strings.TrimSpace(out), "\n")
			ok := len(rows) == len(want)
			for i := range want {
				ok = ok && strings.HasPrefix(rows[i], want[i])
			}
			return ok
		})
	}
	lists("list --state delivered", "REF ", "delivered/1  github   push ", "delivered/2 ", "delivered/3 ")
	lists("list --state retrying", "REF ", "retrying/1 ")
	lists("list --state dead", "no dead events")
	lists("list --state delivered --limit 1 --webhook github", "REF ", "delivered/1 ")

	out, err := run("show retrying/1")
	if err != nil || !strings.Contains(out, "kind: poison\n") || !strings.Contains(out, "X-Github-Event: poison\n") || strings.Contains(out, "\x1b") || !strings.Contains(out, `[31mdy`) {
		t.Errorf("shown: %v\n%s", err, out)
	}
	if out, err := run("list --state retrying"); err != nil || !strings.Contains(out, "status 500") {
		t.Errorf("it is not told why it is tried again: %v\n%s", err, out)
	}
	if !strings.Contains(out, "\nattempts: ") || !strings.Contains(out, "status 500") {
		t.Errorf("it is not told why it is tried again:\n%s", out)
	}
	if out, err := run("show retrying/1 --json"); err != nil || !strings.Contains(out, `"body": "Ym8bWzMxbWR5"`) {
		t.Errorf("as JSON: %v\n%s", err, out)
	}
	if out, err := run("replay delivered/1 delivered/2"); err != nil || out != "replayed delivered/1\nreplayed delivered/2\n" {
		t.Errorf("replayed: %v\n%s", err, out)
	}
	lists("list --state delivered", "REF ", "delivered/1 ", "delivered/2 ", "delivered/3 ", "delivered/4 ", "delivered/5 ")
	if out, err := run("replay --all --state delivered"); err != nil || out != "replayed 5 events\n" {
		t.Errorf("replayed: %v\n%s", err, out)
	}
	if out, err := run("drop retrying/1"); err != nil || out != "dropped retrying/1\n" {
		t.Errorf("dropped: %v\n%s", err, out)
	}
	lists("list --state retrying", "no retrying events")
	for command, want := range map[string]string{
		"show dead/1":               "no such event",
		"show ../status":            "as it is listed",
		"replay retrying/9":         "no such event",
		"replay":                    "or give --all",
		"drop dead/1 --all":         "or give --all",
		"list --state lost":         "no state",
		"list --limit 0":            "limit is 1 to 1000",
		"list --webhook a.>":        "the query has",
		"drop --all --state buried": "no state",
	} {
		if out, err := run(command); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}
