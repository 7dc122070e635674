package limit

import (
	"sync"
	"sync/atomic"
)

// shard is a part of the keys that grows and forgets on its own. Its lock is only for adding and removing keys.
type shard struct {
	mu        sync.Mutex
	table     *atomic.Pointer[table]
	keys      int
	bound     int // of keys, those apart that hold places: they are as many as requests are under way
	hand      int // the group that is swept next
	forgotten uint64
	held      atomic.Int32 // keys that hold places
	_         [8]byte      // so that no two shards share a line of the processors' caches
}

// sample is how many groups are swept to find a key to forget: the longest idle of about 24.
const sample = 4

// sweep removes keys whose buckets are full again from the group whose turn it is. Then, if the shard is at its bound and
// keys may be forgotten, it forgets the one idle longest of some groups. The keys of requests under way, locked as they are,
// are passed over, those of the very request that wants room included.
func (s *shard) sweep(now int64, forget bool) {
	t := s.table.Load()
	var idle *slot
	last := 0
	for n := range t.words {
		if n > 0 && (!forget || s.keys-int(s.held.Load()) < s.bound || n >= sample && idle != nil) {
			break
		}
		group := s.hand % len(t.words)
		s.hand = t.after(group)
		for i := group * groupSize; i < (group+1)*groupSize && i < len(t.slots); i++ {
			sl := &t.slots[i]
			if !t.used(i) || !sl.mu.TryLock() {
				continue
			}
			switch {
			case sl.held > 0:
			case sl.full(now):
				t.remove(i)
				s.keys--
			case idle == nil || sl.older(&idle.count):
				idle, sl, last = sl, idle, i
			}
			if sl != nil {
				sl.mu.Unlock()
			}
		}
	}
	if idle == nil {
		return
	}
	if forget && s.keys-int(s.held.Load()) >= s.bound {
		t.remove(last)
		s.keys--
		s.forgotten++
	}
	idle.mu.Unlock()
}

// reserve sees to it that there is room for some keys more: in a larger table if need be, and in a smaller one where there
// is far too much. It waits for slots, so the caller must hold none. A shard has some thousand keys, so that to move them
// takes no request long.
func (s *shard) reserve(more int, now int64) {
	t := s.table.Load()
	if s.keys+more > t.room {
		s.sweep(now, false)
	}
	groups := len(t.words)
	switch need := s.keys + more; {
	case need > t.room:
		groups = max(groups+groups/4, (need+groupFill-1)/groupFill)
	case groups >= 8 && need < t.room/4:
		groups /= 2
	default:
		return
	}
	s.table.Store(t.moved(groups))
}

// add gives a new key a slot, locked; there is room for it.
func (s *shard) add(key digest, now int64) *slot {
	s.sweep(now, true)
	t := s.table.Load()
	n := t.place(key)
	sl := &t.slots[n]
	sl.mu.Lock() // whoever holds it looks for another key, and waits for nothing
	sl.name(key)
	sl.count = count{tat: [maxQuotas]int64{now, now, now, now}, since: stamp(now)}
	t.show(n, key)
	s.keys++
	return sl
}
