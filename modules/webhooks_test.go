package modules_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const (
	gitHubSecret = "It's a Secret to Everybody"
	stripeSecret = "whsec_a_secret_of_the_test"
	signSecret   = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

const hooks = `
variable "shop" {}
secret "github" { env = "GITHUB_HOOK" }
secret "stripe" { env = "STRIPE_HOOK" }
secret "slack" { env = "SLACK_HOOK" }
secret "sign" { env = "SIGN_HOOK" }
upstream "shop" { servers = [var.shop] }
webhook "github" {
  path = "/hooks/github"
  verify "github" { secrets = [secret.github] }
  deliver {
    to   = upstream.shop
    path = "/internal/github?via=gateway"
  }
}
webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" { secrets = [secret.stripe] }
  dedupe {
    key  = body.id
    keep = "72h"
  }
  deliver {
    to    = upstream.shop
    path  = "/internal/stripe"
    only  = ["payment_intent.*"]
    order = body.data.object.id
    sign  = secret.sign
    retry { for = "72h" }
  }
}
webhook "slack" {
  path = "/hooks/slack"
  verify "slack" { secrets = [secret.slack] }
  deliver {
    to   = upstream.shop
    path = "/internal/slack"
  }
}
`

// told is what a service was told.
type told struct {
	path   string
	header http.Header
	body   string
}

// listener is a service that notes what it is told, and answers as it is told to.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	all    []told
	answer func(told) int
}

func listen(t *testing.T) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		one := told{r.URL.RequestURI(), r.Header, string(body)}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.answer != nil {
			if status := l.answer(one); status != 200 {
				w.WriteHeader(status)
				return
			}
		}
		l.all = append(l.all, one)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) heard() []told {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]told(nil), l.all...)
}

func (l *listener) answers(f func(told) int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = f
}

// hooked runs a gateway with the webhooks, before a service that listens.
func hooked(t *testing.T, more ...string) (*gatewaytest.Gateway, *listener, string) {
	t.Helper()
	l := listen(t)
	dir := t.TempDir()
	for name, value := range map[string]string{"GITHUB_HOOK": gitHubSecret, "STRIPE_HOOK": stripeSecret, "SLACK_HOOK": "8f742231b10e8888abcd99yyyzzz85a5", "SIGN_HOOK": signSecret} {
		t.Setenv(name, value)
	}
	gatewaytest.Write(t, filepath.Join(dir, "hooks.hcl"), hooks)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), fmt.Sprintf(`{
	%s
	api_gateway {
		catalogue hooks.hcl
		variable shop %s
		watch 10ms
		ledger embedded {
			folder ledger
			size 256MiB
			keep 24h
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	metrics /metrics
	api_gateway
}
`, strings.Join(more, "\n\t"), l.URL))
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	return g, l, dir
}

