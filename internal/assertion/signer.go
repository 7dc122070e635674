package assertion

import (
	"hash/maphash"
	"sync"
	"time"
)

// Signer signs tokens with the keys of a source, and remembers them.
type Signer struct {
	source Source
	memory memory
}

// NewSigner makes a signer.
func NewSigner(source Source) *Signer {
	s := &Signer{source: source}
	s.memory.seed = maphash.MakeSeed()
	for i := range s.memory.shards {
		s.memory.shards[i].tokens = make(map[string]remembered)
	}
	return s
}

// Keys are those in force, nil before there are any.
func (s *Signer) Keys() *Keys { return s.source.Keys() }

// memory holds tokens by what they say, so that a caller who comes often costs no signature each time. It is our own
// because it is asked by bytes that are made anew for each request, which no cache library looks up without copying them.
type memory struct {
	seed   maphash.Seed
	shards [shards]shard
}

const (
	shards     = 16
	maxBytes   = 16 << 20 / shards // of a shard: 16 MiB of tokens in all, those of some 10,000 callers
	entryBytes = 256               // what an entry takes beside its key and token, about
)

type shard struct {
	sync.Mutex
	tokens map[string]remembered
	bytes  int
	_      [64]byte // shards share no line of the processor's cache
}

type remembered struct {
	token       string
	from, until time.Time // when it may be given
}

func (m *memory) shard(key []byte) *shard { return &m.shards[maphash.Bytes(m.seed, key)%shards] }

// get gives the token that is remembered, "" for none. One of the future, of a clock that went back, is none.
func (m *memory) get(key []byte, now time.Time) string {
	s := m.shard(key)
	s.Lock()
	defer s.Unlock()
	e, there := s.tokens[string(key)]
	if !there || now.Before(e.from) || !now.Before(e.until) {
		return ""
	}
	return e.token
}

// put remembers a token, and forgets others, whichever come first, where there is no room.
func (m *memory) put(key []byte, token string, from, until time.Time) {
	s := m.shard(key)
	s.Lock()
	defer s.Unlock()
	s.drop(string(key))
	size := sizeOf(len(key), token)
	for other := range s.tokens {
		if s.bytes+size <= maxBytes {
			break
		}
		s.drop(other)
	}
	s.tokens[string(key)] = remembered{token, from, until}
	s.bytes += size
}

func (s *shard) drop(key string) {
	if e, there := s.tokens[key]; there {
		delete(s.tokens, key)
		s.bytes -= sizeOf(len(key), e.token)
	}
}

func sizeOf(key int, token string) int { return entryBytes + key + len(token) }
