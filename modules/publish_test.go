package modules_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/secret"
	"github.com/wicketgate/wicketgate/internal/webhook"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const publishing = `
variable "subscribers" {}
secret "sign" { env = "SIGN_HOOK" }
upstream "subscribers" { servers = [var.subscribers] }
subscriber "old" {
  to      = upstream.subscribers
  path    = "/old"
  sign    = secret.sign
  version = "v1"
}
subscriber "new" {
  to   = upstream.subscribers
  path = "/new"
  sign = secret.sign
  only = ["order.*"]
}
api "events" {
  base_path = "/events"
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "event" { schema = "event.json" }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "sku" {
      summary = "article is called sku."
      on      = object.event
      rename "article" { to = "sku" }
    }
  }
  route "POST /publish" {
    accepts = object.event
    rule "no secret articles" {
      when   = body.sku != "secret"
      detail = "nobody is told of secret articles"
      at     = "/sku"
    }
    publish {
      to    = [subscriber.old, subscriber.new]
      kind  = body.type
      id    = body.id
      order = body.sku
    }
  }
}
`

// TestPublish has a service hand over events, which go through the stages of their route and reach each subscriber in the
// shape of its own version, signed.
func TestPublish(t *testing.T) {
	l := listen(t)
	dir := t.TempDir()
	t.Setenv("SIGN_HOOK", signSecret)
	gatewaytest.Write(t, filepath.Join(dir, "events.hcl"), publishing)
	gatewaytest.Write(t, filepath.Join(dir, "event.json"), `{"type": "object", "required": ["id", "type", "sku"], "additionalProperties": false,
		"properties": {"id": {"type": "string"}, "type": {"type": "string"}, "sku": {"type": "string"}}}`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	api_gateway {
		catalogue events.hcl
		variable subscribers `+l.URL+`
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	publish := func(version, body string) gatewaytest.Answer {
		return g.Do("POST", "/events/"+version+"/publish", body, "Content-Type: application/json", "X-Service: shop")
	}
	first := `{"id":"1","type":"order.paid","sku":"A-1"}`
	g.Within(10*time.Second, "the first event is taken", func() bool { return publish("v2", first).Status == 202 })
	for _, c := range []struct {
		name   string
		answer gatewaytest.Answer
		status int
		slug   string
	}{
		{"the same again", publish("v2", first), 202, ""},
		{"from a service of the older version", publish("v1", `{"id":"2","type":"order.paid","article":"A-1"}`), 202, ""},
		{"of a kind that one wants", publish("v2", `{"id":"3","type":"refund.paid","sku":"A-1"}`), 202, ""},
		{"unlike the schema", publish("v2", `{"id":"4","type":"order.paid"}`), 422, "invalid-content"},
		{"that a rule refuses, in the older version", publish("v1", `{"id":"5","type":"order.paid","article":"secret"}`), 422, `"/article"`},
		{"no JSON", publish("v2", `order`), 400, "invalid-body"},
		{"with GET", g.Do("GET", "/events/v2/publish", ""), 405, "method-not-allowed"},
	} {
		if c.answer.Status != c.status || !strings.Contains(c.answer.Body, c.slug) {
			t.Errorf("%s: %d %s", c.name, c.answer.Status, c.answer.Body)
		}
	}
	g.Within(10*time.Second, "all are told", func() bool { return len(l.heard()) == 5 })
	verifier, err := webhook.New(webhook.Config{Scheme: "standard", Secrets: []secret.Text{secret.New(signSecret)}})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string][]string{}
	for _, one := range l.heard() {
		told[one.path] = append(told[one.path], one.body)
		if err := verifier.Verify(webhook.Call{Header: one.header, Body: []byte(one.body), Time: time.Now()}); err != nil {
			t.Errorf("%s: %v", one.path, err)
		}
		if one.header.Get("Content-Type") != "application/json" || one.header.Get("X-Service") != "" {
			t.Errorf("%s: %v", one.path, one.header)
		}
	}
	for path, want := range map[string][]string{
		"/old": {`{"id":"1","type":"order.paid","article":"A-1"}`, `{"id":"2","type":"order.paid","article":"A-1"}`, `{"id":"3","type":"refund.paid","article":"A-1"}`},
		"/new": {first, `{"id":"2","type":"order.paid","sku":"A-1"}`},
	} {
		if !slices.Equal(told[path], want) {
			t.Errorf("%s was told %q, want %q", path, told[path], want)
		}
	}
}
