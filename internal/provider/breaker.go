package provider

import (
	"errors"

	"github.com/sony/gobreaker/v2" // the states of a breaker and their races are easily got wrong
)

// breaker is that of a host.
type breaker = gobreaker.TwoStepCircuitBreaker[struct{}]

var (
	errFails = errors.New("it failed")
	errGone  = errors.New("the caller is gone") // which says nothing of the host
)

func newBreaker(name, host string, c Breaker, report Report) *breaker {
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: host, MaxRequests: 1, Interval: c.Within, BucketPeriod: max(c.Within/10, 1), Timeout: c.OpenFor,
		ReadyToTrip: func(n gobreaker.Counts) bool { return int64(n.TotalFailures) >= int64(c.Failures) },
		IsExcluded:  func(err error) bool { return errors.Is(err, errGone) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			report.Breaker(name, host, from.String(), to.String())
		},
	})
}
