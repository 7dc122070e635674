package limit

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Limit is a limit with what its configuration says in words made into a function.
type Limit struct {
	Config

	// KeyOf computes who is counted; nil for DefaultKey. An error that is a *problem.Problem is the answer; any
	// other error, and an empty key, is a 403.
	KeyOf func(x *exchange.Exchange) (string, error)

	// Needs is what KeyOf reads of a request.
	Needs exchange.Needs
}

// Stage counts a request against all limits of its route at once: it is charged to every quota, or to none and answered
// 429. It is one stage and not one per limit, or a request that the second limit refuses would have used up the first.
type Stage struct {
	counter Counter
	limits  []compiled
	written terms
	needs   exchange.Needs
	scratch sync.Pool
}

type compiled struct {
	id     string // name and quota names: what Charge calls Limit
	name   string
	quotas []Quota
	keyOf  func(x *exchange.Exchange) (string, error)
}

// terms are what a request is counted by.
type terms struct {
	rates  [][]Rate // by limit
	quotas []quota  // of all limits
	policy string   // the RateLimit-Policy field
}

type quota struct {
	name  string
	item  string // `"burst";r=`
	words string // for the detail of a 429
}

// scratch is what one request needs while it is counted, reused by the next.
type scratch struct {
	charges []Charge
	states  []State
}

// New makes the stage of a route, at most 8 limits counted by counter. The diagnostics tell every mistake; a stage is
// returned only if there is none.
func New(counter Counter, limits ...Limit) (*Stage, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	for i := range limits {
		diags = append(diags, limits[i].Check()...)
		for j := range limits[:i] {
			if limits[j].Name == limits[i].Name {
				diags = append(diags, misplaced(&limits[i].Config, "Duplicate limit",
					"Limit "+strconv.Quote(limits[i].Name)+" stands twice on one route; it would be charged twice for one request."))
				break
			}
		}
		if i == maxLimits {
			diags = append(diags, misplaced(&limits[i].Config, "Too many limits",
				"A route has at most "+strconv.Itoa(maxLimits)+" limits, those of its version and its API included."))
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}

	s := &Stage{counter: counter}
	for i := range limits {
		l := &limits[i]
		c := compiled{name: l.Name, quotas: l.Quotas, keyOf: l.KeyOf}
		if c.keyOf == nil {
			c.keyOf = DefaultKey
		}
		ids := []string{l.Name}
		for j := range l.Quotas {
			ids = append(ids, l.Quotas[j].name())
		}
		// The quotas' names belong to the id: a quota added or taken away starts the limit anew, for slots tell
		// quotas apart by their order alone. Another number or window keeps the count.
		c.id = strings.Join(ids, "/")
		s.limits = append(s.limits, c)
		s.needs.Add(l.Needs)
	}
	s.written = s.termsOf(func(_, _ int, q Quota) Quota { return q })
	s.scratch.New = func() any {
		return &scratch{charges: make([]Charge, len(s.limits)), states: make([]State, len(s.written.quotas))}
	}
	return s, nil
}

// termsOf makes the terms of the quotas that as gives for those of each limit, by their numbers.
func (s *Stage) termsOf(as func(limit, quota int, written Quota) Quota) terms {
	names := make(map[string]int)
	for i := range s.limits {
		for j := range s.limits[i].quotas {
			names[s.limits[i].quotas[j].name()]++
		}
	}
	var t terms
	var policy []string
	for i := range s.limits {
		l := &s.limits[i]
		rates := make([]Rate, len(l.quotas))
		for j := range l.quotas {
			q := as(i, j, l.quotas[j])
			name := q.name()
			if names[name] > 1 {
				name = l.name + "." + name
			}
			if q.Requests > 0 {
				rates[j] = NewRate(q.Requests, time.Duration(q.Window))
			}
			t.quotas = append(t.quotas, quota{name: name, item: `"` + name + `";r=`, words: q.describe(name)})
			policy = append(policy, policyItem(name, &q))
		}
		t.rates = append(t.rates, rates)
	}
	t.policy = strings.Join(policy, ", ")
	return t
}

func misplaced(c *Config, summary, detail string) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail}
	if c.Range != (hcl.Range{}) {
		d.Subject = &c.Range
	}
	return d
}

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return "limit" }

// Needs implements pipeline.Stage.
func (s *Stage) Needs() exchange.Needs { return s.needs }

// Handle implements pipeline.Stage: 429 when a quota is used up, 403 when a key cannot be computed, 503 when the counter
// fails. Whatever the answer to the request will be, the RateLimit fields are on it.
func (s *Stage) Handle(x *exchange.Exchange) *problem.Problem { return s.charge(x, &s.written) }

func (s *Stage) charge(x *exchange.Exchange, t *terms) *problem.Problem {
	if p := t.nothing(x); p != nil {
		return p
	}
	sc := s.scratch.Get().(*scratch)
	defer func() {
		clear(sc.charges) // the keys are the callers', not the pool's
		s.scratch.Put(sc)
	}()
	for i := range s.limits {
		l := &s.limits[i]
		key, err := l.keyOf(x)
		if p := uncountable(key, err); p != nil {
			return p
		}
		sc.charges[i] = Charge{Limit: l.id, Key: key, Cost: 1, Rates: t.rates[i]}
	}
	ok, err := s.counter.Take(x.Context, x.Time, sc.charges, sc.states)
	if err != nil {
		return problem.New(problem.ReducedCapacity, "requests cannot be counted at the moment").
			WithHeader("Retry-After", "1").Because(err)
	}
	t.answer(x, sc.states, ok)
	if ok {
		return nil
	}
	return t.exceeded(sc.states)
}

// uncountable refuses a request that has nothing to be counted by. To let it pass would be a way around the limit, and to
// count all such requests as one would let a stranger use up everybody's quota.
func uncountable(key string, err error) *problem.Problem {
	if err == nil && key != "" {
		return nil
	}
	if p := (*problem.Problem)(nil); errors.As(err, &p) {
		return p
	}
	if err == nil {
		err = errors.New("the key of a limit is empty")
	}
	return problem.New(problem.Forbidden, "the request lacks what its quota is counted by").Because(err)
}

// exceeded is the 429 of section 5.1. Retry-After is when every quota would admit the request, so never before the t of
// one that refused.
func (t *terms) exceeded(states []State) *problem.Problem {
	var (
		violated []string
		words    []string
		wait     time.Duration
	)
	for i := range states {
		if states[i].Wait > 0 {
			violated = append(violated, t.quotas[i].name)
			words = append(words, t.quotas[i].words)
			wait = max(wait, states[i].Wait)
		}
	}
	return problem.New(problem.QuotaExceeded, strings.Join(words, "; ")).
		With("violated-policies", violated).
		WithHeader("Retry-After", strconv.FormatInt(seconds(wait), 10))
}

var (
	_ pipeline.Stage = (*Stage)(nil)
	_ Counter        = (*Memory)(nil)
)
