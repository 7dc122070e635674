package policy

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// BenchmarkDecide measures a decision, from an exchange to its answer read: "small" is a comparison, "rbac" looks a
// caller's roles and their permissions up among 200 roles and 2,000 routes, "shop" is the example's own.
func BenchmarkDecide(b *testing.B) {
	var grants, routes []string
	for i := range 200 {
		grants = append(grants, fmt.Sprintf(`"role-%d": ["things-%d:read", "things-%d:write", "common:read"]`, i, i, i))
	}
	for i := range 1000 {
		routes = append(routes, fmt.Sprintf(`"GET /things-%d/{id}": "things-%d:read", "PUT /things-%d/{id}": "things-%d:write"`, i, i, i, i))
	}
	rbac := files{"app.rego": `package app

allow if {
	needed := data.routes[input.api.route]
	some role in input.consumer.groups
	needed in data.grants[role]
}

reasons contains "no-role" if not allow

problem := {"detail": sprintf("%s needs a role that you do not have", [input.api.route])} if not allow
`, "data.json": fmt.Sprintf(`{"grants": {%s}, "routes": {%s}}`, strings.Join(grants, ", "), strings.Join(routes, ", "))}
	small := files{"app.rego": "package app\n\nallow if input.request.method == \"GET\"\n"}
	for _, c := range []struct {
		name  string
		query *Query
		x     exchange.Exchange
		allow bool
	}{
		{"small", small.prepare(b, "data.app"), exchange.Exchange{Method: "GET"}, true},
		{"rbac", rbac.prepare(b, "data.app"), exchange.Exchange{
			Route: "PUT /things-150/{id}", Consumer: &exchange.Consumer{ID: "ada", Groups: []string{"role-1", "role-20", "role-150"}},
		}, true},
		{"rbac denied", rbac.prepare(b, "data.app"), exchange.Exchange{
			Route: "PUT /things-150/{id}", Consumer: &exchange.Consumer{ID: "ada", Groups: []string{"role-1", "role-20", "role-151"}},
		}, false},
		{"shop", shop(b), exchange.Exchange{
			Route: "GET /orders/{id}", Parameters: []exchange.Parameter{{Name: "id", Value: "acme-1001"}}, Consumer: &exchange.Consumer{ID: "acme", Method: "api_key"},
		}, true},
	} {
		evaluated := *c.query
		evaluated.bypass = BypassOff
		for name, q := range map[string]*Query{c.name: &evaluated, c.name + ", remembered": c.query} {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.x.Decision = nil
					if p := q.Handle(&c.x); (p == nil) != c.allow {
						b.Fatal(p)
					}
				}
			})
		}
	}
}

func shop(b testing.TB) *Query {
	snapshot, diags := Load(b.Context(), []string{"../../policies"}, Options{Limit: MaxLimit})
	if diags.HasErrors() {
		b.Fatal(diags)
	}
	if _, err := os.Stat("../../policies/shop"); err != nil {
		b.Fatal(err)
	}
	q, diags := snapshot.Prepare("data.shop.orders", here)
	if diags.HasErrors() {
		b.Fatal(diags)
	}
	return q
}
