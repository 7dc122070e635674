package provider

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2" // the states of a breaker and their races are easily got wrong
)

// HostBreaker is the breaker of a host. Allow gives what is to be told of a request that it lets through.
type HostBreaker struct {
	*gobreaker.TwoStepCircuitBreaker[struct{}]
	since atomic.Int64 // when it came to be as it is, in nanoseconds since 1970
}

// Now is the state, and since when it is that.
func (b *HostBreaker) Now() (state string, since time.Time) {
	state = b.State().String() // an open one may become half-open by being asked
	return state, time.Unix(0, b.since.Load()).UTC()
}

var (
	// ErrFails says that a request failed for the host's sake.
	ErrFails = errors.New("it failed")
	// ErrGone says that a request tells nothing of the host: its caller is gone.
	ErrGone = errors.New("the caller is gone")
)

// NewHostBreaker makes a breaker, which is closed. changed is told how it changes, while requests wait, and must not block.
func NewHostBreaker(name, host string, c Breaker, changed func(name, host, from, to string)) *HostBreaker {
	b := &HostBreaker{}
	b.since.Store(time.Now().UnixNano())
	b.TwoStepCircuitBreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: host, MaxRequests: 1, Interval: c.Within, BucketPeriod: max(c.Within/10, 1), Timeout: c.OpenFor,
		ReadyToTrip: func(n gobreaker.Counts) bool { return int64(n.TotalFailures) >= int64(c.Failures) },
		IsExcluded:  func(err error) bool { return errors.Is(err, ErrGone) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			b.since.Store(time.Now().UnixNano())
			changed(name, host, from.String(), to.String())
		},
	})
	return b
}
