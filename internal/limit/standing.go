package limit

import "time"

// A Counter that keeps its counts elsewhere takes from here what all counters have in common.

// Check says what of the charge is outside its bounds.
func (c *Charge) Check() error { return c.check() }

// Standing describes a bucket of which that much is used, as the time in which it refills, after a Take of cost units that
// was admitted or was not. More than a whole bucket counts as one.
func (r Rate) Standing(used time.Duration, cost int64, admitted bool) State {
	credit := r.credit(int64(used), 0)
	s := r.state(credit)
	if !admitted {
		s.Wait = r.wait(credit, cost)
		s.Refused = s.Wait > 0
	}
	return s
}
