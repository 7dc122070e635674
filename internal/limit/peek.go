package limit

import (
	"context"
	"time"
)

// Peek is a Counter that says what another would say, and charges nothing. How many requests are under way at once it
// does not know. A key that was never counted may become known to the other, as one with all its quotas full.
type Peek struct{ Counter }

// Take implements Counter.
func (p Peek) Take(ctx context.Context, now time.Time, charges []Charge, states []State) (bool, error) {
	free := make([]Charge, len(charges))
	rates := 0
	for i := range charges {
		if err := charges[i].check(); err != nil {
			return false, err
		}
		free[i] = Charge{Limit: charges[i].Limit, Key: charges[i].Key, Rates: charges[i].Rates}
		rates += len(charges[i].Rates)
	}
	found := make([]State, rates)
	if ok, err := p.Counter.Take(ctx, now, free, found); err != nil || !ok {
		return false, err
	}
	ok, to, from := true, 0, 0
	for i := range charges {
		for _, r := range charges[i].Rates {
			s := &states[to]
			*s = found[from]
			if s.Refused = !s.Unknown && s.Remaining < charges[i].Cost; s.Refused {
				s.Wait = s.Next + time.Duration(charges[i].Cost-s.Remaining-1)*r.Interval
			}
			ok = ok && !s.Refused
			to, from = to+1, from+1
		}
		if charges[i].AtOnce != 0 {
			states[to] = State{Unknown: true}
			to++
		}
	}
	for i, n := 0, 0; ok && i < len(charges); i++ {
		for range charges[i].Rates {
			if !states[n].Unknown {
				states[n].Remaining -= charges[i].Cost
			}
			n++
		}
		if charges[i].AtOnce != 0 {
			n++
		}
	}
	return ok, nil
}

// Return implements Counter: no place was taken.
func (Peek) Return(context.Context, []Charge) {}
