package limit

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// DefaultMaxKeys is how many keys Memory keeps unless told otherwise: 1,000,000, which is about 90 MB when full, and 100 bytes each where there are fewer.
const DefaultMaxKeys = 1_000_000

// maxShards divides the keys among locks, far more than there are processors to contend for them.
const maxShards = 64

// largeShard is the bound from which a shard orders its keys by eras, to spare memory's time.
const largeShard = 4096

// minShard is the fewest keys a shard may be bounded to: enough that all charges of one request fit into one.
const minShard = 2 * maxLimits

// Memory counts in this process. It outlives configurations: whoever swaps a configuration hands the same Memory to the
// next, and every key keeps what it has used.
//
// It is bounded by a number of keys, and keeps besides them those that hold places, which it never forgets. A key whose
// buckets are full again says nothing, and its place goes to the next new key; when there is no such place left, the key
// that has been idle longest, among many to some seconds, is forgotten, and Forgotten counts it.
type Memory struct {
	epoch  time.Time
	seeds  [2]maphash.Seed
	shards []shard
	mask   uint64
}

// NewMemory makes counters for at most maxKeys keys, 0 for DefaultMaxKeys. The keys are spread over up to 64 shards, each
// bounded on its own to its share, and to 16 at the least.
func NewMemory(maxKeys int) *Memory {
	if maxKeys <= 0 {
		maxKeys = DefaultMaxKeys
	}
	n := 1
	for n < maxShards && maxKeys/(2*n) >= 1024 {
		n *= 2
	}
	m := &Memory{
		epoch:  time.Now(),
		seeds:  [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		shards: make([]shard, n),
		mask:   uint64(n - 1),
	}
	for i := range m.shards {
		s := &m.shards[i]
		s.bound = max(maxKeys/n, minShard)
		s.index = newIndex()
		s.slots = make([]slot, 1) // slots[0] is the ring's joint
	}
	return m
}

// digest stands for a limit and a key: 128 bits of two hashes whose seeds nobody outside knows, so that nobody can
// make a key that shares a stranger's count.
type digest [2]uint64

func (m *Memory) digest(c *Charge) digest {
	// A rotation keeps limit "a" with key "b" apart from limit "b" with key "a".
	var d digest
	for i, seed := range m.seeds {
		limit := maphash.String(seed, c.Limit)
		d[i] = maphash.String(seed, c.Key) ^ (limit<<17 | limit>>47)
	}
	return d
}

// shard is one lock's part of the keys: slots in one array, found by an index, tied into a ring from the key used last
// to the key idle longest.
type shard struct {
	mu        sync.Mutex
	index     index
	slots     []slot
	bound     int // of slots, those apart that hold places: they are as many as requests are under way
	held      int // slots that hold places
	forgotten uint64
	_         [40]byte // so that no two locks share a line of the processors' caches
}

// slot is one key of one limit, 64 bytes.
type slot struct {
	key        digest
	tat        [maxQuotas]int64 // nanoseconds since the epoch
	prev, next int32            // towards the key used last, towards the one idle longest
	held       int32            // places; a key that holds any is not idle and stands outside the ring
	since      uint32           // the era in which it came to the front of the ring
}

// Take implements Counter. It never fails but for a charge outside the contract.
func (m *Memory) Take(_ context.Context, now time.Time, charges []Charge, states []State) (bool, error) {
	if len(charges) > maxLimits {
		return false, errors.New("counting: more than 8 limits at once")
	}
	var (
		keys   [maxLimits]digest
		found  [maxLimits]int32 // a slot's number, 0 for a key not met before
		locked [maxLimits]uint64
		credit [maxLimits][maxQuotas]int64
	)
	for i := range charges {
		if err := charges[i].check(); err != nil {
			return false, err
		}
		keys[i] = m.digest(&charges[i])
		locked[i] = keys[i][0] & m.mask
	}
	// Locks are taken in ascending order, each once, so that two requests cannot wait for each other.
	locks := locked[:len(charges)]
	if len(locks) > 1 {
		slices.Sort(locks)
		locks = slices.Compact(locks)
	}
	for _, n := range locks {
		m.shards[n].mu.Lock()
	}
	defer func() {
		for _, n := range locks {
			m.shards[n].mu.Unlock()
		}
	}()

	// Time since the epoch is monotonic where now is, so a step of the wall clock neither forgives nor punishes.
	at := int64(now.Sub(m.epoch))
	ok := true
	for i := range charges {
		c, s := &charges[i], m.shard(keys[i])
		n := s.index.find(keys[i], s.slots)
		found[i] = n
		if n != 0 {
			s.touch(n, at) // a key that is refused is not idle
		}
		for j, r := range c.Rates {
			tat := at
			if n != 0 {
				tat = s.slots[n].tat[j]
			}
			credit[i][j] = r.credit(tat, at)
			ok = ok && r.wait(credit[i][j], c.Cost) == 0
		}
		ok = ok && (c.AtOnce == 0 || int64(s.slots[n].held) < c.AtOnce)
	}
	if ok {
		// Keys met before come first: once charged, their buckets are not full and no new key takes their place.
		for i := range charges {
			if found[i] != 0 {
				m.shard(keys[i]).store(&charges[i], found[i], at, &credit[i])
			}
		}
		for i := range charges {
			if found[i] == 0 && (charges[i].Cost > 0 || charges[i].AtOnce > 0) {
				s := m.shard(keys[i])
				s.spare(keys[:len(charges)])
				found[i] = s.add(keys[i], at)
				s.store(&charges[i], found[i], at, &credit[i])
			}
		}
	}
	k := 0
	for i := range charges {
		c := &charges[i]
		for j, r := range c.Rates {
			states[k] = r.state(credit[i][j])
			if !ok {
				states[k].Wait = r.wait(credit[i][j], c.Cost)
				states[k].Refused = states[k].Wait > 0
			}
			k++
		}
		if c.AtOnce > 0 {
			left := max(0, c.AtOnce-int64(m.shard(keys[i]).slots[found[i]].held))
			states[k] = State{Remaining: left, Refused: !ok && left == 0}
			k++
		}
	}
	return ok, nil
}

// Return implements Counter.
func (m *Memory) Return(_ context.Context, charges []Charge) {
	for i := range charges {
		if charges[i].Place != 0 {
			key := m.digest(&charges[i])
			m.shard(key).free(key, charges[i].Place)
		}
	}
}

func (s *shard) free(key digest, p Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int32(p)
	sl := &s.slots[n]
	if sl.key != key || sl.held == 0 {
		return // it was given back before
	}
	if sl.held--; sl.held == 0 {
		s.link(n)
		s.held--
	}
}

func (m *Memory) shard(key digest) *shard { return &m.shards[key[0]&m.mask] }

// store takes the cost off a key's credit, keeps what is left in its slot, and gives it a place. A slot with places in use
// keeps its number, which is therefore what a place is called.
func (s *shard) store(c *Charge, n int32, now int64, credit *[maxQuotas]int64) {
	sl := &s.slots[n]
	for j, r := range c.Rates {
		credit[j] -= c.Cost * int64(r.Interval)
		sl.tat[j] = r.tat(credit[j], now)
	}
	if c.AtOnce > 0 {
		if sl.held++; sl.held == 1 {
			s.unlink(n)
			s.held++
		}
		c.Place = Place(n)
	}
}

// add gives a new key a slot: that of the key idle longest if its buckets are full again or the shard is at its bound, a
// fresh one otherwise. The keys of the request at hand were spared before, so none of them is the one idle longest: a
// shard holds more keys than a request has.
func (s *shard) add(key digest, now int64) int32 {
	var n int32
	if last := s.slots[0].prev; last != 0 && (s.slots[last].full(now) || len(s.slots)-s.held > s.bound) {
		if !s.slots[last].full(now) {
			s.forgotten++
		}
		n = last
		s.index.take(s.slots[n].key, n)
		s.unlink(n)
	} else {
		s.slots = append(s.slots, slot{})
		n = int32(len(s.slots) - 1)
	}
	s.slots[n] = slot{key: key, tat: [maxQuotas]int64{now, now, now, now}, since: era(now)}
	s.index.put(key, n)
	s.link(n)
	return n
}

// full says that every bucket of the key is full at now, so that the key tells nothing that a new one would not.
func (sl *slot) full(now int64) bool {
	for _, tat := range sl.tat {
		if tat > now {
			return false
		}
	}
	return true
}

// touch moves a key to the front of the ring. In a large shard one that came there within the same era stays where it is:
// to move it means to write to other keys, which are nowhere near, and nobody makes up as many keys in so short a time.
func (s *shard) touch(n int32, now int64) {
	sl := &s.slots[n]
	if sl.held > 0 || s.slots[0].next == n || s.bound >= largeShard && sl.since == era(now) {
		return
	}
	sl.since = era(now)
	s.unlink(n)
	s.link(n)
}

// spare moves a key of the request at hand from the end of the ring to its front, where touch left it: it is not to make
// room for another key of the same request.
func (s *shard) spare(keys []digest) {
	for range keys {
		last := s.slots[0].prev
		if last == 0 || !slices.Contains(keys, s.slots[last].key) {
			return
		}
		s.unlink(last)
		s.link(last)
	}
}

// era numbers spans of 8.6 seconds.
func era(now int64) uint32 { return uint32(now >> 33) }

func (s *shard) unlink(n int32) {
	sl := &s.slots[n]
	s.slots[sl.prev].next = sl.next
	s.slots[sl.next].prev = sl.prev
}

func (s *shard) link(n int32) {
	joint := &s.slots[0]
	sl := &s.slots[n]
	sl.prev, sl.next = 0, joint.next
	s.slots[joint.next].prev = n
	joint.next = n
}

// Keys is how many keys are kept at the moment.
func (m *Memory) Keys() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += s.index.used
		s.mu.Unlock()
	}
	return n
}

// Held is how many keys hold places at the moment.
func (m *Memory) Held() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += s.held
		s.mu.Unlock()
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
