package policy

import (
	"reflect"
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
		"hide.rego":    "package shop.hide\n\nallow if true\n\nmask contains \"/email\"\n\ndrop := [\"/card\"] if true\n",
		"f.rego":       "package shop.f\n\nallow(x) if x\n",
		"data.json":    `{"facts": {"allow": true}}`,
	}
	snapshot := f.load(t)
	for _, c := range []struct{ query, want string }{
		{"data.shop.order", `No such policy: No package or rule is called data.shop.order. Did you mean "data.shop.orders"? Packages there are: data.shop.f, data.shop.helpers, data.shop.hide, data.shop.orders.`},
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

	_, diags := snapshot.Prepare("data.shop.hide", here)
	if len(diags) != 2 {
		t.Fatalf("obligations: got %v, want 2", diags)
	}
	for _, d := range diags {
		if word := snapshot.sources.text(d.Subject); !obligations[word] || !strings.Contains(d.Detail, "not supported by this version") {
			t.Errorf("obligation: got %s at %q", d.Detail, word)
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

func TestReach(t *testing.T) {
	whole := make([]string, 0, len(parts))
	for _, p := range parts {
		whole = append(whole, strings.Join(p.path, "."))
	}
	var request []string
	for _, p := range whole {
		if strings.HasPrefix(p, "request.") {
			request = append(request, p)
		}
	}
	for _, c := range []struct {
		name, policy string
		want         []string
		headers      []string // of Needs
	}{
		{"nothing", `allow if true`, nil, nil},
		{"constant references", `allow if input.request.method == input.api.route`, []string{"request.method", "api.route"}, nil},
		{"below a part", `allow if input.consumer.claims.roles[_].x == "a"`, []string{"consumer.claims"}, nil},
		{"a list of names", "allow if input.request.headers[\"x-tenant\"][0] == \"a\"\n\nb if input.request.headers[\"if-match\"]", []string{"request.headers"}, []string{"If-Match", "X-Tenant"}},
		{"any header", "allow if {\n\tsome name\n\tinput.request.headers[name][0] == \"a\"\n}", []string{"request.headers"}, []string{"*"}},
		{"all of request", `allow if count(input.request) == 1`, request, []string{"*"}},
		{"an alias", "allow if {\n\tr := input.request\n\tr.method == \"GET\"\n}", request, []string{"*"}},
		{"a name worked out", "allow if {\n\tsome k in [\"request\"]\n\tinput[k].method == \"GET\"\n}", whole, []string{"*"}},
		{"input as a value", "f(x) := x.request.method\n\nallow if f(input) == \"GET\"", whole, []string{"*"}},
		{"object.get", `allow if object.get(input, ["request", "body"], 1) == 1`, whole, []string{"*"}},
		{"walk", "allow if {\n\twalk(input, [_, v])\n\tv == 1\n}", whole, []string{"*"}},
		{"an import", "import input.api as i\n\nallow if i.name == \"a\"", []string{"api.name"}, nil},
		{"a comprehension", `allow if count([1 | input.time > 1]) == 1`, []string{"time"}, nil},
		{"a head", "m[input.api.name] := input.request.host\n\nallow if m.a", []string{"request.host", "api.name"}, nil},
		{"an else", "allow if input.request.path == \"/\"\n\nelse if input.request.scheme == \"https\"", []string{"request.path", "request.scheme"}, nil},
		{"a default", "default allow := false\n\nallow if every s in input.request.segments { s != input.consumer.id }", []string{"request.segments", "consumer.id"}, nil},
		{"with", "b if input.request.host == \"a\"\n\nallow if b with input.request.host as input.request.address", []string{"request.host", "request.address"}, nil},
		{"a template", "allow if $\"{input.api.name}\" == \"a\"", []string{"api.name"}, nil},
		{"another package", `allow if data.other.allow`, []string{"consumer.groups"}, nil},
		{"another package, a part of whose name is worked out", "allow if {\n\tsome k in [\"oth\", \"other\"]\n\tdata[k].allow\n}", []string{"request.body", "consumer.groups"}, nil},
		{"another package, named by the request", `allow if data[input.api.name].free`, []string{"request.body", "api.name", "consumer.groups"}, nil},
		{"a package above", `allow if data.other.inner.allow`, []string{"consumer.groups"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := files{
				"a.rego":         "package a\n\n" + c.policy + "\n",
				"other.rego":     "package other\n\nallow if count(input.consumer.groups) > 1\n\ninner.allow if true\n",
				"unrelated.rego": "package unrelated\n\nfree if input.request.body.x\n",
			}.prepare(t, "data.a")
			var got []string
			for _, p := range parts {
				if q.reach.parts&p.part != 0 {
					got = append(got, strings.Join(p.path, "."))
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			everything := *q
			everything.reach = reach{parts: partTime<<1 - 1, everyHeader: true}
			some, _ := q.Decide(fullExchange())
			all, _ := everything.Decide(fullExchange())
			if some.Allow != all.Allow || (some.Denial == nil) != (all.Denial == nil) {
				t.Errorf("decided %v with the parts reached, %v with everything", some, all)
			}
			needs := q.Needs()
			if !reflect.DeepEqual(needs.Header, c.headers) {
				t.Errorf("got headers %v, want %v", needs.Header, c.headers)
			}
			if body := q.reach.parts&partBody != 0; body != (needs.Body == exchange.JSON) {
				t.Errorf("body reached %v, but needs %+v", body, needs)
			}
		})
	}
}
