package modules_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestWebhooksJudged has verified events go through validation and a policy before they are kept.
func TestWebhooksJudged(t *testing.T) {
	l := listen(t)
	dir := t.TempDir()
	t.Setenv("STRIPE_HOOK", stripeSecret)
	gatewaytest.Write(t, filepath.Join(dir, "event.json"), `{"type": "object", "required": ["id", "type", "amount"]}`)
	gatewaytest.Write(t, filepath.Join(dir, "policies", "hooks.rego"), `package hooks

default stripe := false

stripe if {
	input.api.name == "stripe"
	input.api.route == "POST /hooks/stripe"
	input.request.body.livemode == true
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "hooks.hcl"), `
variable "shop" {}
secret "stripe" { env = "STRIPE_HOOK" }
upstream "shop" { servers = [var.shop] }
webhook "stripe" {
  path      = "/hooks/stripe"
  schema    = "event.json"
  authorize = policy.hooks.stripe
  rule "positive" {
    when   = body.amount > 0
    detail = "amount must be positive"
    at     = "/amount"
  }
  verify "stripe" { secrets = [secret.stripe] }
  deliver {
    to   = upstream.shop
    path = "/told"
    only = ["charge.*"]
  }
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	api_gateway {
		catalogue hooks.hcl
		policies policies
		variable shop `+l.URL+`
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	metrics /metrics
	api_gateway
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	good := `{"id": "1", "type": "charge.paid", "amount": 1, "livemode": true}`
	accepted(t, g, func() gatewaytest.Answer { return stripe(g, good, time.Now()) })
	for _, c := range []struct {
		name, body string
		status     int
		slug       string
	}{
		{"unlike the schema", `{"id":"2","type":"charge.paid","livemode":true}`, 422, "amount"},
		{"against the rule", `{"id":"3","type":"charge.paid","livemode":true,"amount":0}`, 422, "must be positive"},
		{"denied", `{"id":"4","type":"charge.paid","amount":1,"livemode":false}`, 403, "forbidden"},
		{"no JSON", `charge`, 200, ""}, // of no kind that is wanted
		{"unlike the schema, but of a kind that is not kept", `{"id":"5","type":"refund.paid"}`, 200, ""},
	} {
		if a := stripe(g, c.body, time.Now()); a.Status != c.status || !strings.Contains(a.Body, c.slug) {
			t.Errorf("%s: %d %s", c.name, a.Status, a.Body)
		}
	}
	if a := g.Do("POST", "/hooks/stripe", `{"id":"6"}`, "Content-Type: application/json"); a.Status != 403 || !strings.Contains(a.Body, "invalid-signature") {
		t.Errorf("unsigned: %d %s", a.Status, a.Body) // who does not sign learns nothing of the schema
	}
	g.Within(10*time.Second, "what was kept is delivered as it came", func() bool { return len(l.heard()) == 1 && l.heard()[0].body == good })
	metrics := g.Do("GET", "/metrics", "").Body
	for _, want := range []string{`caddy_api_gateway_denials_total{api="stripe",problem="invalid-content",stage="validate"}`, `caddy_api_gateway_denials_total{api="stripe",problem="forbidden",stage="authorize"}`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}
