package limit

import (
	"context"
	"errors"
	"time"
)

// Charge is what one limit asks of a Counter: to count one key against the limit's rates.
type Charge struct {
	Limit ID     // which limit; another ID is another count
	Key   string // who is counted, of any length and any bytes
	Cost  int64  // units for each of Rates: 0 to the smallest Burst. 0 uses nothing up and is always admitted by them.
	Rates []Rate // of the limit's quotas, at most 4, in the order that Limit names them

	// AtOnce is how many requests of the key may be under way at once; 0 is no bound. At most 1,000,000.
	AtOnce int64

	// Place is what an admitting Take of a charge with AtOnce fills in: the request's place among those under way, which
	// Return gives back. Not 0 where there is one. It means something only to the Counter that gave it, together with
	// Limit and Key.
	Place Place
}

// Place is one of the places of a charge with AtOnce.
type Place uint64

// check says what of the charge is outside its bounds.
func (c *Charge) check() error {
	for _, r := range c.Rates {
		if c.Cost < 0 || c.Cost > r.Burst {
			return errors.New("counting: a cost that no quota of this size can ever hold")
		}
	}
	if len(c.Rates) > maxQuotas || c.AtOnce < 0 || c.AtOnce > maxAtOnce {
		return errors.New("counting: a limit outside its bounds")
	}
	return nil
}

// Counter keeps what every key has used. Memory is one; a store that several gateways share is another.
type Counter interface {
	// Take charges its Cost to every rate of every charge and takes a place for every charge with AtOnce; or it does none
	// of all that, if one rate has not got so much left or one place is not free; ok says which. No two charges have the
	// same Limit and Key, and there are at most 8. A charge outside the bounds that Charge tells is an error.
	//
	// It fills states, in order, with where the key stands afterwards: of each charge one State per rate, and one more
	// for the places where it has AtOnce.
	//
	// It is safe for concurrent use, and atomic: of requests that come at one instant exactly as many are admitted
	// as the tightest rate has left. now is the instant of the request; a Counter with a clock of its own may prefer
	// that one. An error means that nothing can be said about the quotas, and the request is not let through: a
	// Counter with a mode for hard times applies it itself and returns no error.
	Take(ctx context.Context, now time.Time, charges []Charge, states []State) (ok bool, err error)

	// Return gives back the places of charges that were admitted, once each; charges without a place are passed over. It
	// keeps nothing of charges, does not wait for a network, and may return before the places are free. ctx is the one
	// of Take, for the values it carries: by now it may have ended.
	Return(ctx context.Context, charges []Charge)
}
