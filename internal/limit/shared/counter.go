// Package shared counts on a Redis that several gateways share: what one admits, all have counted. While Redis is away or
// slow, it does what was written for that: it counts a share in memory, refuses, or lets everything pass.
package shared

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wicketgate/wicketgate/internal/limit"
)

// Config is a Counter's.
type Config struct {
	Server Server

	// Prefix begins the names of all keys, in braces: gateways with one prefix count together.
	Prefix string

	// Timeout bounds what counting may add to a request, connecting included. One that is over it counts as a failure.
	Timeout time.Duration

	// OnError is what is done while Redis is away or slow.
	OnError Mode

	// Nodes is how many gateways share the quotas, for their shares while Redis is away; 0 for as many as Redis knew of
	// last.
	Nodes int

	// Counts is told what was counted by whom; nil for nobody.
	Counts *Counts

	pause time.Duration // between two attempts to reach Redis again
	lease time.Duration
}

// Counter is a limit.Counter on Redis.
type Counter struct {
	config Config
	tag    string // the prefix in braces
	node   string // this gateway, by a name of its own
	placed atomic.Uint64
	memory *limit.Memory // counts the share while Redis is away; it outlives that, or each time would give a new share

	client atomic.Pointer[redis.UniversalClient]
	era    atomic.Uint64 // grows with each change: odd while Redis is away
	seen   atomic.Int64  // gateways, this one included

	mu      sync.Mutex
	held    map[uint64]string // the places of requests under way, their keys: as many as there are such requests
	back    []place           // given back, Redis does not know yet
	since   time.Time         // of the last change
	because error             // Redis is away
	report  func(Change)

	wake  chan struct{}
	start sync.Once
	stop  context.CancelFunc
	done  chan struct{}
}

// Change is that Redis was lost, or is back.
type Change struct {
	Away bool
	Err  error         // why it is away
	Took time.Duration // how long it was
}

// New makes a counter, which asks nobody anything before Start or a Take.
func New(config Config) (*Counter, error) {
	if config.Counts == nil {
		config.Counts = &Counts{}
	}
	if config.pause == 0 {
		config.pause = 250 * time.Millisecond
	}
	if config.lease == 0 {
		config.lease = lease
	}
	name := make([]byte, 8)
	rand.Read(name) //nolint:errcheck // it never fails
	c := &Counter{
		config: config, tag: "{" + config.Prefix + "}", node: hex.EncodeToString(name), memory: limit.NewMemory(0),
		held: make(map[uint64]string), wake: make(chan struct{}, 1), since: time.Now(),
	}
	client, err := config.Server.open(config.Timeout)
	if err != nil {
		return nil, err
	}
	c.client.Store(&client)
	c.seen.Store(1)
	return c, nil
}

// Take implements limit.Counter. It does not end with ctx: a caller that leaves would have a connection closed each time.
func (c *Counter) Take(ctx context.Context, now time.Time, charges []limit.Charge, states []limit.State) (bool, error) {
	if err := check(charges); err != nil {
		return false, err
	}
	era := c.era.Load()
	if away(era) {
		return c.without(ctx, now, charges, states)
	}
	ok, err := c.ask(context.WithoutCancel(ctx), charges, states)
	if err == nil {
		c.config.Counts.by[Shared].Add(1)
		return ok, nil
	}
	c.lost(era, err)
	return c.without(ctx, now, charges, states)
}

// ask has Redis count.
func (c *Counter) ask(ctx context.Context, charges []limit.Charge, states []limit.State) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	r := c.request(charges)
	args := make([]any, 0, 2+len(r.held))
	args = append(args, r.ask, c.config.lease.Milliseconds())
	for _, member := range r.held {
		args = append(args, member)
	}
	cmd, err := takeScript.run(ctx, *c.client.Load(), r.keys, args...)
	if err == nil {
		var text string
		if text, err = cmd.Text(); err == nil {
			ok, err = answer(text, charges, states)
		}
	}
	c.settle(charges, ok, err)
	return ok, err
}

// Return implements limit.Counter.
func (c *Counter) Return(ctx context.Context, charges []limit.Charge) {
	returned := false
	for i := range charges {
		if p := charges[i].Place; p&ours == 0 {
			c.memory.Return(ctx, charges[i:i+1])
		} else {
			c.giveBack(uint64(p &^ ours))
			returned = true
		}
	}
	if returned {
		c.nudge()
	}
}

// Start begins to keep in touch with Redis. Changes are reported to the last report given.
func (c *Counter) Start(report func(Change)) {
	c.mu.Lock()
	c.report = report
	c.mu.Unlock()
	c.start.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		c.stop, c.done = cancel, make(chan struct{})
		go c.keepUp(ctx)
	})
}

// Close takes leave of Redis. Places of requests still under way are free when their leases end.
func (c *Counter) Close() error {
	started := true
	c.start.Do(func() { started = false })
	if started {
		c.stop()
		<-c.done
	}
	return (*c.client.Load()).Close()
}

// Interface guards
var _ limit.Counter = (*Counter)(nil)
