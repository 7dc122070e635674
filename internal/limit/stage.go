package limit

import (
	"errors"
	"fmt"
	"slices"
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

	// CostOf computes what a request costs; nil for 1. An error, and a cost below 0, is a 403.
	CostOf func(x *exchange.Exchange) (int64, error)

	// CostNeeds is what CostOf reads of a request.
	CostNeeds exchange.Needs

	// Used gives who is told, of each request that is counted, which share of a quota its caller, by the key that is
	// counted, has used then: 0 to 1. window is the quota's, 0 of requests at once. nil for nobody.
	Used func(quota string, window time.Duration) func(key string, share float64)
}

// bytesCost is the cost by which a quota is one of bytes.
const bytesCost = "request.size"

// Stage counts a request against all limits of its route at once: it is charged to every quota, or to none and answered
// 429. It is one stage and not one per limit, or a request that the second limit refuses would have used up the first.
type Stage struct {
	counter Counter
	limits  []compiled
	written *terms
	planned map[string]*terms // by the plans that any limit has
	needs   exchange.Needs
	scratch sync.Pool
}

type compiled struct {
	id     ID // of name and quota names: what Charge calls Limit
	name   string
	hidden bool
	own    allowance
	plans  map[string]allowance
	keyOf  func(x *exchange.Exchange) (string, error)
	keyed  bool                                                                     // keyOf is written
	costOf func(x *exchange.Exchange) (int64, error)                                // nil: 1
	reads  exchange.BodyNeed                                                        // of costOf
	bytes  bool                                                                     // whether a unit is a byte
	used   func(quota string, window time.Duration) func(key string, share float64) // nil: nobody is told
}

// scratch is what one request needs while it is counted, reused by the next.
type scratch struct {
	charges []Charge
	states  []State
	costs   []int64 // by quota, as states
}

// New makes the stage of a route, at most 8 limits counted by counter. The diagnostics tell every mistake; a stage is
// returned only if there is none.
func New(counter Counter, limits ...Limit) (*Stage, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	for i := range limits {
		diags = append(diags, limits[i].Check()...)
	}
	diags = append(diags, CheckTogether(limits)...)
	if diags.HasErrors() {
		return nil, diags
	}

	s := &Stage{counter: counter, planned: make(map[string]*terms)}
	most := 0
	for i := range limits {
		l := &limits[i]
		c := compiled{name: l.Name, hidden: l.Hidden, keyOf: l.KeyOf, costOf: l.CostOf, reads: l.CostNeeds.Body, bytes: l.Cost == bytesCost, used: l.Used,
			own: allowance{l.Quotas, l.Concurrent}, plans: make(map[string]allowance, len(l.Plans))}
		if c.keyed = c.keyOf != nil; !c.keyed {
			c.keyOf = DefaultKey
		}
		ids := []string{l.Name}
		for j := range l.Quotas {
			ids = append(ids, l.Quotas[j].name())
		}
		// The quotas' names belong to the id: a quota added or taken away starts the limit anew, for slots tell
		// quotas apart by their order alone. Another number or window keeps the count.
		c.id = NewID(strings.Join(ids, "/"))
		for j := range l.Plans {
			c.plans[l.Plans[j].Name] = c.own.with(&l.Plans[j])
			s.planned[l.Plans[j].Name] = nil
		}
		s.limits = append(s.limits, c)
		s.needs.Add(l.Needs)
		s.needs.Add(l.CostNeeds)
		most += len(l.Quotas) + 1
	}
	s.written = s.termsOf(s.allowances(""))
	for plan := range s.planned {
		s.planned[plan] = s.termsOf(s.allowances(plan))
	}
	s.scratch.New = func() any {
		return &scratch{charges: make([]Charge, len(s.limits)), states: make([]State, most), costs: make([]int64, most)}
	}
	return s, nil
}

// CheckTogether gives the mistakes of limits that stand on one route, but for those that each has by itself.
func CheckTogether(limits []Limit) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i := range limits {
		if slices.ContainsFunc(limits[:i], func(l Limit) bool { return l.Name == limits[i].Name }) {
			diags = append(diags, misplaced(&limits[i].Config, "Duplicate limit",
				"Limit "+strconv.Quote(limits[i].Name)+" stands twice on one route; it would be charged twice for one request."))
		}
		if i == maxLimits {
			diags = append(diags, misplaced(&limits[i].Config, "Too many limits",
				"A route has at most "+strconv.Itoa(maxLimits)+" limits, those of its version and its API included."))
		}
	}
	return diags
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

