package ledger

import (
	"hash/maphash"
	"sync"
	"time"
)

// maxRecent bounds the names that are added within two minutes: 1,000,000, of which each takes some 20 bytes. With more of
// them, names are known for a shorter time.
const maxRecent = 1_000_000

// recent knows the names of the events that were stored within Duplicates, or up to a third longer, by 64 bits of a hash that
// no sender can compute. The store in this process takes ten times as much memory for each name, and so has only those of
// the last storedTwice.
type recent struct {
	most int // names of one span
	seed maphash.Seed

	mu    sync.Mutex
	spans [4]struct { // the newest first
		names       map[uint64]struct{}
		began, last time.Time // when the first and the last were added
	}
}

func newRecent(most int) *recent { return &recent{most: most, seed: maphash.MakeSeed()} }

// has says whether a name was added.
func (r *recent) has(name string, now time.Time) bool {
	h := maphash.String(r.seed, name)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.spans {
		if _, ok := r.spans[i].names[h]; ok && now.Sub(r.spans[i].last) < Duplicates {
			return true
		}
	}
	return false
}

// add adds a name.
func (r *recent) add(name string, now time.Time) {
	h := maphash.String(r.seed, name)
	r.mu.Lock()
	defer r.mu.Unlock()
	newest := &r.spans[0]
	if newest.names == nil || now.Sub(newest.began) >= Duplicates/3 || len(newest.names) >= r.most {
		copy(r.spans[1:], r.spans[:])
		newest.names, newest.began = map[uint64]struct{}{}, now
	}
	newest.names[h], newest.last = struct{}{}, now
}
