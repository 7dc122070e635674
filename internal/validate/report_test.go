package validate

import (
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

func TestReportOnly(t *testing.T) {
	for _, c := range []struct{ body, reported string }{
		{good, ""},
		{`{"currency": "GBP", "total": {"amount": 3}}`, "422"},
		{`{"currency": "EUR", "currency": "EUR"}`, "400"},
		{`{"currency": "EUR"`, "400"},
		{``, "400"},
		{`{"currency": "EUR", "total": {"amount": -3}}`, "422"},
	} {
		var reported []string
		rules := []RuleConfig{{Expr: `body.total.amount > 0`, Detail: "d"}, {Expr: `header["X-Tenant"] == nil`, Detail: "d"}}
		stages, _, diags := Config{Schema: "/gw/order.json", Rules: rules, ReportOnly: true}.Stages(
			func(string) ([]byte, error) { return []byte(orderSchema), nil },
			func(_ *exchange.Exchange, p *problem.Problem) { reported = append(reported, p.Error()[:3]) })
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		x := post("application/json", c.body)
		if p := pipeline.New(stages...).Handle(x); p != nil {
			t.Errorf("%s: refused: %v", c.body, p)
		}
		if got := strings.Join(reported, " "); got != c.reported {
			t.Errorf("%s: reported %q, want %q", c.body, got, c.reported)
		}
	}
}

// What one stage only reports, another one refuses.
func TestReportedAndRefused(t *testing.T) {
	x := post("application/json", `{`)
	var reported int
	p := pipeline.New(
		NewContent(ContentConfig{Report: func(*exchange.Exchange, *problem.Problem) { reported++ }}),
		New(Checks{Rules: []Rule{must(t, "r", `body.total == nil`, "d", "")}}),
	).Handle(x)
	if status(p) != 422 || reported != 1 {
		t.Errorf("got %v, %d reported", p, reported)
	}
}
