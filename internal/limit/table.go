package limit

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// slot is one key of one limit, 64 bytes: one line of the processors' caches, lock and all, so that a request writes no
// other. Whoever touches what the lock guards holds it.
type slot struct {
	mu  sync.Mutex
	key digest // whose it is, or was a moment ago; its where is read without the lock too
	count
}

// name gives the slot a key, or none; the caller holds its lock.
func (sl *slot) name(key digest) {
	sl.key.rest = key.rest
	atomic.StoreUint64(&sl.key.where, key.where)
}

// count is what is known of a key.
type count struct {
	tat   [maxQuotas]int64 // nanoseconds since the epoch
	held  int32            // places
	since uint32           // the stamp of its last request
}

// full says that every bucket of the key is full at now, so that the key tells nothing that a new one would not.
func (c *count) full(now int64) bool {
	for _, tat := range c.tat {
		if tat > now {
			return false
		}
	}
	return true
}

// stamp numbers spans of 67 milliseconds; they repeat after nine years.
func stamp(now int64) uint32 { return uint32(now >> 26) }

// older says that a was used longer ago than b.
func (c *count) older(than *count) bool { return int32(c.since-than.since) < 0 }

// Slots stand in groups of seven, each with a word of eight bytes: a tag of each slot's key, 0 for a slot without one, and
// above them how many keys found their group full, this one on their way, and stand in a later one. So a search reads the
// word, which rarely changes, and then the one slot; and ends with a group that no key was turned away from.
//
// A key is put into the slot near where its digest says, if that is free; most are there. So that one is sent for before
// the word has come, which may be as far away as the slot.
const (
	groupSize = 7
	groupFill = 6 // keys for a group on average, before the table grows: most searches end with the first word

	tags     = 0x00_01_01_01_01_01_01_01 // times a tag: that tag for each slot
	tagTops  = 0x00_80_80_80_80_80_80_80
	wayShift = 56
	wayOne   = 1 << wayShift
	wayMost  = 255 // of which it is not known how many more there are; they stay so many until the table is made anew
)

// tag is never 0.
func tag(where uint64) uint64 { return max(uint64(byte(where>>24)), 1) }

// near is the slot of its group that a key is put into if it can be; else into the next that is free.
func near(where uint64) int { return int(uint64(byte(where>>16)) * groupSize >> 8) }

func beside(near int) int {
	if near++; near < groupSize {
		return near
	}
	return 0
}

// matches marks the top bit of each slot with the tag.
func matches(word, tag uint64) uint64 {
	x := word ^ tag*tags
	return ^(x&^tagTops + (tagTops - tags) | x) & tagTops
}

// table holds a shard's keys. It is read without a lock: slots have their own, and words are read and written as a whole.
type table struct {
	words []atomic.Uint64
	slots []slot
	room  int // how many keys it is to hold at most
}

// nothing is the table of all shards without keys.
var nothing = &table{words: make([]atomic.Uint64, 1), slots: make([]slot, groupSize)}

func newTable(groups int) *table {
	return &table{words: make([]atomic.Uint64, groups), slots: make([]slot, groups*groupSize), room: groups * groupFill}
}

// home is the group in which the search for a key begins. The digest's lowest bits have chosen the shard.
func (t *table) home(where uint64) int { return int(where >> 32 * uint64(len(t.words)) >> 32) }

func (t *table) after(group int) int {
	if group++; group < len(t.words) {
		return group
	}
	return 0
}

// fetch has the processor get what find is going to read of a key and what is then going to be written.
func (t *table) fetch(where uint64) {
	group := t.home(where)
	prefetch(&t.slots[group*groupSize+near(where)])
	m := matches(t.words[group].Load(), tag(where)) | 1<<(wayShift-1) // the last one where there is none: a branch would be a guess
	prefetch(&t.slots[group*groupSize+bits.TrailingZeros64(m)/8])
}

// find gives the slot of a key, locked, or nil if it has none. Where it must not wait and the slot's lock is not free, it
// says that it is busy. While others add and remove keys it may miss one that is there: nil is true only for a holder of the
// shard's lock.
func (t *table) find(key digest, wait bool) (sl *slot, busy bool) {
	group := t.home(key.where)
	tag := tag(key.where)
	for range t.words {
		word := t.words[group].Load()
		for m := matches(word, tag); m != 0; m &= m - 1 {
			sl = &t.slots[group*groupSize+bits.TrailingZeros64(m)/8]
			if atomic.LoadUint64(&sl.key.where) != key.where {
				continue // the tag is one of many keys
			}
			if sl, busy = sl.of(key, wait); sl != nil || busy {
				return sl, busy
			}
		}
		if word < wayOne {
			break
		}
		group = t.after(group)
	}
	return nil, false
}

// of gives the slot, locked, if it is the key's, else nil. If it must not wait, it may be busy.
func (sl *slot) of(key digest, wait bool) (its *slot, busy bool) {
	if wait {
		sl.mu.Lock()
	} else if !sl.mu.TryLock() {
		return nil, true
	}
	if sl.key == key {
		return sl, false
	}
	sl.mu.Unlock()
	return nil, false
}

// place takes a slot for a key that has none, in a table that has room; the caller holds the shard's lock. The key is found
// by all only once it is named and shown.
func (t *table) place(key digest) (n int) {
	for group := t.home(key.where); ; group = t.after(group) {
		word := t.words[group].Load()
		if free := matches(word, 0); free != 0 {
			for n := near(key.where); ; n = beside(n) {
				if free>>(n*8+7)&1 != 0 {
					return group*groupSize + n
				}
			}
		}
		if word>>wayShift < wayMost {
			t.words[group].Store(word + wayOne)
		}
	}
}

// show has the word tell of the key in slot n.
func (t *table) show(n int, key digest) {
	word := &t.words[n/groupSize]
	word.Store(word.Load() | tag(key.where)<<(n%groupSize*8))
}

// remove takes the key out of slot n; the caller holds its lock and the shard's.
func (t *table) remove(n int) {
	sl := &t.slots[n]
	for group := t.home(sl.key.where); group != n/groupSize; group = t.after(group) {
		if word := t.words[group].Load(); word>>wayShift < wayMost {
			t.words[group].Store(word - wayOne)
		}
	}
	sl.name(digest{})
	word := &t.words[n/groupSize]
	word.Store(word.Load() &^ (0xff << (n % groupSize * 8)))
}

// used says whether slot n has a key.
func (t *table) used(n int) bool { return t.words[n/groupSize].Load()>>(n%groupSize*8)&0xff != 0 }

// moved gives a table of so many groups with the keys of t, which t has no more; the caller holds the shard's lock.
func (t *table) moved(groups int) *table {
	to := newTable(groups)
	for n := range t.slots {
		if !t.used(n) {
			continue
		}
		sl := &t.slots[n]
		sl.mu.Lock()
		at := to.place(sl.key)
		to.slots[at].name(sl.key)
		to.slots[at].count = sl.count
		to.show(at, sl.key)
		sl.name(digest{})
		sl.mu.Unlock()
	}
	return to
}
