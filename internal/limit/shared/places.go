package shared

import (
	"github.com/wicketgate/wicketgate/internal/limit"
)

// place is a place in Redis: the key of the charge and a number.
type place struct {
	key string
	n   uint64
}

// mostBack bounds how many places may wait to be given back while Redis is away; the leases of those beyond end by
// themselves.
const mostBack = 100_000

// settle keeps the places that a Take got. One that was refused got none; of one that failed nobody knows, so that its places
// are given back.
func (c *Counter) settle(charges []limit.Charge, ok bool, err error) {
	for i := range charges {
		charge := &charges[i]
		if charge.Place == 0 {
			continue
		}
		n := uint64(charge.Place &^ ours)
		if !ok || err != nil {
			charge.Place = 0
		}
		if ok || err != nil {
			key := c.key(places, charge)
			c.mu.Lock()
			c.held[n] = key
			c.mu.Unlock()
			if err != nil {
				c.giveBack(n)
			}
		}
	}
}

// giveBack has the place given back with the next word to Redis.
func (c *Counter) giveBack(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, held := c.held[n]
	if !held {
		return
	}
	delete(c.held, n)
	if len(c.back) < mostBack {
		c.back = append(c.back, place{key, n})
	}
}

// renewable are the places of requests under way.
func (c *Counter) renewable() []place {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]place, 0, len(c.held))
	for n, key := range c.held {
		all = append(all, place{key, n})
	}
	return all
}

// returned takes the places that wait to be given back, at most so many.
func (c *Counter) returned(most int) []place {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(most, len(c.back))
	some := c.back[:n:n]
	if c.back = c.back[n:]; len(c.back) == 0 {
		c.back = nil
	}
	return some
}

// again has places that could not be given back wait on.
func (c *Counter) again(some []place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.back)+len(some) <= mostBack {
		c.back = append(c.back, some...)
	}
}
