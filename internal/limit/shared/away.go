package shared

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wicketgate/wicketgate/internal/limit"
)

// Mode is who counts.
type Mode int

// The modes. The first is that of good times; the others may be written for hard ones.
const (
	Shared Mode = iota // Redis counts
	Local              // this gateway counts its share in memory
	Deny               // no request that is counted is let through
	Allow              // every request is let through
)

// String is the mode's name in configurations and metrics.
func (m Mode) String() string { return [...]string{"shared", "local", "deny", "allow"}[m] }

// Counts are what was counted, by whom, and how often Redis failed. They outlive a Counter.
type Counts struct {
	by       [4]atomic.Uint64
	failures [3]atomic.Uint64
}

// By is how many requests were counted in a mode.
func (c *Counts) By(m Mode) uint64 { return c.by[m].Load() }

// Failure is why Redis did not count.
type Failure int

// The failures.
const (
	Slow        Failure = iota // no answer in time
	Unreachable                // no connection, or it broke
	Refusing                   // an answer that is an error
)

// String is the failure's name in metrics.
func (f Failure) String() string { return [...]string{"timeout", "connection", "reply"}[f] }

// Failures is how often Redis failed in one way, asked by requests or by the gateway itself.
func (c *Counts) Failures(f Failure) uint64 { return c.failures[f].Load() }

func failure(err error) Failure {
	var timeout net.Error
	var refused redis.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Slow
	case errors.As(err, &refused), errors.Is(err, errAnswer):
		return Refusing
	}
	return Unreachable
}

func away(era uint64) bool { return era%2 == 1 }

// lost notes that Redis failed, unless that is known, or is a failure of an era that is over: a request that began before
// Redis was back says nothing about now.
func (c *Counter) lost(era uint64, err error) {
	c.config.Counts.failures[failure(err)].Add(1)
	if away(era) {
		c.mu.Lock()
		c.because = err
		c.mu.Unlock()
		return
	}
	if !c.era.CompareAndSwap(era, era+1) {
		return
	}
	c.changed(Change{Away: true, Err: err})
	c.nudge()
}

// found notes that Redis is back.
func (c *Counter) found(era uint64) {
	if away(era) && c.era.CompareAndSwap(era, era+1) {
		c.changed(Change{})
	}
}

func (c *Counter) changed(change Change) {
	c.mu.Lock()
	now := time.Now()
	if !change.Away {
		change.Took = now.Sub(c.since)
	}
	c.since, c.because = now, change.Err
	report := c.report
	c.mu.Unlock()
	if report != nil {
		report(change)
	}
}

// Status is how it stands with Redis.
type Status struct {
	Mode  Mode
	Since time.Time // when the mode began
	Err   error     // why Redis is away
	Nodes int       // gateways that share the quotas, as far as is known
}

// Status says how it stands with Redis.
func (c *Counter) Status() Status {
	s := Status{Nodes: c.nodes()}
	c.mu.Lock()
	s.Since, s.Err = c.since, c.because
	c.mu.Unlock()
	if away(c.era.Load()) {
		s.Mode = c.config.OnError
	}
	return s
}

// errAway is what a request is refused for.
var errAway = errors.New("counting: Redis is away, and on_error is deny")

// without counts while Redis is away.
func (c *Counter) without(ctx context.Context, now time.Time, charges []limit.Charge, states []limit.State) (bool, error) {
	c.config.Counts.by[c.config.OnError].Add(1)
	for i := range charges {
		charges[i].Place = 0
	}
	switch c.config.OnError {
	case Local:
		return c.share(ctx, now, charges, states)
	case Allow:
		for i := range states {
			states[i] = limit.State{Unknown: true}
		}
		return true, nil
	}
	return false, errAway
}

// maxNodes bounds into how many shares a quota is divided. A share takes that many times as long to refill as the quota, and
// a year of nanoseconds 128 times over is what a number holds.
const maxNodes = 128

// nodes is how many gateways share the quotas.
func (c *Counter) nodes() int {
	if c.config.Nodes > 0 {
		return c.config.Nodes
	}
	return int(min(max(c.seen.Load(), 1), maxNodes))
}

// share counts this gateway's share in memory. It is at least the one request at hand: a quota of one is no quota of none for
// each of two gateways, but one that takes twice as long to refill.
func (c *Counter) share(ctx context.Context, now time.Time, charges []limit.Charge, states []limit.State) (bool, error) {
	nodes := int64(c.nodes())
	mine := make([]limit.Charge, len(charges))
	for i := range charges {
		mine[i] = charges[i]
		m := &mine[i]
		m.Rates = make([]limit.Rate, len(charges[i].Rates))
		for j, r := range charges[i].Rates {
			m.Rates[j] = limit.Rate{Burst: max(r.Burst/nodes, m.Cost, 1), Interval: r.Interval * time.Duration(nodes)}
		}
		if m.AtOnce > 0 {
			m.AtOnce = max(m.AtOnce/nodes, 1)
		}
	}
	ok, err := c.memory.Take(ctx, now, mine, states)
	for i := range mine {
		charges[i].Place = mine[i].Place
	}
	return ok, err
}