// ReadsJSON says that what a request costs stands in its body as JSON. Then the stage is to be Late and behind those that
// see to it that the body is that.
func (s *Stage) ReadsJSON() bool { return s.needs.Body == exchange.JSON }

// Handle implements pipeline.Stage: 429 when a quota is used up, 403 when a key or a cost cannot be computed, 503 when the
// counter fails. Whatever the answer to the request will be, the RateLimit fields are on it.
func (s *Stage) Handle(x *exchange.Exchange) *problem.Problem {
	return s.charge(x, s.termsFor(x), false)
}

// Settle implements pipeline.Settler: it counts a request that ended before it could be counted, else whoever sends what
// is refused earlier could do so without end. The problem is of one that has used up its quotas. What would cost what its
// body says costs 1, for that says nothing. Of one whose credential was refused nobody knows who sent it: it is counted, as 1,
// by the limits that were written a key which can be told all the same, such as the client's address.
func (s *Stage) Settle(x *exchange.Exchange) *problem.Problem {
	if x.Ended == "identify" {
		return s.chargeStranger(x)
	}
	return s.charge(x, s.termsFor(x), true)
}

// charge counts a request by t; settled, one that has ended.
func (s *Stage) charge(x *exchange.Exchange, t *terms, settled bool) *problem.Problem {
	sc := s.scratch.Get().(*scratch)
	defer func() {
		clear(sc.charges) // the keys are the callers', not the pool's
		s.scratch.Put(sc)
	}()
	n := 0
	for i := range s.limits {
		l, of := &s.limits[i], &t.limits[i]
		key, err := l.keyOf(x)
		if p := uncountable(key, err); p != nil {
			return p
		}
		cost := int64(1)
		if l.costOf != nil && !(settled && l.unread(x)) {
			if cost, err = l.costOf(x); err != nil && l.bodiless(x) {
				cost, err = 1, nil
			}
			if err != nil || cost < 0 {
				return priceless(cost, err)
			}
		}
		sc.charges[i] = Charge{Limit: l.id, Key: key, Cost: cost, Rates: of.rates, AtOnce: of.atOnce}
		for range of.rates {
			sc.costs[n] = cost
			n++
		}
		if n < len(t.quotas) && t.quotas[n].limit == i {
			sc.costs[n] = 1
			n++
		}
	}
	if p := t.never(x, sc.costs); p != nil {
		return p
	}
	states := sc.states[:len(t.quotas)]
	ok, err := s.counter.Take(x.Context, x.Time, sc.charges, states)
	if err != nil {
		return problem.New(problem.ReducedCapacity, "requests cannot be counted at the moment").
			With("violated-policies", t.names()).WithHeader("Retry-After", "1").Because(err)
	}
	if x.Account != nil {
		s.note(x, t, sc.costs, states)
	} else {
		t.tell(sc.charges, states)
	}
	t.answer(x, states, ok)
	if !ok {
		return t.exceeded(x, states)
	}
	s.hold(x, sc.charges)
	return nil
}

// unread says that the body from which the cost is computed is not there, or not as it should be.
func (l *compiled) unread(x *exchange.Exchange) bool {
	return l.reads == exchange.JSON || l.reads == exchange.Whole && !x.Body.Read
}

// bodiless says that the cost is one of a body and that the request has none, as one that only reads: who sends nothing has
// nothing done that its cost could be computed from.
func (l *compiled) bodiless(x *exchange.Exchange) bool {
	return l.reads == exchange.JSON && x.Body.Read && len(x.Body.Bytes) == 0
}

// hold sees to it that the places the request was given are free again when it ends.
func (s *Stage) hold(x *exchange.Exchange, charges []Charge) {
	var held []Charge
	for i := range charges {
		if charges[i].Place != 0 {
			held = append(held, charges[i])
		}
	}
	if held != nil {
		x.AtEnd(func() { s.counter.Return(x.Context, held) })
	}
}

// priceless refuses a request whose cost cannot be told. To take it for a cheap one would be a way around the limit.
func priceless(cost int64, err error) *problem.Problem {
	if err == nil {
		err = fmt.Errorf("a cost of %d", cost)
	}
	return problem.New(problem.Forbidden, "the request lacks what its cost is computed from").Because(err)
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

var (
	_ pipeline.Settler = (*Stage)(nil)
	_ Counter          = (*Memory)(nil)
)
