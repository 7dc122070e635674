package console

import (
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// shards is how many counts of a meter stand beside each other, so that processors do not wait for each other.
	shards = 8
	// buckets are those of latencies: four to each doubling, up to a minute; what takes longer is in the last.
	buckets = 100
)

// meter counts the requests of a Key.
type meter [shards]struct {
	refused, failed atomic.Uint32
	took            [buckets]atomic.Uint32 // every request is in one of them; they wrap, which differences do not mind
	_               [64]byte               // two shards are in no line of a processor's memory
}

// record counts a request: two atomic adds at most.
func (m *meter) record(c *Call) {
	s := &m[rand.Uint32()%shards]
	switch {
	case c.Status >= 500 || c.Broken:
		s.failed.Add(1)
	case c.Status >= 400:
		s.refused.Add(1)
	}
	s.took[bucketOf(c.Took)].Add(1)
}

// counts are what a meter stands at, or how far it went.
type counts struct {
	refused, failed uint32
	took            [buckets]uint32
}

func (m *meter) read(to *counts) {
	*to = counts{}
	for i := range m {
		s := &m[i]
		to.refused += s.refused.Load()
		to.failed += s.failed.Load()
		for b := range s.took {
			to.took[b] += s.took[b].Load()
		}
	}
}

// since gives how far it went since it stood at before.
func (c *counts) since(before *counts) (d counts) {
	d.refused, d.failed = c.refused-before.refused, c.failed-before.failed
	for b := range c.took {
		d.took[b] = c.took[b] - before.took[b]
	}
	return d
}

func (c *counts) add(o *counts) {
	c.refused += o.refused
	c.failed += o.failed
	for b := range c.took {
		c.took[b] += o.took[b]
	}
}

// bucketOf is the bucket of a latency.
func bucketOf(took time.Duration) int {
	us := uint64(max(took.Microseconds(), 0))
	if us < 4 {
		return int(us)
	}
	n := bits.Len64(us)
	return min((n-2)*4+int(us>>(n-3)&3), buckets-1)
}

// middleOf is a latency in the middle of a bucket, in milliseconds.
func middleOf(b int) float64 {
	if b < 4 {
		return (float64(b) + .5) / 1000
	}
	width := uint64(1) << (b/4 - 1)
	return (float64(uint64(4+b%4)*width) + float64(width)/2) / 1000
}

// Sample is what the requests of a while come to. It is written as a list, for there are many.
type Sample struct {
	Requests, Refused, Failed uint32
	P50, P95, P99             float32 // milliseconds
}

// sample makes one of counts.
func (c *counts) sample() (s Sample) {
	s.Refused, s.Failed = c.refused, c.failed
	for _, n := range c.took {
		s.Requests += n
	}
	if s.Requests == 0 {
		return s
	}
	ranks := [...]struct {
		at uint32
		to *float32
	}{{s.Requests / 2, &s.P50}, {uint32(uint64(s.Requests) * 95 / 100), &s.P95}, {uint32(uint64(s.Requests) * 99 / 100), &s.P99}}
	seen, next := uint32(0), 0
	for b, n := range c.took {
		for seen += n; next < len(ranks) && seen > ranks[next].at; next++ {
			*ranks[next].to = float32(middleOf(b))
		}
	}
	return s
}
