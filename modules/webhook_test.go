package modules_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestWebhookAlone receives and delivers webhooks without a catalogue, behind a stage that refuses what its schema does.
func TestWebhookAlone(t *testing.T) {
	l := listen(t)
	dir := t.TempDir()
	t.Setenv("STRIPE_HOOK", stripeSecret)
	t.Setenv("OTHER_HOOK", "another secret")
	t.Setenv("SIGN_HOOK", signSecret)
	gatewaytest.Write(t, filepath.Join(dir, "event.json"), `{"type": "object", "required": ["id", "type"]}`)
	caddyfile := `{
	api_gateway {
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_validate /hooks/stripe {
		body json
		schema event.json
	}
	api_webhook /hooks/stripe {
		verify stripe {env.STRIPE_HOOK}
		dedupe body.id 24h
		deliver ` + l.URL + `/told?by=gateway {
			only charge.*
			order body.key
			sign {env.SIGN_HOOK}
		}
	}
	api_webhook /hooks/own {
		name own
		max_body 1KiB
		verify hmac {env.OTHER_HOOK} {env.STRIPE_HOOK} {
			signature X-Signed
			prefix sha256=
		}
		deliver ` + l.URL + `/own
	}
	respond "not a hook" 404
}
`
	path := filepath.Join(dir, "Caddyfile")
	gatewaytest.Write(t, path, caddyfile)
	g := gatewaytest.Start(t, path)
	event := func(n int, kind string) string { return fmt.Sprintf(`{"id":"evt_%d","type":%q,"key":"k"}`, n, kind) }
	accepted(t, g, func() gatewaytest.Answer { return stripe(g, event(1, "charge.paid"), time.Now()) })
	own := func(body, secret string) gatewaytest.Answer {
		return g.Do("POST", "/hooks/own", body, "X-Signed: sha256="+signature(secret, body))
	}
	for _, c := range []struct {
		name   string
		answer gatewaytest.Answer
		status int
		slug   string
	}{
		{"the same again", stripe(g, event(1, "charge.paid"), time.Now().Add(time.Second)), 200, ""},
		{"of another kind", stripe(g, event(2, "refund.paid"), time.Now()), 200, ""},
		{"late", stripe(g, event(3, "charge.paid"), time.Now().Add(-302*time.Second)), 403, "invalid-signature"},
		{"unlike the schema", stripe(g, `{"type":"charge.paid"}`, time.Now()), 422, "invalid-content"},
		{"no JSON", stripe(g, `charge`, time.Now()), 400, "invalid-body"},
		{"with GET", g.Do("GET", "/hooks/own", ""), 405, "method-not-allowed"},
		{"at another path", g.Do("POST", "/hooks/others", ""), 404, "not a hook"},
		{"too large", own(strings.Repeat("x", 1025), "another secret"), 413, "content-too-large"},
		{"signed by the other secret", own("hello", stripeSecret), 200, ""},
		{"signed by none", own("hello", "none"), 403, "invalid-signature"},
	} {
		if c.answer.Status != c.status || !strings.Contains(c.answer.Body, c.slug) {
			t.Errorf("%s: %d %s", c.name, c.answer.Status, c.answer.Body)
		}
	}
	g.Within(10*time.Second, "both events are delivered", func() bool { return len(l.heard()) == 2 })
	for _, one := range l.heard() {
		signed := strings.HasPrefix(one.header.Get("Webhook-Signature"), "v1,")
		if stripes := one.path == "/told?by=gateway" && one.body == event(1, "charge.paid") && signed; !stripes && (one.path != "/own" || one.body != "hello" || signed) {
			t.Errorf("delivered %+v", one)
		}
	}

	// A reload with another address has the next event go there.
	gatewaytest.Write(t, path, strings.Replace(caddyfile, "/told?by=gateway", "/elsewhere", 1))
	g.Reload(path)
	if a := stripe(g, event(4, "charge.paid"), time.Now()); a.Status != 200 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	g.Within(10*time.Second, "the event goes elsewhere", func() bool {
		all := l.heard()
		return all[len(all)-1].path == "/elsewhere"
	})
}

// Mistakes that only a running configuration can have.
func TestWebhookAloneMistakes(t *testing.T) {
	t.Setenv("STRIPE_HOOK", stripeSecret)
	t.Setenv("EMPTY_HOOK", "")
	hook := func(path, words string) string {
		return "\tapi_webhook " + path + " {\n\t\t" + strings.ReplaceAll(words, "; ", "\n\t\t") + "\n\t}\n"
	}
	const good = "verify stripe {env.STRIPE_HOOK}; deliver http://127.0.0.1:1/x"
	for name, c := range map[string]struct{ directives, want string }{
		"a secret in the file":    {hook("/a", "verify stripe whsec_in_the_open; deliver http://127.0.0.1:1/x"), "a secret is a placeholder"},
		"an empty secret":         {hook("/a", "verify stripe {env.EMPTY_HOOK}; deliver http://127.0.0.1:1/x"), "{env.EMPTY_HOOK} is empty"},
		"two of one name":         {hook("/a", "name one; "+good) + hook("/b", "name one; "+good), `another webhook called "one"`},
		"an expression":           {hook("/a", "dedupe body.; "+good), "api_webhook /a dedupe"},
		"kinds that nobody tells": {hook("/a", "verify twilio {env.STRIPE_HOOK}; deliver http://127.0.0.1:1/x {\n\tonly x\n}"), "calls of twilio tell no kind"},
		"words of another scheme": {hook("/a", "verify stripe {env.STRIPE_HOOK} {\n\tprefix x\n}\ndeliver http://127.0.0.1:1/x"), "only hmac and ed25519 are told"},
	} {
		path := filepath.Join(t.TempDir(), "Caddyfile")
		gatewaytest.Write(t, path, "https://localhost:{$HTTPS_PORT} {\n\ttls internal\n"+c.directives+"}\n")
		if err := gatewaytest.Load(t, path); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "in_the_open") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
