package limit

import (
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/duration"
)

// checker collects the mistakes of a limit.
type checker struct {
	limit *Config
	diags hcl.Diagnostics
}

// wrong notes a mistake at r, or where r is nowhere, at the limit.
func (k *checker) wrong(r hcl.Range, summary, detail string, args ...any) {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
	if r == (hcl.Range{}) {
		r = k.limit.Range
	}
	if r != (hcl.Range{}) {
		d.Subject = &r
	}
	k.diags = append(k.diags, d)
}

// Check gives every mistake in c, each at the place of the limit, plan or quota that has it.
func (c *Config) Check() hcl.Diagnostics {
	k := &checker{limit: c}
	if !validName(c.Name) {
		k.wrong(c.Range, "Invalid limit name", "A limit's name is 1 to %d letters, digits, or any of _-.: and this one is %q.", maxName, c.Name)
	}
	switch n := len(c.Quotas); {
	case n > maxQuotas:
		k.wrong(c.Range, "Wrong number of quotas", "Limit %q has %d quotas; a limit has 1 to %d. Where more are wanted, write a second limit with the same key.", c.Name, n, maxQuotas)
	case n == 0 && c.Concurrent == 0:
		k.wrong(c.Range, "Wrong number of quotas", "Limit %q has no quotas and no bound on concurrent requests: it limits nothing.", c.Name)
	}
	k.concurrent(c.Range, c.Concurrent)
	k.quotas(c.Quotas, c.Range)
	if len(c.Plans) > maxPlans {
		k.wrong(c.Range, "Too many plans", "Limit %q has %d plans; a limit has at most %d.", c.Name, len(c.Plans), maxPlans)
	}
	for i := range c.Plans {
		k.plan(&c.Plans[i], c.Plans[:i])
	}
	return k.diags
}

func (k *checker) concurrent(at hcl.Range, n int64) {
	if n < 0 || n > maxAtOnce {
		k.wrong(at, "Invalid number of concurrent requests", "A limit allows 1 to %d requests at once, and this one says %d.", maxAtOnce, n)
	}
}

// quotas looks at the quotas of a limit or of a plan; those without a place of their own are at around.
func (k *checker) quotas(all []Quota, around hcl.Range) {
	seen := make(map[string]bool, len(all))
	for i := range all {
		q := &all[i]
		r := q.Range
		if r == (hcl.Range{}) {
			r = around
		}
		window := time.Duration(q.Window)
		if window < minWindow || window > maxWindow || window%time.Second != 0 {
			k.wrong(r, "Invalid window", "A quota's window is a whole number of seconds from %s to %s, and this one is %s.", duration.Duration(minWindow), duration.Duration(maxWindow), q.Window)
			continue
		}
		if most := int64(window/time.Second) * maxPerSecond; q.Requests < 1 || q.Requests > most {
			k.wrong(r, "Invalid number of requests", "A quota in %s allows 1 to %d requests, and this one says %d. To forbid every request, leave the route out or deny it in a policy.", q.Window, most, q.Requests)
		}
		name := q.name()
		if !validName(name) {
			k.wrong(r, "Invalid quota name", "A quota's name is 1 to %d letters, digits, or any of _-.: and this one is %q.", maxName, name)
		}
		if name == concurrent {
			k.wrong(r, "Invalid quota name", "%q is what the bound on concurrent requests is called.", concurrent)
		}
		if seen[name] {
			k.wrong(r, "Duplicate quota", "Limit %q has two quotas called %q; a quota without a name is called by its window. Give one of them another name.", k.limit.Name, name)
		}
		seen[name] = true
	}
}

func (k *checker) plan(p *Plan, before []Plan) {
	at := p.Range
	if !validPlan(p.Name) {
		k.wrong(at, "Invalid plan name", "A plan's name is 1 to %d characters of printable ASCII, without a space at either end, and this one is %q.", maxPlanName, p.Name)
	}
	if slices.ContainsFunc(before, func(other Plan) bool { return other.Name == p.Name }) {
		k.wrong(at, "Duplicate plan", "Limit %q has two plans called %q.", k.limit.Name, p.Name)
	}
	if len(p.Quotas) == 0 && p.Concurrent == 0 {
		k.wrong(at, "Empty plan", "The plan %q says nothing that is different from limit %q.", p.Name, k.limit.Name)
	}
	k.concurrent(at, p.Concurrent)
	k.quotas(p.Quotas, at)
	for i := range p.Quotas {
		q := &p.Quotas[i]
		if !slices.ContainsFunc(k.limit.Quotas, func(own Quota) bool { return own.name() == q.name() }) {
			r := q.Range
			if r == (hcl.Range{}) {
				r = at
			}
			k.wrong(r, "Unknown quota", "The plan %q changes a quota %q, which limit %q does not have: a plan's quotas take the place of the limit's of the same names.", p.Name, q.name(), k.limit.Name)
		}
	}
}

// validPlan says whether a consumer's plan may be called s.
func validPlan(s string) bool {
	if s == "" || len(s) > maxPlanName || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
