package validate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// order is a body of about 1 KB with ten lines.
func order() []byte {
	body := `{"reference":"AB-123456","currency":"EUR","total":{"amount":12930},"customer":{"name":"Ada Lovelace","email":"ada@example.org"},` +
		`"note":"Please leave it with the porter if nobody answers the bell; he is there from seven to seven.","lines":[`
	for i := range 10 {
		if i > 0 {
			body += ","
		}
		body += fmt.Sprintf(`{"sku":"KB-1%02d-UK","qty":%d,"price":8900,"title":"Keyboard, UK layout"}`, i, i+1)
	}
	return []byte(body + `]}`)
}

// The five usual rules: a number, a word of a few, a header field, a pattern and a list.
var (
	rules = []string{
		`body.total.amount > 0`, `body.currency in ["EUR", "USD", "GBP"]`, `header["X-Request-Id"] != nil`,
		`body.reference matches "^[A-Z]{2}-[0-9]{6}$"`, `all(body.lines, .qty in 1..99)`,
	}
	cel = []string{
		`{http.vars.amount} > 0`, `{http.vars.currency} in ["EUR", "USD", "GBP"]`, `{http.request.header.X-Request-Id} != ""`,
		`string({http.vars.reference}).matches("^[A-Z]{2}-[0-9]{6}$")`, `dyn({http.vars.lines}).all(l, l.qty >= 1 && l.qty <= 99)`,
	}
)

// BenchmarkFiveRules runs the five rules beside the same ones in Caddy's matcher expression, which is CEL. That one has no
// body: it is given its values as variables, decoded beforehand in one case, and by encoding/json for each request in the
// other. Ours reads the body as it came in, after it was checked to be strict JSON in one case, and with that check in the
// other. The last one does ours with the check and CEL without decoding by turns, so that the ratio is of one run.
func BenchmarkFiveRules(b *testing.B) {
	body := order()
	x := &exchange.Exchange{Method: "POST", Header: http.Header{"X-Request-Id": {"6f1c"}}, Body: exchange.Body{Read: true, Valid: true, Bytes: body}}
	var programs []*rule.Program
	for _, text := range rules {
		p, diags := rule.CompileText(text, hcl.Range{Filename: "Caddyfile"}, rule.Environment{Roots: rule.All}, rule.Bool)
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		programs = append(programs, p)
	}
	met := func(b *testing.B) {
		for _, p := range programs {
			if yes, err := p.Bool(x); !yes {
				b.Fatal(err)
			}
		}
	}
	check := func(b *testing.B) {
		var err error
		if x.Body.Index, err = jsonspan.Parse(body, jsonspan.Bounds{}); err != nil {
			b.Fatal(err)
		}
	}
	checked := func(b *testing.B) {
		check(b)
		met(b)
		x.Body.Release()
	}
	b.Run("ours", func(b *testing.B) {
		check(b)
		defer x.Body.Release()
		b.ReportAllocs()
		for b.Loop() {
			met(b)
		}
	})
	b.Run("ours with the body's check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			checked(b)
		}
	})

	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	var matchers []*caddyhttp.MatchExpression
	for _, text := range cel {
		m := &caddyhttp.MatchExpression{Expr: text}
		if err := m.Provision(ctx); err != nil {
			b.Fatal(err)
		}
		matchers = append(matchers, m)
	}
	r := httptest.NewRequestWithContext(context.Background(), "POST", "https://api.example/orders", nil)
	r.Header.Set("X-Request-Id", "6f1c")
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
	decode := func() {
		var doc struct {
			Reference, Currency string
			Total               struct{ Amount int64 }
			Lines               []map[string]any
		}
		if err := json.Unmarshal(body, &doc); err != nil {
			b.Fatal(err)
		}
		caddyhttp.SetVar(r.Context(), "reference", doc.Reference)
		caddyhttp.SetVar(r.Context(), "currency", doc.Currency)
		caddyhttp.SetVar(r.Context(), "amount", doc.Total.Amount)
		caddyhttp.SetVar(r.Context(), "lines", doc.Lines)
	}
	decode()
	matched := func(b *testing.B) {
		for i, m := range matchers {
			if yes, err := m.MatchWithError(r); !yes {
				b.Fatal(cel[i], err)
			}
		}
	}
	b.Run("CEL", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			matched(b)
		}
	})
	b.Run("by turns", func(b *testing.B) {
		var spent [2][]time.Duration
		for b.Loop() {
			for k, run := range []func(*testing.B){checked, matched} {
				start := time.Now()
				run(b)
				spent[k] = append(spent[k], time.Since(start))
			}
		}
		for k := range spent {
			slices.Sort(spent[k])
		}
		// Medians, since whatever else the machine does falls on a few of the turns.
		half := len(spent[0]) / 2
		b.ReportMetric(float64(spent[0][half]), "ns/median")
		b.ReportMetric(float64(spent[1][half])/float64(spent[0][half]), "times-faster")
	})
	b.Run("CEL with the body's decoding", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			decode()
			matched(b)
		}
	})
}
