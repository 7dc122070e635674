package policy

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// here is where a catalogue names a query.
var here = hcl.Range{Filename: "shop.hcl", Start: hcl.Pos{Line: 7, Column: 15, Byte: 90}, End: hcl.Pos{Line: 7, Column: 33, Byte: 108}}

func (f files) prepare(t testing.TB, query string) *Query {
	t.Helper()
	q, diags := f.load(t).Prepare(query, here)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return q
}

func TestPrepareRefuses(t *testing.T) {
	f := files{
		"orders.rego":  "package shop.orders\n\nallow if is_owner\n\nis_owner if input.time == 1\n\nf(x) := x\n",
		"helpers.rego": "package shop.helpers\n\nis_owner if input.time == 1\n",
		"f.rego":       "package shop.f\n\nallow(x) if x\n",
		"data.json":    `{"facts": {"allow": true}}`,
	}
	snapshot := f.load(t)
	for _, c := range []struct{ query, want string }{
		{"data.shop.order", `No such policy: No package or rule is called data.shop.order. Did you mean "data.shop.orders"? Packages there are: data.shop.f, data.shop.helpers, data.shop.orders.`},
		{"data.shop.orders.alow", `No such policy: No package or rule is called data.shop.orders.alow.`},
		{"data.facts", `No such policy: No package or rule is called data.facts.`},
		{"data.shop", `Policy that never allows: data.shop has no rule allow`},
		{"data.shop.helpers", `Policy that never allows: data.shop.helpers has no rule allow`},
		{"data.shop.f", `Policy that never allows: data.shop.f has no rule allow`},
		{"data.shop.orders.f", `Not a rule: data.shop.orders.f is a function`},
		{"data", `Not a policy: Expected the name of a package or rule`},
		{"data.shop[x]", `Not a policy: Expected the name of a package or rule`},
		{"input.request", `Not a policy: Expected the name of a package or rule`},
		{"data.shop.orders; true", `Not a policy: Expected the name of a package or rule`},
	} {
		q, diags := snapshot.Prepare(c.query, here)
		if q != nil || len(diags) != 1 || !strings.HasPrefix(diags[0].Summary+": "+diags[0].Detail, c.want) || *diags[0].Subject != here {
			t.Errorf("%s: got %v, want %s", c.query, diags, c.want)
		}
	}
}

// What a query may oblige to is known before it is asked: other routes pay nothing for it.
func TestWhatMayBeObligedTo(t *testing.T) {
	for _, test := range []struct {
		policy, query string
		hides, limits bool
	}{
		{`allow if true`, "data.a", false, false},
		{"allow if true\n\nproblem := {}\n\nhelper.drop := []", "data.a", false, false},
		{"allow if true\n\ndrop contains \"/a\"", "data.a", true, false},
		{"allow if true\n\nmask := []", "data.a", true, false},
		{"allow if true\n\nfilter := {}", "data.a", true, false},
		{"allow if true\n\nlimits.a.b := 1", "data.a", false, true},
		{"allow if true\n\nfilter(x) := x", "data.a", false, false},
		{"allow if true\n\ndrop := []", "data.a.allow", false, false},
		{"default ok := false\n\nok if input.time > 1\n\nelse := false", "data.a.ok", false, false},
		{`ok := {"allow": true}`, "data.a.ok", true, true},
		{`ok := input.time > 1`, "data.a.ok", true, true},
		{"ok if input.time > 1\n\nelse := {}", "data.a.ok", true, true},
		{`ok contains "allow"`, "data.a.ok", true, true},
		{`ok[input.api.name] := true`, "data.a.ok", true, true},
	} {
		q := files{"a.rego": "package a\n\n" + test.policy + "\n"}.prepare(t, test.query)
		if q.Hides() != test.hides || q.Limits() != test.limits {
			t.Errorf("%s of %s: hides %t, limits %t", test.query, test.policy, q.Hides(), q.Limits())
		}
	}
}

func TestPrepareTakes(t *testing.T) {
	f := files{
		"a.rego": `package a

allow if yes

yes if true

decision := {"allow": true, "reasons": ["r"]}

never if input.time == 1
`,
		"b.rego": "package b\n\nx.y.allow if true\n\nx.y.problem.detail := \"no\"\n",
		"c.rego": "package c[\"my-api\"]\n\nallow if true\n",
	}
	snapshot := f.load(t)
	for query, allow := range map[string]bool{
		"data.a": true, "data.a.allow": true, "data.a.yes": true, "data.a.decision": true, "data.a.never": false,
		"data.b.x.y": true, "data.b.x.y.allow": true, `data.c["my-api"]`: true,
	} {
		q, diags := snapshot.Prepare(query, here)
		if diags.HasErrors() {
			t.Error(diags)
			continue
		}
		d, p := q.Decide(&exchange.Exchange{})
		if d.Allow != allow || (p == nil) != allow || d.Query != query {
			t.Errorf("%s: got %+v, %v; want %v", query, d, p, allow)
		}
	}
}
