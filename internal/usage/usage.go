// Package usage keeps who calls what: requests, refusals, errors, latency and bytes for each consumer, API, version and way
// in which the version was chosen, by the hour and by the day. Metrics cannot: each consumer would be a label's value. One
// file, one subject: usage.go counts requests beside each other, store.go keeps the counts on disk, keeper.go moves them
// there, report.go tells them.
package usage

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Bounds of what is told apart. What is beyond is counted as of the consumer Other.
const (
	maxShards = 32   // one to a processor, more or less
	maxShard  = 4096 // keys of a shard between two drains
	maxName   = 256  // bytes of a consumer's id
)

// Other is the consumer that stands for all for whom there was no room.
const Other = "(other)"

// Anonymous is the consumer of requests whose caller is not known.
const Anonymous = "(anonymous)"

// Key is what requests are counted by. All but the consumers are the catalogue's, or of a closed set.
type Key struct {
	Consumer string // whom the credential names
	API      string
	Version  string // "" on an API without versions
	Selected string // how the version was chosen: "path", "header", "pin", "default", …; "" where there is none
}

// Sums are what the requests of a key come to.
type Sums struct {
	Requests uint64
	Denied   uint64        // answered 4xx
	Errors   uint64        // answered 5xx, or broken off
	Took     time.Duration // all together
	Slowest  time.Duration
	In, Out  uint64    // bytes of bodies
	Last     time.Time // when the last one ended
}

// Add adds what others come to.
func (s *Sums) Add(o *Sums) {
	s.Requests += o.Requests
	s.Denied += o.Denied
	s.Errors += o.Errors
	s.Took += o.Took
	s.Slowest = max(s.Slowest, o.Slowest)
	s.In += o.In
	s.Out += o.Out
	if o.Last.After(s.Last) {
		s.Last = o.Last
	}
}

// Call is a request that has been answered.
type Call struct {
	Key
	Status  int // of the answer; 0 where the caller left before there was one
	Broken  bool
	Took    time.Duration
	In, Out int64 // bytes of bodies; less than 0 for unknown
	Ended   time.Time
}

// Recorder counts calls. Many goroutines may use it at once: each takes whichever shard nobody else is at, so that they do
// not wait for each other, nor for whoever drains it.
type Recorder struct {
	shards []shard
}

// shard is a part of the counts. The same key may be in several.
type shard struct {
	mu   sync.Mutex
	keys map[Key]*cell // bound: maxShard, and one for each API, version and way in which it was chosen
	_    [64]byte      // two shards are in no line of a processor's memory
}

// cell is the counts of a key since the last drain. It stays for the next drain, so that who calls again and again costs
// no memory anew.
type cell struct {
	sums Sums
	idle bool // nothing came between the last two drains
}

// NewRecorder makes one that has counted nothing.
func NewRecorder() *Recorder {
	n := 1
	for n < 2*runtime.GOMAXPROCS(0) && n < maxShards {
		n *= 2
	}
	r := &Recorder{shards: make([]shard, n)}
	for i := range r.shards {
		r.shards[i].keys = make(map[Key]*cell)
	}
	return r
}

// Record counts a call. It allocates nothing for a key that it knows.
func (r *Recorder) Record(c *Call) {
	if c.Consumer == "" {
		c.Consumer = Anonymous
	} else if len(c.Consumer) > maxName {
		c.Consumer = Other
	}
	s := r.free()
	defer s.mu.Unlock()
	to := s.keys[c.Key]
	if to == nil {
		to = s.learn(c.Key)
	}
	n := &to.sums
	n.Requests++
	switch {
	case c.Status >= 500 || c.Broken:
		n.Errors++
	case c.Status >= 400:
		n.Denied++
	}
	n.Took += c.Took
	n.Slowest = max(n.Slowest, c.Took)
	n.In += uint64(max(c.In, 0))
	n.Out += uint64(max(c.Out, 0))
	n.Last = c.Ended
}

// free locks a shard that nobody is at; where somebody is at each of them, it waits for one.
func (r *Recorder) free() *shard {
	from, mask := rand.Uint32(), uint32(len(r.shards)-1)
	for i := range uint32(len(r.shards)) {
		if s := &r.shards[(from+i)&mask]; s.mu.TryLock() {
			return s
		}
	}
	s := &r.shards[from&mask]
	s.mu.Lock()
	return s
}

// learn makes room for a key. What the key says may be a part of something large, a token: it is kept as a copy.
func (s *shard) learn(k Key) *cell {
	if len(s.keys) >= maxShard {
		k.Consumer = Other
		if to := s.keys[k]; to != nil {
			return to
		}
	}
	k.Consumer = strings.Clone(k.Consumer)
	to := &cell{}
	s.keys[k] = to
	return to
}

// Drain gives what was counted since the last time.
func (r *Recorder) Drain() map[Key]*Sums {
	all := make(map[Key]*Sums)
	for i := range r.shards {
		r.shards[i].drain(all)
	}
	return all
}

func (s *shard) drain(all map[Key]*Sums) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, c := range s.keys {
		if c.sums.Requests == 0 {
			if c.idle {
				delete(s.keys, k)
			}
			c.idle = true
			continue
		}
		to := all[k]
		if to == nil {
			to = &Sums{}
			all[k] = to
		}
		to.Add(&c.sums)
		c.sums, c.idle = Sums{}, false
	}
}
