package limit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// DefaultMaxKeys is how many keys Memory keeps unless told otherwise: 1,000,000, which is about 85 MB when full, and up to
// 110 bytes each where there are some hundred thousand.
const DefaultMaxKeys = 1_000_000

// Bounds of a shard. As few keys as there are in one are moved in a fraction of a millisecond when it grows; with fewer, some
// shards would be full long before others.
const (
	shardKeys = 2048          // at the most for each, at the default bound
	minShard  = 2 * maxLimits // enough that all charges of one request fit into one
)

// Memory counts in this process. It outlives configurations: whoever swaps a configuration hands the same Memory to the
// next, and every key keeps what it has used.
//
// It is bounded by a number of keys, and keeps besides them those that hold places, which it never forgets. A key whose
// buckets are full again says nothing, and is removed when new ones come; when there are too many others, the one that has
// been idle longest, of some two dozen looked at in turn, is forgotten, and Forgotten counts it.
//
// A request takes the locks of its keys and no other, so that requests of different callers have nothing to do with each
// other, not even a line of the processors' caches that both write. Only those with a key not met before take the locks of
// shards too.
type Memory struct {
	epoch  time.Time
	latest atomic.Int64            // the last instant that somebody asked at, since the epoch, a step less at most
	tables []atomic.Pointer[table] // of the shards, apart from them because all requests read them
	shards []shard
	mask   uint64
}

// NewMemory makes counters for at most maxKeys keys, 0 for DefaultMaxKeys. The keys are spread over shards, each bounded on
// its own to its share, up to 2048 or so, and to 16 at the least.
func NewMemory(maxKeys int) *Memory {
	if maxKeys <= 0 {
		maxKeys = DefaultMaxKeys
	}
	n := 1
	for maxKeys/n > shardKeys {
		n *= 2
	}
	m := &Memory{epoch: time.Now(), tables: make([]atomic.Pointer[table], n), shards: make([]shard, n), mask: uint64(n - 1)}
	m.latest.Store(-1 << 62) // before any
	for i := range m.shards {
		s := &m.shards[i]
		s.bound = max(maxKeys/n, minShard)
		s.table = &m.tables[i]
		s.table.Store(nothing)
	}
	return m
}

const (
	// step is how far behind the last instant latest may be: written once in a step, it stays in the caches of all processors.
	step = int64(time.Millisecond)
	// late is how long a request may have waited before it is charged: what seems to be later is a clock that was set back.
	late = int64(time.Minute)
)

// instant is when a request counts that came at an instant, once it has its slots. One that waited for them, for its body or for a
// processor came before others that are charged already: what these used has not refilled yet when it came, and a window shorter
// than the wait would have nothing left for it. So it counts as one that comes with them.
func (m *Memory) instant(at int64) int64 {
	latest := m.latest.Load()
	switch {
	case at-latest > step:
		m.latest.CompareAndSwap(latest, at) // whoever is first: the other came as late
	case at < latest && latest-at <= late:
		return latest
	}
	return at
}

// Take implements Counter. It never fails but for a charge outside the contract.
func (m *Memory) Take(_ context.Context, now time.Time, charges []Charge, states []State) (bool, error) {
	if len(charges) > maxLimits {
		return false, errors.New("counting: more than 8 limits at once")
	}
	var t taking
	// Time since the epoch is monotonic where now is, so a step of the wall clock neither forgives nor punishes.
	t.m, t.charges, t.at = m, charges, int64(now.Sub(m.epoch))
	for i := range charges { // before all else, which the processor then does meanwhile
		where := charges[i].where()
		t.keys[i].where = where
		m.tables[where&m.mask].Load().fetch(where)
	}
	n := 0
	for i := range charges {
		c := &charges[i]
		if err := c.check(); err != nil {
			return false, err
		}
		t.keys[i].rest = c.rest()
		if n += len(c.Rates); c.AtOnce > 0 {
			n++
		}
	}
	if len(states) < n { // it would show while slots are locked
		return false, errors.New("counting: fewer states than rates and places")
	}
	if !t.lock(true) {
		return t.meet(states), nil
	}
	t.at = m.instant(t.at)
	ok := t.admits()
	t.settle(ok, states)
	t.unlock()
	return ok, nil
}

// Return implements Counter.
func (m *Memory) Return(_ context.Context, charges []Charge) {
	for i := range charges {
		if charges[i].Place != 0 {
			m.free(charges[i].digest())
		}
	}
}

func (m *Memory) free(key digest) {
	n := key.where & m.mask
	sl, _ := m.tables[n].Load().find(key, true)
	if sl == nil { // it may be on its way to a larger table
		s := &m.shards[n]
		s.mu.Lock()
		sl, _ = s.table.Load().find(key, true)
		s.mu.Unlock()
	}
	if sl == nil {
		return // its places were given back before, and it was forgotten
	}
	defer sl.mu.Unlock()
	if sl.held == 0 {
		return // its place was given back before
	}
	if sl.held--; sl.held == 0 {
		sl.since = stamp(int64(time.Since(m.epoch))) // it was not idle till now
		m.shards[n].held.Add(-1)
	}
}

// Keys is how many keys are kept at the moment.
func (m *Memory) Keys() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += s.keys
		s.mu.Unlock()
	}
	return n
}

// Held is how many keys hold places at the moment.
func (m *Memory) Held() int {
	n := 0
	for i := range m.shards {
		n += int(m.shards[i].held.Load())
	}
	return n
}

// Forgotten is how many keys lost what they had used because there was no room for more. It only grows; if it does,
// either the bound is too small or somebody is making up keys.
func (m *Memory) Forgotten() uint64 {
	var n uint64
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += s.forgotten
		s.mu.Unlock()
	}
	return n
}
