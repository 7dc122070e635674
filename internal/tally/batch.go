// Package tally counts for Prometheus what requests were like. A request leaves behind what there is to count, and many are
// counted together, once so many have come or somebody wants to know: what there is to touch, a dozen histograms of some
// cache lines each, is near the processor then for all but the first. At each request's own end it would be far.
package tally

import "sync"

const (
	// size is how many are counted together.
	size = 32
	// mostFull is how many batches may wait to be counted; who fills another one waits until they are.
	mostFull = 4
)

// batch is what is counted together.
type batch[E any] struct {
	all [size]E
	n   int
}

// counter takes what there is to count. Many goroutines may use it at once.
type counter[E any] struct {
	count func(*E) // counts one; it is called by one goroutine at a time

	mu      sync.Mutex
	filling *batch[E]
	full    []*batch[E]
	spare   *batch[E]

	counting sync.Mutex // of whoever counts, and taken before mu
}

func newCounter[E any](count func(*E)) *counter[E] {
	return &counter[E]{count: count, filling: new(batch[E])}
}

// add has fill say what there is to count. What it is given is as somebody before left it.
func (c *counter[E]) add(fill func(*E)) {
	c.mu.Lock()
	b := c.filling
	fill(&b.all[b.n])
	b.n++
	if b.n < size {
		c.mu.Unlock()
		return
	}
	c.put()
	waits := len(c.full) > mostFull
	c.mu.Unlock()
	// Whoever counts already counts these, too, or leaves them to the next.
	if waits {
		c.counting.Lock()
	} else if !c.counting.TryLock() {
		return
	}
	c.empty()
	c.counting.Unlock()
}

// put has another batch filled. The caller holds mu.
func (c *counter[E]) put() {
	c.full = append(c.full, c.filling)
	if c.filling, c.spare = c.spare, nil; c.filling == nil {
		c.filling = new(batch[E])
	}
}

// all counts all that has been added.
func (c *counter[E]) all() {
	c.counting.Lock()
	defer c.counting.Unlock()
	c.mu.Lock()
	if c.filling.n > 0 {
		c.put()
	}
	c.mu.Unlock()
	c.empty()
}

// empty counts the batches that wait. The caller holds counting.
func (c *counter[E]) empty() {
	for {
		c.mu.Lock()
		full := c.full
		c.full = nil
		c.mu.Unlock()
		if len(full) == 0 {
			return
		}
		for _, b := range full {
			for i := range b.all[:b.n] {
				c.count(&b.all[i])
			}
			b.n = 0
			c.mu.Lock()
			c.spare = b
			c.mu.Unlock()
		}
	}
}
