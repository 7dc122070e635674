package policy

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// DefaultCache is how many bytes of decisions a snapshot remembers unless Options say otherwise: those of some 30,000
// callers and resources.
const DefaultCache = 32 << 20

// cache remembers outcomes under the very bytes of what decided them: what the query sees of input and, where it asks
// for the time, the second. It lives as long as its snapshot, so that no answer outlives the policies and data it came
// from; and since credentials are checked before anything is looked up, none outlives the credential.
//
// It is our own because it is asked by bytes that are made anew for each request, which no cache library looks up
// without copying them. When it is full, it forgets what has not been asked for since the hand of its clock came by
// last, which is about the least recently used.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
	off    atomic.Bool // a decision turned out another when it was evaluated again
}

const (
	cacheShards     = 16       // each with a lock of its own
	maxCachedBytes  = 16 << 10 // of a result, as Rego spells it; a larger one is evaluated each time
	cacheEntryBytes = 512      // what an entry takes beside its key and result, about
	cacheSpelt      = 8        // bytes that a byte of a result takes as values and as the verdict made of them, at most about
)

type cacheShard struct {
	sync.Mutex
	entries map[string]*cacheEntry
	ring    []*cacheEntry
	hand    int
	bytes   int
	bound   int
	_       [64]byte // shards share no line of the processor's cache
}

type cacheEntry struct {
	key     string
	outcome *outcome
	bytes   int
	asked   bool // since the hand came by
}

// newCache makes a cache of at most bound bytes.
func newCache(bound int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].entries = map[string]*cacheEntry{}
		c.shards[i].bound = bound / cacheShards
	}
	return c
}

func (c *cache) shard(key []byte) *cacheShard {
	return &c.shards[maphash.Bytes(c.seed, key)%cacheShards]
}

// get gives what is remembered under a key, nil if nothing is.
func (c *cache) get(key []byte) *outcome {
	s := c.shard(key)
	s.Lock()
	defer s.Unlock()
	e := s.entries[string(key)]
	if e == nil {
		return nil
	}
	e.asked = true
	return e.outcome
}

// put remembers an outcome, and forgets others where there is no room.
func (c *cache) put(key []byte, o *outcome) {
	size := cacheEntryBytes + len(key)
	if o.result != nil {
		size += cacheSpelt * o.result.StringLength()
	}
	s := c.shard(key)
	s.Lock()
	defer s.Unlock()
	if size > s.bound || s.entries[string(key)] != nil {
		return
	}
	for s.bytes+size > s.bound {
		s.forget()
	}
	e := &cacheEntry{key: string(key), outcome: o, bytes: size}
	s.entries[e.key] = e
	s.ring = append(s.ring, e)
	s.bytes += size
}

// forget drops the first entry at the hand that has not been asked for since it came by.
func (s *cacheShard) forget() {
	for {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		e := s.ring[s.hand]
		if e.asked {
			e.asked = false
			s.hand++
			continue
		}
		last := len(s.ring) - 1
		s.ring[s.hand] = s.ring[last]
		s.ring[last] = nil
		s.ring = s.ring[:last]
		delete(s.entries, e.key)
		s.bytes -= e.bytes
		return
	}
}

// stop ends the remembering and forgets everything.
func (c *cache) stop() {
	c.off.Store(true)
	for i := range c.shards {
		s := &c.shards[i]
		s.Lock()
		s.entries, s.ring, s.hand, s.bytes = map[string]*cacheEntry{}, nil, 0, 0
		s.Unlock()
	}
}