func signature(secret, text string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

// stripe calls as Stripe does, at a time.
func stripe(g *gatewaytest.Gateway, body string, at time.Time) gatewaytest.Answer {
	stamp := fmt.Sprint(at.Unix())
	return g.Do("POST", "/hooks/stripe", body, "Content-Type: application/json", "Stripe-Signature: t="+stamp+",v1="+signature(stripeSecret, stamp+"."+body))
}

// accepted sends a call until the ledger, which opens in the background, takes it.
func accepted(t *testing.T, g *gatewaytest.Gateway, call func() gatewaytest.Answer) {
	t.Helper()
	g.Within(10*time.Second, "the call is taken", func() bool {
		a := call()
		if a.Status == 503 && a.Header.Get("Retry-After") == "" {
			t.Errorf("503 without Retry-After: %s", a.Body)
		}
		return a.Status == 200
	})
}

// TestWebhooks has calls verified, kept and delivered, through a real gateway.
func TestWebhooks(t *testing.T) {
	g, l, dir := hooked(t)
	hello := func() gatewaytest.Answer {
		return g.Do("POST", "/hooks/github", "Hello, World!", "Content-Type: text/plain", "X-GitHub-Event: push", "X-GitHub-Delivery: d-1", "Authorization: Bearer x",
			"X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	}
	accepted(t, g, hello)
	g.Within(10*time.Second, "the event is delivered", func() bool { return len(l.heard()) == 1 })
	one := l.heard()[0]
	if one.path != "/internal/github?via=gateway" || one.body != "Hello, World!" || one.header.Get("X-Github-Event") != "push" || one.header.Get("Content-Type") != "text/plain" ||
		!strings.HasPrefix(one.header.Get("Webhook-Id"), "msg_") || one.header.Get("Webhook-Timestamp") == "" || one.header.Get("Authorization") != "" {
		t.Errorf("delivered %+v", one)
	}
	if a := hello(); a.Status != 200 { // GitHub's redelivery
		t.Errorf("again: %d %s", a.Status, a.Body)
	}

	event := func(n int, kind string) string {
		return fmt.Sprintf(`{"id":"evt_%d","type":%q,"data":{"object":{"id":"pi_1"}}}`, n, kind)
	}
	for n := range 3 {
		if a := stripe(g, event(n, "payment_intent.succeeded"), time.Now()); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	if a := stripe(g, event(1, "payment_intent.succeeded"), time.Now().Add(time.Second)); a.Status != 200 {
		t.Errorf("sent again: %d %s", a.Status, a.Body)
	}
	if a := stripe(g, event(9, "invoice.paid"), time.Now()); a.Status != 200 {
		t.Errorf("of a kind that nobody wants: %d %s", a.Status, a.Body)
	}
	g.Within(10*time.Second, "all are delivered", func() bool { return len(l.heard()) == 4 })
	for n, one := range l.heard()[1:] {
		if one.body != event(n, "payment_intent.succeeded") || !strings.HasPrefix(one.header.Get("Webhook-Signature"), "v1,") || one.header.Get("Stripe-Signature") == "" {
			t.Errorf("delivered %+v", one)
		}
	}

	stamp := fmt.Sprint(time.Now().Unix())
	challenge := `{"type":"url_verification","challenge":"3eZbrw1aB"}`
	if a := g.Do("POST", "/hooks/slack", challenge, "X-Slack-Request-Timestamp: "+stamp,
		"X-Slack-Signature: v0="+signature("8f742231b10e8888abcd99yyyzzz85a5", "v0:"+stamp+":"+challenge)); a.Status != 200 || a.Body != "3eZbrw1aB" {
		t.Errorf("challenge: %d %s", a.Status, a.Body)
	}

	for _, c := range []struct {
		name   string
		answer gatewaytest.Answer
		status int
		slug   string
	}{
		{"301 s late", stripe(g, event(5, "payment_intent.x"), time.Now().Add(-302*time.Second)), 403, "invalid-signature"},
		{"301 s early", stripe(g, event(5, "payment_intent.x"), time.Now().Add(303*time.Second)), 403, "invalid-signature"},
		{"unsigned", g.Do("POST", "/hooks/stripe", event(5, "payment_intent.x")), 403, "invalid-signature"},
		{"signed for another endpoint", g.Do("POST", "/hooks/stripe", "Hello, World!", "Stripe-Signature: t="+stamp+",v1="+signature(gitHubSecret, stamp+".Hello, World!")), 403, "invalid-signature"},
		{"with GET", g.Do("GET", "/hooks/stripe", ""), 405, "method-not-allowed"},
		{"no JSON", stripe(g, "payment_intent", time.Now()), 200, ""}, // of no kind that is wanted
		{"too large", g.Do("POST", "/hooks/stripe", strings.Repeat("x", 1<<20+1)), 413, "content-too-large"},
		{"at no path", g.Do("POST", "/hooks/none", ""), 404, "not-found"},
	} {
		if c.answer.Status != c.status || !strings.Contains(c.answer.Body, c.slug) {
			t.Errorf("%s: %d %s", c.name, c.answer.Status, c.answer.Body)
		}
	}
	if n := len(l.heard()); n != 4 {
		t.Errorf("delivered are %d", n)
	}

	// A change of the file has the events of a webhook go elsewhere, without a reload.
	gatewaytest.Write(t, filepath.Join(dir, "hooks.hcl"), strings.Replace(hooks, `"/internal/stripe"`, `"/internal/elsewhere"`, 1))
	n := 100
	g.Within(10*time.Second, "events go elsewhere", func() bool {
		n++
		if a := stripe(g, event(n, "payment_intent.succeeded"), time.Now()); a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		all := l.heard()
		return all[len(all)-1].path == "/internal/elsewhere"
	})
}

// TestWebhooksWait has a service that is away get what came meanwhile, once it is there, by its stable name.
func TestWebhooksWait(t *testing.T) {
	g, l, _ := hooked(t)
	seen := map[string]int{}
	l.answers(func(one told) int {
		seen[one.header.Get("Webhook-Id")]++
		if seen[one.header.Get("Webhook-Id")] == 1 {
			return 503
		}
		return 200
	})
	accepted(t, g, func() gatewaytest.Answer {
		return stripe(g, `{"id":"evt_1","type":"payment_intent.created","data":{"object":{"id":"pi_1"}}}`, time.Now())
	})
	g.Within(20*time.Second, "the event is delivered at the second attempt", func() bool { return len(l.heard()) == 1 })
	if len(seen) != 1 {
		t.Errorf("named %v", seen)
	}
	g.Within(10*time.Second, "both attempts are counted", func() bool {
		metrics := g.Do("GET", "/metrics", "").Body
		return strings.Contains(metrics, `caddy_api_gateway_webhook_attempts_total{result="refused",webhook="stripe"}`) &&
			strings.Contains(metrics, `caddy_api_gateway_webhook_attempts_total{result="taken",webhook="stripe"}`)
	})
	g.Within(10*time.Second, "nothing waits", func() bool {
		metrics := g.Do("GET", "/metrics", "").Body
		return strings.Contains(metrics, "caddy_api_gateway_webhook_backlog{webhook=\"stripe\"} 0\n") &&
			strings.Contains(metrics, "caddy_api_gateway_webhook_oldest_seconds{webhook=\"stripe\"} 0\n") &&
			strings.Contains(metrics, "caddy_api_gateway_webhook_dead_letters_total{webhook=\"stripe\"} 0\n")
	})
}

// TestNoWebhooks has a gateway without webhooks, though it says where a ledger would be: it opens none, and makes no
// folder.
func TestNoWebhooks(t *testing.T) {
	dir := t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "shop.hcl"), `
upstream "shop" { servers = ["http://127.0.0.1:1"] }
api "shop" {
  base_path = "/api"
  upstream  = upstream.shop
  identify  = [anonymous]
  authorize = public
  route "GET /x" {}
}
`)
	for name, option := range map[string]string{"by default": "", "with a folder": "ledger embedded {\n\t\t\tfolder ledger\n\t\t}"} {
		t.Run(name, func(t *testing.T) {
			gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), fmt.Sprintf(`{
	api_gateway {
		catalogue shop.hcl
		%s
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`, option))
			gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
			if stacks := goroutines(t); strings.Contains(stacks, ledgerRuns) || strings.Contains(stacks, "nats-server") {
				t.Errorf("a ledger runs:\n%s", stacks)
			}
			for _, folder := range []string{filepath.Join(dir, "ledger"), filepath.Join(caddy.AppDataDir(), "api_gateway", "ledger")} {
				if _, err := os.Stat(folder); !os.IsNotExist(err) {
					t.Errorf("%s: %v", folder, err)
				}
			}
		})
	}
	t.Run("with webhooks", func(t *testing.T) { // which shows what the others look for
		hooked(t)
		if stacks := goroutines(t); !strings.Contains(stacks, ledgerRuns) {
			t.Errorf("no ledger runs:\n%s", stacks)
		}
	})
}

