package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Which decisions are remembered, and why the others are not.
func TestRemembered(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		want         string // "memory" for the second of two equal requests, or why not
	}{
		{"a caller's role", `allow if input.consumer.claims.roles[_] == "clerk"`, "memory"},
		{"a denial", `allow if input.consumer.id == "somebody else"

reasons contains "r" if not allow`, "memory"},
		{"nothing of input", `allow if true`, "memory"},
		{"the time", `allow if time.now_ns() > 5`, "memory"},
		{"the time of the request", `allow if input.time > 5`, "memory"},
		{"the body", `allow if input.request.body.total > 1`, "body"},
		{"the body in Envoy's words", `allow if input.parsed_body.total > 1`, "body"},
		{"all of input", `allow if count(input) > 1`, "whole_input"},
		{"chance", `allow if uuid.rfc4122(input.consumer.id)`, "impure"},
		{"nothing said", `allow if input.consumer.id == "somebody else"`, "undefined"},
		{"a failure", `allow if to_number(input.consumer.id) == 1`, "error"},
		{"many reasons", "allow if true\n\nreasons := [concat(\"\", [s | numbers.range(1, 1000)[_]; s := \"abc\"]) | numbers.range(1, 10)[_]]", "too_large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := files{"a.rego": "package a\n\n" + c.policy + "\n"}.prepare(t, "data.a")
			if remembers, why := q.Remembers(); remembers != (c.want == "memory" || c.want == "undefined" || c.want == "error" || c.want == "too_large") {
				t.Errorf("remembers %v, %v", remembers, why)
			}
			counts := q.snapshot.counts
			first, p := q.Decide(fullExchange())
			if first.Cached {
				t.Error("the first decision was remembered")
			}
			later := fullExchange()
			later.Time = later.Time.Add(100 * time.Millisecond)
			later.ID = "another"
			second, again := q.Decide(later)
			if second.Cached != (c.want == "memory") || first.Allow != second.Allow || (p == nil) != (again == nil) {
				t.Errorf("cached %v, %+v after %+v", second.Cached, second.Verdict, first.Verdict)
			}
			if first.ID() == second.ID() {
				t.Error("two decisions have one id")
			}
			if c.want == "memory" {
				if counts.Hits() != 1 || counts.Evaluations() != 1 {
					t.Errorf("%d hits, %d evaluations", counts.Hits(), counts.Evaluations())
				}
				return
			}
			for _, b := range Bypasses() {
				if n := counts.Bypassed(b); (n == 2) != (b.String() == c.want) || n != 0 && n != 2 {
					t.Errorf("%d for %s", n, b)
				}
			}
		})
	}
}

// Requests that differ in what the policy sees are different, in all else are not.
func TestRememberedApart(t *testing.T) {
	q := files{"a.rego": `package a

allow if {
	input.consumer.claims.role == "clerk"
	input.api.parameters.id == input.consumer.id
	time.now_ns() < 1790000002000000000
}

reasons contains sprintf("%v", [input.consumer.id])
`}.prepare(t, "data.a")
	begin := time.Unix(1790000000, 0)
	exchangeOf := func(id, role any, parameter string, after time.Duration) *exchange.Exchange {
		claims := map[string]any{"role": role}
		if role == nil {
			claims = nil
		}
		return &exchange.Exchange{
			Time: begin.Add(after), Consumer: &exchange.Consumer{ID: id.(string), Claims: claims},
			Parameters: []exchange.Parameter{{Name: "id", Value: parameter}}, Host: fmt.Sprint(after),
		}
	}
	for i, c := range []struct {
		x             *exchange.Exchange
		allow, cached bool
	}{
		{exchangeOf("ada", "clerk", "ada", 0), true, false},
		{exchangeOf("ada", "clerk", "ada", 999*time.Millisecond), true, true},
		{exchangeOf("ada", "clerk", "ada", time.Second), true, false}, // another second
		{exchangeOf("ada", "clerk", "ada", 2*time.Second), false, false},
		{exchangeOf("ada", "clerk", "bob", 0), false, false},
		{exchangeOf("bob", "clerk", "bob", 0), true, false},
		{exchangeOf("bob", "", "bob", 0), false, false},
		{exchangeOf("bob", nil, "bob", 0), false, false},
		{exchangeOf("bob", map[string]any{}, "bob", 0), false, false},
		{exchangeOf("bob", []any{"clerk"}, "bob", 0), false, false},
		{exchangeOf("bob", nil, "bob", 0), false, true},
		{exchangeOf("ada", "clerk", "ada", 0), true, true},
	} {
		d, _ := q.Decide(c.x)
		if d.Allow != c.allow || d.Cached != c.cached {
			t.Errorf("%d: allow %v, cached %v", i, d.Allow, d.Cached)
		}
		if got, want := fmt.Sprint(d.Reasons), fmt.Sprintf("[%s]", c.x.Consumer.ID); got != want {
			t.Errorf("%d: got reasons %s, want %s", i, got, want)
		}
	}
}

