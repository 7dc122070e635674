package limit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Late is the stage of a route whose policy may say by which quotas its caller is counted. It counts behind the decision,
// whatever that was: who is denied is counted by the quotas of its plan, and so is who is denied for quotas that the
// route does not have.
type Late struct{ *Stage }

var (
	_ pipeline.Settler = Late{}
	_ pipeline.Settler = Bare{}
)

// Handle implements pipeline.Stage.
func (l Late) Handle(x *exchange.Exchange) *problem.Problem {
	t := l.termsFor(x)
	if d := x.Decision; d != nil && x.Denied == nil && d.Limits != nil {
		over, err := l.overridden(l.allowances(planOf(x)), d.Limits)
		if err != nil {
			x.Denied = d.Unfulfilled(fmt.Errorf("limits: %w", err))
		} else {
			t = over
		}
	}
	return l.charge(x, t, false)
}

// Bare is the stage of a request whose body nobody reads, as one for an API's description: what would cost what its body says
// costs 1, as it does with Settle.
type Bare struct{ *Stage }

// Handle implements pipeline.Stage.
func (b Bare) Handle(x *exchange.Exchange) *problem.Problem {
	return b.charge(x, b.termsFor(x), true)
}

// Needs implements pipeline.Stage.
func (b Bare) Needs() exchange.Needs {
	n := b.needs
	n.Body = min(n.Body, exchange.Whole) // for how many bytes there are, which needs no JSON
	return n
}

// overridden gives the terms of what is allowed with other requests for some quotas, by the names of limit and quota.
// What is allowed at once goes by the name "concurrent".
func (s *Stage) overridden(all []allowance, limits map[string]map[string]int64) (*terms, error) {
	left := 0
	for _, quotas := range limits {
		left += len(quotas)
	}
	for i := range all {
		a := &all[i]
		of := limits[s.limits[i].name]
		if of == nil {
			continue
		}
		a.quotas = slices.Clone(a.quotas)
		for j := range a.quotas {
			q := &a.quotas[j]
			requests, there := of[q.name()]
			if !there {
				continue
			}
			left--
			if most := int64(time.Duration(q.Window)/time.Second) * maxPerSecond; requests > most {
				return nil, fmt.Errorf("the quota %s of %s allows at most %d requests in %s, not %d", q.name(), s.limits[i].name, most, q.Window, requests)
			}
			q.Requests = requests
		}
		if n, there := of[concurrent]; there && a.atOnce > 0 {
			left--
			if n > maxAtOnce {
				return nil, fmt.Errorf("%s allows at most %d requests at once, not %d", s.limits[i].name, maxAtOnce, n)
			}
			if a.atOnce = n; n == 0 {
				a.atOnce = none
			}
		}
	}
	if left > 0 {
		return nil, fmt.Errorf("the route has none of a name; it has %s", s.names())
	}
	return s.termsOf(all), nil
}

// none is an allowance of no request at once.
const none = -1

// names are the limits and their quotas, for messages.
func (s *Stage) names() string {
	var all []string
	for i := range s.limits {
		l := &s.limits[i]
		for j := range l.own.quotas {
			all = append(all, l.name+"."+l.own.quotas[j].name())
		}
		if l.own.atOnce > 0 {
			all = append(all, l.name+"."+concurrent)
		}
	}
	return strings.Join(all, ", ")
}
