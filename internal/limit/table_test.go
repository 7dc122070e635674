package limit

import (
	"math/rand/v2"
	"testing"
)

// The table finds what a map finds, through removals and moves to tables of other sizes, with many digests that begin their
// search in one place, are put into the same slot if they can be, and have one tag.
func TestTable(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		homes, tags := uint64(1)<<r.IntN(33), uint64(1)<<r.IntN(9) // few of them have all keys collide
		x, want := newTable(2), map[digest]bool{}
		for range 1500 {
			d := digest{r.Uint64N(homes)<<32 | r.Uint64N(tags)<<24 | r.Uint64N(tags)<<16 | r.Uint64N(1<<16), r.Uint64()}
			if r.IntN(5) > 1 || len(want) == 0 {
				if len(want) == x.room {
					x = x.moved(len(x.words) + 1 + len(x.words)/4)
				}
				n := x.place(d)
				if x.used(n) {
					t.Fatalf("seed %d: slot %d was given to two", seed, n)
				}
				x.slots[n].name(d)
				x.show(n, d)
				want[d] = true
				continue
			}
			for d := range want { // any of them
				remove(t, x, d)
				delete(want, d)
				if sl, _ := x.find(d, true); sl != nil {
					t.Fatalf("seed %d: found what was removed", seed)
				}
				break
			}
		}
		x = x.moved(len(want)/groupFill + 1)
		for d := range want {
			remove(t, x, d)
		}
		for i := range x.words {
			if w := x.words[i].Load(); w != 0 && w>>wayShift != wayMost {
				t.Errorf("seed %d: an empty table's word %d is %x", seed, i, w)
			}
		}
	}
}

// remove takes out a key that is there.
func remove(t *testing.T, x *table, d digest) {
	t.Helper()
	sl, _ := x.find(d, true)
	if sl == nil {
		t.Fatalf("%x is not found", d)
	}
	defer sl.mu.Unlock()
	for n := range x.slots {
		if &x.slots[n] == sl {
			x.remove(n)
		}
	}
}

// A search that must not wait says so at a slot whose lock is not free, its own and one whose key differs in the rest alone,
// but not at one that it has no need to look into.
func TestBusy(t *testing.T) {
	x := newTable(1)
	one, twin, other := digest{1, 5}, digest{1, 6}, digest{2, 5} // all of one tag
	for _, d := range []digest{one, twin, other} {
		n := x.place(d)
		x.slots[n].name(d)
		x.show(n, d)
	}
	held, _ := x.find(one, true)
	for d, want := range map[digest]bool{one: true, twin: true, other: false} {
		sl, busy := x.find(d, false)
		if (sl == nil) != want || busy != want {
			t.Errorf("%x: %v, busy %v", d, sl, busy)
		}
		if sl != nil {
			sl.mu.Unlock()
		}
	}
	held.mu.Unlock()
	if sl, busy := x.find(twin, false); sl == nil || busy {
		t.Error("it is not found though nobody holds it")
	}
}

// To send for the slots of keys that are not there, in tables of any size, reads nothing beyond them.
func TestFetch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for groups := 1; groups < 20; groups++ {
		x := newTable(groups)
		for range 1000 {
			d := digest{r.Uint64(), r.Uint64()}
			x.fetch(d.where)
			if r.IntN(100) == 0 {
				n := x.place(d)
				x.slots[n].name(d)
				x.show(n, d)
				x.fetch(d.where)
				remove(t, x, d)
			}
		}
	}
}

// matches tells no other slots than those of the tag, for a key would be put into one of those that seem free.
func TestMatches(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		word, tag, want := r.Uint64()&r.Uint64()&r.Uint64()&r.Uint64(), r.Uint64N(4), uint64(0)
		for n := range groupSize {
			if word>>(n*8)&0xff == tag {
				want |= 0x80 << (n * 8)
			}
		}
		if got := matches(word, tag); got != want {
			t.Fatalf("%x in %x: got %x, want %x", tag, word, got, want)
		}
	}
}
