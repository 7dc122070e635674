package limit

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// allowance is what one limit allows, to everyone or to the consumers of a plan.
type allowance struct {
	quotas []Quota
	atOnce int64 // 0 for any number
}

// terms are what a request is counted by.
type terms struct {
	limits []limitTerms // in the order of the stage's
	quotas []quota      // of all limits, each of which has its requests at once behind its quotas: as Take fills states
	policy string       // the RateLimit-Policy field; "" where all limits are hidden
}

type limitTerms struct {
	name   string
	rates  []Rate
	atOnce int64
}

// quota is one of the things that a request must fit into, as the caller is told of it.
type quota struct {
	limit  int // its number
	name   string
	item   string // `"burst";r=`
	words  string // for the detail of a 429
	most   int64  // units, or requests at once
	hidden bool
	used   func(key string, share float64) // nil: nobody is told
}

// with is the allowance of a plan.
func (a allowance) with(p *Plan) allowance {
	to := allowance{quotas: append([]Quota(nil), a.quotas...), atOnce: a.atOnce}
	for i := range p.Quotas {
		for j := range to.quotas {
			if to.quotas[j].name() == p.Quotas[i].name() {
				to.quotas[j] = p.Quotas[i]
				to.quotas[j].Name = p.Quotas[i].name()
			}
		}
	}
	if p.Concurrent > 0 {
		to.atOnce = p.Concurrent
	}
	return to
}

// allowances are what the limits allow to the consumers of a plan; a limit that does not know the plan, what it allows to
// everyone.
func (s *Stage) allowances(plan string) []allowance {
	all := make([]allowance, len(s.limits))
	for i := range s.limits {
		var there bool
		if all[i], there = s.limits[i].plans[plan]; !there {
			all[i] = s.limits[i].own
		}
	}
	return all
}

// termsOf makes the terms of what each limit allows.
func (s *Stage) termsOf(all []allowance) *terms {
	names := make(map[string]int)
	for _, a := range all {
		for j := range a.quotas {
			names[a.quotas[j].name()]++
		}
		if a.atOnce != 0 {
			names[concurrent]++
		}
	}
	t := &terms{limits: make([]limitTerms, len(all))}
	var policy []string
	for i, a := range all {
		l := &s.limits[i]
		add := func(name string, most int64, window time.Duration, item, words func(name string) string) {
			var used func(string, float64)
			if l.used != nil && most > 0 {
				used = l.used(name, window)
			}
			if names[name] > 1 {
				name = l.name + "." + name
			}
			t.quotas = append(t.quotas, quota{limit: i, name: name, item: `"` + name + `";r=`, words: words(name), most: most, hidden: l.hidden, used: used})
			if !l.hidden {
				policy = append(policy, item(name))
			}
		}
		to := &t.limits[i]
		to.name = l.name
		to.rates = make([]Rate, len(a.quotas))
		for j := range a.quotas {
			q := &a.quotas[j]
			if q.Requests > 0 {
				to.rates[j] = NewRate(q.Requests, time.Duration(q.Window))
			}
			add(q.name(), q.Requests, time.Duration(q.Window), func(name string) string { return policyItem(name, q, l.bytes) }, q.describe)
		}
		if a.atOnce != 0 {
			to.atOnce = max(a.atOnce, 0)
			add(concurrent, to.atOnce, 0, func(name string) string { return concurrentItem(name, to.atOnce) }, func(name string) string {
				return "the quota " + name + " allows " + strconv.FormatInt(to.atOnce, 10) + " at once"
			})
		}
	}
	t.policy = strings.Join(policy, ", ")
	return t
}

// tell says how full the quotas are of those who are counted.
func (t *terms) tell(charges []Charge, states []State) {
	for i := range t.quotas {
		if q := &t.quotas[i]; q.used != nil && !states[i].Unknown {
			q.used(charges[q.limit].Key, 1-float64(states[i].Remaining)/float64(q.most))
		}
	}
}

// termsFor are those of the caller's plan.
func (s *Stage) termsFor(x *exchange.Exchange) *terms {
	if t := s.planned[planOf(x)]; t != nil {
		return t
	}
	return s.written
}

// planOf names the caller's plan of quotas, "" for none.
func planOf(x *exchange.Exchange) string {
	if x.Consumer == nil {
		return ""
	}
	return x.Consumer.Plan
}

// names are those of the quotas that are not hidden.
func (t *terms) names() []string {
	names := []string{}
	for i := range t.quotas {
		if !t.quotas[i].hidden {
			names = append(names, t.quotas[i].name)
		}
	}
	return names
}

// never is the 429 of a request that no count decides about and no time to wait helps: one that costs more than a quota
// holds, or that is counted by a quota of nothing. nil where there is no such.
func (t *terms) never(x *exchange.Exchange, costs []int64) *problem.Problem {
	var r refusal
	var items []string
	for i := range t.quotas {
		q := &t.quotas[i]
		if q.most > 0 && q.most >= costs[i] {
			continue
		}
		words := q.words
		if q.most > 0 {
			words = "the request costs " + strconv.FormatInt(costs[i], 10) + " and " + words
		} else if !q.hidden {
			items = append(items, q.item+"0")
		}
		r.add(q, words)
	}
	if r.limits == nil {
		return nil
	}
	if t.policy != "" {
		x.AddAnswer(fieldPolicy, t.policy)
	}
	if items != nil { // of the others nothing is known
		x.AddAnswer(fieldLimit, strings.Join(items, ", "))
	}
	return r.problem(x, t)
}

// exceeded is the 429 of section 5.1.
func (t *terms) exceeded(x *exchange.Exchange, states []State) *problem.Problem {
	var r refusal
	for i := range states {
		if !states[i].Refused {
			continue
		}
		q := &t.quotas[i]
		r.add(q, q.words)
	}
	p := r.problem(x, t)
	if after := t.retryAfter(states); after > 0 {
		p.WithHeader("Retry-After", strconv.FormatInt(after, 10))
	}
	return p
}

// refusal is what a 429 is made of.
type refusal struct {
	violated []string // quotas that are not hidden
	words    []string // about those
	hidden   []string // in words
	limits   []int    // all of them, each once
}

func (r *refusal) add(q *quota, words string) {
	if q.hidden {
		r.hidden = append(r.hidden, words)
	} else {
		r.violated, r.words = append(r.violated, q.name), append(r.words, words)
	}
	if n := len(r.limits); n == 0 || r.limits[n-1] != q.limit {
		r.limits = append(r.limits, q.limit)
	}
}

// problem tells the caller of the quotas that are not hidden and the log of the others; where there are only those, the
// caller is told nothing at all.
func (r *refusal) problem(x *exchange.Exchange, t *terms) *problem.Problem {
	for _, i := range r.limits {
		x.Exceeded = append(x.Exceeded, t.limits[i].name)
	}
	p := problem.New(problem.TooManyRequests, "")
	if r.violated != nil {
		p = problem.New(problem.QuotaExceeded, strings.Join(r.words, "; ")).With("violated-policies", r.violated)
	}
	if r.hidden != nil {
		p.Because(fmt.Errorf("hidden from the caller: %s", strings.Join(r.hidden, "; ")))
	}
	return p
}