// Two queries of one snapshot share what is remembered, but no decision.
func TestRememberedByQuery(t *testing.T) {
	snapshot := files{"a.rego": "package a\n\nallow if input.consumer.id == \"ada\"\n", "b.rego": "package b\n\nallow if input.consumer.id != \"ada\"\n"}.load(t)
	for range 2 {
		for query, allow := range map[string]bool{"data.a": true, "data.b": false} {
			q, diags := snapshot.Prepare(query, here)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			for range 2 {
				if d, _ := q.Decide(fullExchange()); d.Allow != allow {
					t.Errorf("%s: allow %v", query, d.Allow)
				}
			}
		}
	}
}

// A remembered decision is evaluated again from time to time; one that differs raises the alarm and ends it all.
func TestRememberedWrongly(t *testing.T) {
	alarms := []string{}
	counts := &Counts{}
	snapshot := files{"a.rego": "package a\n\nallow if input.consumer.id == \"ada\"\n"}.load(t).Reporting(counts, func(text string) { alarms = append(alarms, text) })
	q, diags := snapshot.Prepare("data.a", here)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := fullExchange()
	for range 2 * recheck {
		if d, p := q.Decide(x); p != nil || !d.Allow {
			t.Fatal(p)
		}
	}
	if counts.Evaluations() != 2 || counts.Hits() != 2*recheck-1 || counts.Disagreements() != 0 {
		t.Errorf("%d evaluations, %d hits, %d disagreements", counts.Evaluations(), counts.Hits(), counts.Disagreements())
	}
	key, _ := q.key(x, x.Time, nil)
	o := snapshot.cache.get(key)
	o.result = ast.Boolean(false) // no policy can do this
	for range recheck + 1 {
		q.Decide(x)
	}
	if len(alarms) != 1 || !strings.Contains(alarms[0], "data.a") || counts.Disagreements() != 1 {
		t.Errorf("alarms %q, %d disagreements", alarms, counts.Disagreements())
	}
	evaluations := counts.Evaluations()
	for range 5 {
		if d, p := q.Decide(x); p != nil || d.Cached {
			t.Errorf("%+v, %v", d, p)
		}
	}
	if counts.Evaluations() != evaluations+5 || counts.Bypassed(BypassOff) < 5 {
		t.Errorf("%d evaluations after %d, %d without memory", counts.Evaluations(), evaluations, counts.Bypassed(BypassOff))
	}
}

func TestRememberingNothing(t *testing.T) {
	snapshot, diags := Load(t.Context(), []string{files{"a.rego": "package a\n\nallow if true\n"}.write(t)}, Options{Cache: -1})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	q, diags := snapshot.Prepare("data.a", here)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for range 3 {
		if d, _ := q.Decide(&exchange.Exchange{}); d.Cached || !d.Allow {
			t.Errorf("%+v", d)
		}
	}
	if _, diags := Load(t.Context(), []string{"testdata"}, Options{Cache: maxCache + 1}); !diags.HasErrors() {
		t.Error("more than the bound was taken")
	}
}
