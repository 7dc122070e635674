package limit

import (
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// chargeStranger counts a request whose caller did not prove to be anybody. It is refused whatever the counter says; the
// problem is of one that has used up a quota. The default key is not looked at: by that, what a stranger sends would use
// up the quota of those who need not prove anything.
func (s *Stage) chargeStranger(x *exchange.Exchange) *problem.Problem {
	t := terms{limits: s.written.limits}
	var charges []Charge
	for i := range s.limits {
		l := &s.limits[i]
		if !l.keyed {
			continue
		}
		key, err := l.keyOf(x)
		if err != nil || key == "" { // it is about who calls
			continue
		}
		rates := s.written.limits[i].rates
		if len(rates) == 0 { // nothing is under way any more
			continue
		}
		charges = append(charges, Charge{Limit: l.id, Key: key, Cost: 1, Rates: rates})
		t.quotas = append(t.quotas, s.written.ratesOf(i)...)
	}
	if len(charges) == 0 {
		return nil
	}
	states := make([]State, len(t.quotas))
	if ok, err := s.counter.Take(x.Context, x.Time, charges, states); ok || err != nil {
		return nil
	}
	return t.exceeded(x, states)
}

// ratesOf are the quotas of a limit, without its requests at once, which stand behind them.
func (t *terms) ratesOf(limit int) []quota {
	for i := range t.quotas {
		if t.quotas[i].limit == limit {
			return t.quotas[i : i+len(t.limits[limit].rates)]
		}
	}
	return nil
}
