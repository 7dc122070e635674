package console_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/wicketgate/wicketgate" // every module, as a user links it
	_ "github.com/wicketgate/wicketgate/examples/shop/backend"
	"github.com/wicketgate/wicketgate/internal/npmtest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const (
	acme   = "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	globex = "wg_fxXmf7Meij2H_UlEAazsnsLz43h0Er9cpmTDHvDCXs5myrtZRQ6iQhO92Dpth8"
	user   = "ops"
	// password is what the hash below is of, which bcrypt makes of it at its least cost.
	password = "for tests alone"
	hash     = "$2a$04$cf3jnRZv5VRGsNthmIzeB.ijS2s52oDVC2fWJukXXP7k9LI5GUJ02"
	secret   = "a secret of a webhook's"
)

// more is served beside the example shop: an API whose first version ends soon, and a webhook that nobody takes.
const more = `
variable "hook" {}
secret "hook" { env = "CONSOLE_HOOK" }
upstream "hook" { servers = [var.hook] }
webhook "hook" {
  path = "/hooks/hook"
  verify "github" { secrets = [secret.hook] }
  deliver {
    to   = upstream.hook
    path = "/hook"
    retry { for = "1s" }
  }
}
limit "stock" {
  key = consumer.id
  quota "hourly" {
    requests = 10
    window   = "1h"
  }
}
api "stock" {
  base_path = "/stock"
  upstream  = upstream.hook
  identify  = [identity.partners]
  limits    = [limit.stock]
  authorize = public
  versioning { path = true }
  route "GET /levels" {}
  version "v1" {
    released   = "2025-02-01"
    deprecated = "2026-06-01"
    sunset     = "%s"
    brownout {
      from = "%s"
      for  = "2h"
    }
  }
  version "v2" { released = "2026-01-01" }
}
`

// shop runs the example shop, more, and the console behind a password. refusing says whether the webhook's events are
// refused.
func shop(t *testing.T) (g *gatewaytest.Gateway, refusing *atomic.Bool, caddyfile string) {
	t.Helper()
	refusing = &atomic.Bool{}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && refusing.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(hook.Close)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("CONSOLE_HOOK", secret)
	sunset := time.Now().Add(60 * 24 * time.Hour).UTC()
	gatewaytest.Write(t, filepath.Join(dir, "more.hcl"), fmt.Sprintf(more, sunset.Format(time.DateOnly), sunset.Add(-20*24*time.Hour).Format(time.RFC3339)))
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), fmt.Sprintf(`{
	api_gateway {
		catalogue %[1]s/examples/shop more.hcl
		policies  %[1]s/policies
		ledger embedded {
			folder ledger
			size   256MiB
		}
		usage    usage
		variable orders http://127.0.0.1:{$SHOP_PORT}
		variable hook   %[2]s
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	basic_auth /console* {
		%[3]s %[4]s
	}
	api_limit /alone alone {
		quota 1 1h
	}
	api_gateway
	api_console
	respond /alone "fine"
}
http://:{$SHOP_PORT} {
	bind 127.0.0.1
	shop_backend
}
`, root, hook.URL, user, hash))
	caddyfile = filepath.Join(dir, "Caddyfile")
	return gatewaytest.Start(t, caddyfile), refusing, caddyfile
}

// busy has callers call, who are refused for several reasons, and an event given up.
func busy(t *testing.T, g *gatewaytest.Gateway, refusing *atomic.Bool) {
	t.Helper()
	key := "X-API-Key: " + acme
	expect := func(status int, method, path, body string, fields ...string) {
		t.Helper()
		if a := g.Do(method, path, body, fields...); a.Status != status {
			t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
		}
	}
	refusing.Store(true)
	sign := hmac.New(sha256.New, []byte(secret))
	sign.Write([]byte(`{"n":1}`))
	g.Within(20*time.Second, "the event is taken", func() bool {
		return g.Do("POST", "/hooks/hook", `{"n":1}`, "Content-Type: application/json", "X-GitHub-Event: push", "X-GitHub-Delivery: d-1",
			"X-Hub-Signature-256: sha256="+hex.EncodeToString(sign.Sum(nil))).Status == 200
	})
	expect(200, "GET", "/api/v1/orders", "", key)
	expect(401, "GET", "/api/v2/orders", "", "X-API-Key: wg_of_nobody")
	expect(403, "GET", "/api/v2/orders/globex-1001", "", key)
	expect(422, "POST", "/api/v1/orders", `{"customer_name":"Ada","customer_email":"ada@example.org","total":{"amount":0},"currency":"XXX","lines":[{"article":"A-1","qty":1}]}`, key, "Content-Type: application/json")
	expect(200, "GET", "/alone", "")
	expect(429, "GET", "/alone", "")
	for range 9 {
		expect(200, "GET", "/stock/v1/levels", "", key)
	}
	g.Within(20*time.Second, "the event is given up", func() bool {
		return strings.Contains(g.Do("GET", "/console/api/webhooks?state=dead", "", "Authorization: "+basic()).Body, `"dead/`)
	})
	refusing.Store(false)
}

// TestInABrowser has a real one show every view in both colours, by the keyboard, and as wide as a phone, hold it against
// the rules of accessibility, replay an event and try a request. The folder that WICKETGATE_PICTURES names gets pictures.
func TestInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed; .ci/needs installs it, or the system's package chromium")
	}
	folder := npmtest.Install(t, "console", os.DirFS("testdata/browser"))
	g, refusing, _ := shop(t)
	busy(t, g, refusing)
	ended := make(chan struct{})
	t.Cleanup(func() { <-ended })
	calling, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // so that there is something to see
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-calling.Done():
				return
			case <-tick.C:
				g.Do("GET", "/api/v1/orders", "", "X-API-Key: "+globex)
			}
		}
	}()
	config, err := json.Marshal(map[string]string{"base": g.URL + "/console", "user": user, "password": password, "key": acme, "pictures": os.Getenv("WICKETGATE_PICTURES"), "chromium": chromium})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	node := exec.CommandContext(ctx, "node", filepath.Join(folder, "drive.mjs"), string(config))
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		t.Fatalf("driving the browser: %v\n%s", err, stderr.Bytes())
	}
	var wrong []string
	if err := json.Unmarshal(out, &wrong); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, one := range wrong {
		t.Error(one)
	}
}
