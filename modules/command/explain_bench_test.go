package command

import (
	"bytes"
	"io"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/explain"
)

// BenchmarkExplain explains an order that is placed in the shape of v1 of the example shop: quotas, a schema, rules, two
// changes both ways and a policy. "files" is all that the command does but to start; "pipeline" has the files loaded, as
// a running gateway has.
func BenchmarkExplain(b *testing.B) {
	b.Chdir("../..")
	asked := explained{
		words: []string{"POST", "https://localhost:8443/api/v1/orders"}, as: explain.As{Consumer: "acme"},
		body: `{"customer_name":"Ada","customer_email":"ada@example.org","verified":true,"currency":"EUR","total":{"amount":1230},"lines":[{"article":"A-1","qty":2}]}`,
		answer: `{"id":"acme-1002","owner":"acme","customer":{"name":"Ada","email":"ada@example.org"},"status":"verified","currency":"EUR",` +
			`"total":{"amount":1230},"lines":[{"sku":"A-1","qty":2}],"note":null,"created":"2026-11-01T12:00:00Z"}`,
	}
	b.Run("files", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e := explaining{asked: asked, colour: "never"}
			if err := e.run(b.Context(), io.Discard, io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("pipeline", func(b *testing.B) {
		_, app, err := configuration("Caddyfile", "")
		if err != nil {
			b.Fatal(err)
		}
		alone, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: noLogs()})
		if err != nil {
			b.Fatal(err)
		}
		trial, err := onTrial(alone, app)
		if err != nil {
			b.Fatal(err)
		}
		defer trial.Close()
		q, err := asked.question()
		if err != nil {
			b.Fatal(err)
		}
		var out bytes.Buffer
		b.ReportAllocs()
		for b.Loop() {
			step, err := q.Step()
			if err != nil {
				b.Fatal(err)
			}
			told, err := explain.Request(b.Context(), trial, trial.Catalogue(), step)
			if err != nil {
				b.Fatal(err)
			}
			out.Reset()
			if err := told.Text(&out, false); err != nil {
				b.Fatal(err)
			}
		}
		if !bytes.Contains(out.Bytes(), []byte("data.shop.orders allows")) {
			b.Errorf("it explains\n%s", out.String())
		}
	})
}
