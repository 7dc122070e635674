package limit

import (
	"fmt"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Late is the stage of a route whose policy may say by which quotas its caller is counted. It counts behind the decision,
// whatever that was: who is denied is counted by the quotas as written, and so is who is denied for quotas that the
// route does not have.
type Late struct{ *Stage }

var _ pipeline.Stage = Late{}

// Handle implements pipeline.Stage.
func (l Late) Handle(x *exchange.Exchange) *problem.Problem {
	x.Counted = true
	t := &l.written
	if d := x.Decision; d != nil && x.Denied == nil && d.Limits != nil {
		over, err := l.overridden(d.Limits)
		if err != nil {
			x.Denied = d.Unfulfilled(fmt.Errorf("limits: %w", err))
		} else {
			t = over
		}
	}
	return l.charge(x, t)
}

// Remainder counts a request that ended before it could be counted, by the quotas as written: else whoever sends what is
// refused earlier could do so without end. The problem is of one that has used them up.
func (l Late) Remainder(x *exchange.Exchange) *problem.Problem {
	if x.Counted || x.Ended == "identify" {
		return nil
	}
	x.Counted = true
	return l.charge(x, &l.written)
}

// overridden gives the terms with other requests for some quotas, by the names of limit and quota.
func (s *Stage) overridden(limits map[string]map[string]int64) (*terms, error) {
	left := 0
	for _, quotas := range limits {
		left += len(quotas)
	}
	var err error
	t := s.termsOf(func(i, _ int, q Quota) Quota {
		requests, there := limits[s.limits[i].name][q.name()]
		if !there {
			return q
		}
		left--
		if most := int64(time.Duration(q.Window)/time.Second) * maxPerSecond; requests > most {
			err = fmt.Errorf("the quota %s of %s allows at most %d requests in %s, not %d", q.name(), s.limits[i].name, most, q.Window, requests)
			return q
		}
		q.Requests = requests
		return q
	})
	if err == nil && left > 0 {
		err = fmt.Errorf("the route has none of a name; it has %s", s.names())
	}
	return &t, err
}

// names are the limits and their quotas, for messages.
func (s *Stage) names() string {
	var all []string
	for i := range s.limits {
		for j := range s.limits[i].quotas {
			all = append(all, s.limits[i].name+"."+s.limits[i].quotas[j].name())
		}
	}
	return strings.Join(all, ", ")
}

// nothing is the 429 of terms with a quota of no requests: no count decides, and no time to wait helps.
func (t *terms) nothing(x *exchange.Exchange) *problem.Problem {
	var violated, words, items []string
	n := 0
	for _, rates := range t.rates {
		for _, r := range rates {
			if q := &t.quotas[n]; r.Burst == 0 {
				violated, words, items = append(violated, q.name), append(words, q.words), append(items, q.item+"0")
			}
			n++
		}
	}
	if violated == nil {
		return nil
	}
	x.AddAnswer(fieldPolicy, t.policy)
	x.AddAnswer(fieldLimit, strings.Join(items, ", "))
	return problem.New(problem.QuotaExceeded, strings.Join(words, "; ")).With("violated-policies", violated)
}