// ledgerRuns is once in the stacks for each ledger that was started, from the first moment on.
const ledgerRuns = "internal/ledger.(*Ledger).Start.func1("

func goroutines(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&all, 2); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestWebhooksReload reloads Caddy 20 times with webhooks, each fifth time with other bounds of the ledger, which stays
// open: every call is taken at once, every event is delivered, and nothing is left behind: Start looks.
func TestWebhooksReload(t *testing.T) {
	g, l, dir := hooked(t)
	path := filepath.Join(dir, "Caddyfile")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	call := func(n int) gatewaytest.Answer {
		return stripe(g, fmt.Sprintf(`{"id":"evt_%d","type":"payment_intent.created","data":{"object":{"id":"pi_%[1]d"}}}`, n), time.Now())
	}
	accepted(t, g, func() gatewaytest.Answer { return call(0) })
	for n := range 20 {
		gatewaytest.Write(t, path, strings.Replace(string(text), "keep 24h", fmt.Sprintf("keep %dh", 24+n/5), 1))
		g.Reload(path)
		if a := call(n); a.Status != 200 {
			t.Errorf("after reload %d: %d %s", n, a.Status, a.Body)
		}
	}
	g.Within(time.Minute, "all are delivered", func() bool {
		names := map[string]bool{}
		for _, one := range l.heard() {
			names[one.header.Get("Webhook-Id")] = true
		}
		return len(names) == 20
	})
	if n := strings.Count(goroutines(t), ledgerRuns); n != 1 {
		t.Errorf("%d ledgers run", n)
	}
}
