package delivery

import "sync"

// Counts are what came of attempts, by webhook. Their names are the configuration's, so that they are bounded.
type Counts struct {
	mu  sync.Mutex
	all map[string]*Count
}

// Count is what came of the attempts of one webhook.
type Count struct {
	Taken, Refused, Unreachable uint64 // attempts
	Dead                        uint64 // events that were given up
}

// NewCounts makes counts.
func NewCounts() *Counts { return &Counts{all: map[string]*Count{}} }

func (c *Counts) of(webhook string) *Count {
	one := c.all[webhook]
	if one == nil {
		one = &Count{}
		c.all[webhook] = one
	}
	return one
}

func (c *Counts) attempt(webhook string, r Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.of(webhook)
	switch {
	case r.Taken():
		one.Taken++
	case r.Status != 0:
		one.Refused++
	default:
		one.Unreachable++
	}
}

func (c *Counts) died(webhook string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(webhook).Dead++
}

// Of gives the counts of a webhook.
func (c *Counts) Of(webhook string) Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.of(webhook)
}

// Webhooks are the names of those that have counts.
func (c *Counts) Webhooks() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, 0, len(c.all))
	for name := range c.all {
		names = append(names, name)
	}
	return names
}
