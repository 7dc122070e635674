package shared

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bounds of keeping in touch.
const (
	patience  = 2 * time.Second // at the least, for an attempt that may have to connect, find a cluster's nodes or a sentinel's master
	batch     = 500             // places in one word to Redis, which runs nothing else meanwhile
	warm      = 4               // connections made before requests may ask again
	backAfter = 3               // leases are renewed so many times before they end
)

// nudge has the counter look after Redis now.
func (c *Counter) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// keepUp keeps in touch with Redis: renews the leases of the places in use, gives back those that are not, and while Redis is
// away asks again and again, one attempt at a time, until it answers.
func (c *Counter) keepUp(ctx context.Context) {
	defer close(c.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now() // when leases are to be renewed
	wake := c.wake
	for {
		select {
		case <-ctx.Done():
			c.leave()
			return
		case <-timer.C:
		case <-wake:
		}
		if era := c.era.Load(); away(era) {
			if !c.recover(ctx, era) {
				wake = nil // whatever happens meanwhile, attempts keep their distance
				timer.Reset(c.config.pause)
				continue
			}
			wake, due = c.wake, time.Now()
		}
		if now := time.Now(); !now.Before(due) {
			if c.renew(ctx) {
				due = now.Add(c.config.lease / backAfter)
			}
		}
		c.giveBackAll(ctx)
		timer.Reset(max(0, time.Until(due)))
	}
}

// tell says that this gateway lives, renews leases and gives places back. Whatever it does, it writes, so that it succeeds only
// where a Take would.
func (c *Counter) tell(ctx context.Context, client redis.UniversalClient, lease time.Duration, renew, back []place) error {
	keys := make([]string, 0, 1+len(renew)+len(back))
	args := make([]any, 0, 3+len(renew)+len(back))
	keys = append(keys, c.tag+":gateways")
	args = append(args, c.node, lease.Milliseconds(), strconv.Itoa(len(renew)))
	for _, some := range [][]place{renew, back} {
		for _, p := range some {
			keys = append(keys, p.key)
			args = append(args, c.member(p.n))
		}
	}
	cmd, err := keepScript.run(ctx, client, keys, args...)
	if err != nil {
		return err
	}
	nodes, err := cmd.Int64()
	if err != nil {
		return errAnswer
	}
	c.seen.Store(nodes)
	return nil
}

// patience is never less than what a request has, or Redis would be away because of what nobody but the gateway waits for.
func (c *Counter) patience() time.Duration { return max(patience, c.config.Timeout) }

// word is tell with the client in use. A failure is one of Redis, unless the counter is being closed.
func (c *Counter) word(ctx context.Context, renew, back []place) bool {
	era := c.era.Load()
	patient, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	err := c.tell(patient, *c.client.Load(), c.config.lease, renew, back)
	if err != nil && ctx.Err() == nil {
		c.lost(era, err)
	}
	return err == nil
}

// renew has all places of requests under way stay taken, and says that this gateway lives.
func (c *Counter) renew(ctx context.Context) bool {
	all := c.renewable()
	for {
		n := min(batch, len(all))
		if !c.word(ctx, all[:n], nil) {
			return false
		}
		if all = all[n:]; len(all) == 0 {
			return true
		}
	}
}

func (c *Counter) giveBackAll(ctx context.Context) {
	for some := c.returned(batch); len(some) > 0; some = c.returned(batch) {
		if !c.word(ctx, nil, some) {
			c.again(some)
			return
		}
	}
}

// recover attempts to reach Redis again. First with the connections there are, for it may only have been slow; then with new
// ones, for those there are may lead nowhere, to a server that is no master any more, or to one of a cluster that has gone.
func (c *Counter) recover(ctx context.Context, era uint64) bool {
	client := *c.client.Load()
	err := c.attempt(ctx, client)
	if err != nil && ctx.Err() == nil {
		c.lost(era, err)
		var fresh redis.UniversalClient
		if fresh, err = c.config.Server.open(c.config.Timeout); err == nil {
			c.client.Store(&fresh)
			client.Close() //nolint:errcheck // it is of no use any more
		}
		return false
	}
	if err != nil {
		return false
	}
	c.found(era)
	return true
}

// attempt succeeds if Redis counts within the time that a request may take, once there are connections.
func (c *Counter) attempt(ctx context.Context, client redis.UniversalClient) error {
	patient, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	if err := c.tell(patient, client, c.config.lease, nil, nil); err != nil {
		return err
	}
	var all sync.WaitGroup
	for range warm - 1 {
		all.Go(func() { client.Ping(patient) })
	}
	all.Wait()
	brief, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	return c.tell(brief, client, c.config.lease, nil, nil)
}

// leave says that this gateway is gone, and gives back what is to be given back.
func (c *Counter) leave() {
	if away(c.era.Load()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), max(c.config.Timeout, connecting))
	defer cancel()
	if c.tell(ctx, *c.client.Load(), 0, nil, c.returned(batch)) != nil {
		return
	}
}
