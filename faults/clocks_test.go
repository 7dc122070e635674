package faults

import (
	"time"

	"github.com/wicketgate/wicketgate/faults/clock"
)

// clocks are those of a gateway's process.
type clocks struct {
	*clock.Clocks
	wall, steady time.Duration // how far they are ahead
}

// clocks takes hold of those of a gateway; nil, and why, where that cannot be.
func (gw *gateway) clocks() (*clocks, error) {
	c, err := clock.Of(gw.PID())
	if err != nil {
		return nil, err
	}
	return &clocks{Clocks: c}, nil
}

// pass has time pass by for the gateway.
func (k *clocks) pass(c *check, d time.Duration) {
	c.Helper()
	k.wall, k.steady = k.wall+d, k.steady+d
	if err := k.Set(k.wall, k.steady); err != nil {
		c.Fatal(err)
	}
}

// step steps its wall clock, while no time passes.
func (k *clocks) step(c *check, d time.Duration) {
	c.Helper()
	k.wall += d
	if err := k.Set(k.wall, k.steady); err != nil {
		c.Fatal(err)
	}
}
