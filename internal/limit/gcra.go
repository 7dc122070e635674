package limit

import (
	"math"
	"time"
)

// Rate is a quota made ready to count by the generic cell rate algorithm: a bucket of Burst units, one more every
// Interval.
//
// All that is kept for a key is one instant, its theoretical arrival time: when the bucket will be full again if nobody
// asks. It follows that a Rate may change under a key: what was used stays used, as the time it takes to refill, and
// never more than a whole bucket of the new Rate.
type Rate struct {
	Burst    int64         // units a full bucket holds
	Interval time.Duration // in which one unit refills
}

// NewRate makes a Rate of so many requests in a window. The interval is rounded up to whole nanoseconds, so that rounding
// never admits more than the quota.
func NewRate(requests int64, window time.Duration) Rate {
	return Rate{Burst: requests, Interval: (window + time.Duration(requests) - 1) / time.Duration(requests)}
}

// State is where a key stands with one quota after a Take.
type State struct {
	// Remaining is how many units, or places, are left.
	Remaining int64

	// Next is the time until there is one unit more; 0 for a full bucket, and for places, which are free when they are.
	Next time.Duration

	// Wait is the time until the request would have been admitted by this quota; 0 if this quota admitted it, and for
	// places.
	Wait time.Duration

	// Refused says that this quota is one of those for which the request was not admitted.
	Refused bool

	// Unknown says that nobody counted, so that nothing is known of the key; all else is 0 then. It is for a Counter that
	// lets requests through in hard times.
	Unknown bool
}

// credit is how much of the bucket is free at now, as the time it took to refill: between 0 and Burst*Interval. All
// instants are nanoseconds since one epoch. A tat further ahead than a whole bucket, after a change of the Rate or a
// step of the clock, counts as an empty bucket.
func (r Rate) credit(tat, now int64) int64 {
	full := r.Burst * int64(r.Interval)
	return full - min(max(tat-now, 0), full)
}

// wait is how long a request of cost units must wait for the credit it lacks; 0 if it has it.
func (r Rate) wait(credit, cost int64) time.Duration {
	return max(0, time.Duration(cost*int64(r.Interval)-credit))
}

// tat is the theoretical arrival time of a bucket with that much credit.
func (r Rate) tat(credit, now int64) int64 {
	return now + r.Burst*int64(r.Interval) - credit
}

// state describes a bucket with that much credit.
func (r Rate) state(credit int64) (s State) {
	s.set(r, credit)
	return s
}

// set is the same in place: a State that is made elsewhere and copied costs as much as all else.
func (s *State) set(r Rate, credit int64) {
	interval := uint64(r.Interval)
	s.Remaining, s.Next = int64(uint64(credit)/interval), 0
	if s.Remaining < r.Burst {
		s.Next = time.Duration(interval - uint64(credit)%interval)
	}
	s.Wait, s.Refused, s.Unknown = 0, false, false
}

// seconds rounds up, so that whoever waits that long has waited long enough.
func seconds(d time.Duration) int64 {
	return int64(math.Ceil(d.Seconds()))
}
