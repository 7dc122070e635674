package identity

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Bounds of the memory of all methods together: what is beyond them is verified again. A token of 1 KiB with its claims
// counts for 4.5 KiB.
const (
	maxRemembered      = 65_536   // tokens
	maxRememberedBytes = 64 << 20 // of them, about

	memoryShards  = 16  // so that requests on other processors hardly wait for each other
	tokenCost     = 512 // bytes that any remembered token takes beside what it says
	tokenExpanded = 4   // claims in memory take about so many times the token's text
)

// verified are the tokens that all methods of the process have accepted.
var verified = newMemory(maxRemembered, maxRememberedBytes)

// memory is the tokens that were accepted. Others are never in it, so that nobody without good tokens of an issuer can
// fill it, and its bounds hold against those who have many.
type memory struct{ shards [memoryShards]shard }

// tokenName is by what a token is known: its hash, and the keys and the method that it was verified by. Other keys are
// another set, and so none of their tokens is remembered.
type tokenName struct {
	hash [sha256.Size]byte
	by   *boundSet
}

func (b *boundSet) name(compact string) *tokenName {
	var room [1 << 10]byte // so that a token of this length costs no allocation
	return &tokenName{sha256.Sum256(append(room[:0], compact...)), b}
}

// remembers gives the consumer of a token that was accepted by these keys and is good at now; nil if there is none.
func (b *boundSet) remembers(compact string, now time.Time) *exchange.Consumer {
	return verified.get(b.name(compact), now)
}

// remember remembers a token that was accepted by these keys.
func (b *boundSet) remember(compact string, a *accepted) {
	verified.put(b.name(compact), a.consumer, len(compact), a.from, a.until)
}

// shard is a part of the memory, in which the hand of a clock goes round: what was not asked for since it passed last
// makes room.
type shard struct {
	mu     sync.RWMutex
	known  map[tokenName]*remembered
	ring   []*remembered
	hand   int
	tokens int // at most
	room   int // bytes left
}

// remembered is a token that was accepted, and the time in which it is: nothing but the time can change that, for the
// rest is settled by the token's text, the keys and the configuration.
type remembered struct {
	name        tokenName
	consumer    *exchange.Consumer // shared by requests, which change nothing of it
	from, until time.Time
	size        int
	asked       atomic.Bool
}

func newMemory(tokens, bytes int) *memory {
	m := &memory{}
	for i := range m.shards {
		m.shards[i] = shard{tokens: max(1, tokens/memoryShards), room: bytes / memoryShards}
	}
	return m
}

func (m *memory) shard(name *tokenName) *shard { return &m.shards[name.hash[0]%memoryShards] }

// get gives the consumer of a token that was accepted and is good at now; nil if there is none.
func (m *memory) get(name *tokenName, now time.Time) *exchange.Consumer {
	s := m.shard(name)
	s.mu.RLock()
	r := s.known[*name]
	s.mu.RUnlock()
	if r == nil || now.Before(r.from) || !now.Before(r.until) {
		return nil
	}
	if !r.asked.Load() {
		r.asked.Store(true)
	}
	return r.consumer
}

// put remembers a token of a length that is good from one instant until another.
func (m *memory) put(name *tokenName, consumer *exchange.Consumer, length int, from, until time.Time) {
	r := &remembered{name: *name, consumer: consumer, from: from, until: until, size: tokenCost + tokenExpanded*length}
	s := m.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[r.name] != nil { // another request was faster
		return
	}
	for len(s.ring) > 0 && (len(s.ring) >= s.tokens || s.room < r.size) {
		s.evict()
	}
	if s.room < r.size {
		return
	}
	if s.known == nil {
		s.known = make(map[tokenName]*remembered)
	}
	s.known[r.name] = r
	s.ring = append(s.ring, r)
	s.room -= r.size
}

// evict makes room: the hand passes over what was asked for since it came by last, and takes the first that was not.
func (s *shard) evict() {
	for {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		r := s.ring[s.hand]
		if r.asked.Swap(false) {
			s.hand++
			continue
		}
		last := len(s.ring) - 1
		s.ring[s.hand], s.ring[last] = s.ring[last], nil
		s.ring = s.ring[:last]
		s.room += r.size
		delete(s.known, r.name)
		return
	}
}
