// Package pace has long work step aside for requests. A goroutine that computes for long keeps its processor from looking
// at the network: where the others compute too, as in a collection of garbage, a request that has come waits until the
// scheduler interrupts one of them, up to 10 ms. One that sleeps for a moment has its processor look at once.
package pace

import "time"

const (
	slice = 200 * time.Microsecond // of work between two rests
	rest  = 100 * time.Microsecond // or what the system makes of it, about 1 ms at most
	every = 32                     // steps between two looks at the clock
)

// Pace is that of one piece of work, which is done by one goroutine. Its zero value is ready; nil never rests.
type Pace struct {
	steps int
	since time.Time // when the last rest ended
}

// Step says that a little work has been done, some microseconds of it. Once there is a millisecond of it, it rests.
func (p *Pace) Step() {
	if p == nil {
		return
	}
	if p.steps++; p.steps%every != 0 {
		return
	}
	p.Rest()
}

// Rest is Step for more work, as much as takes some tens of microseconds.
func (p *Pace) Rest() {
	if p == nil {
		return
	}
	now := time.Now()
	switch {
	case p.since.IsZero():
		p.since = now
	case now.Sub(p.since) >= slice:
		time.Sleep(rest)
		p.since = time.Now()
	}
}
