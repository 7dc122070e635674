package limit

import (
	"math/rand/v2"
	"testing"
)

// The table finds what a map finds, through removals and moves to tables of other sizes, with many digests that begin their
// search in one place and have one tag.
func TestTable(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		homes, tags := uint64(1)<<r.IntN(33), uint64(1)<<r.IntN(9) // few of them have all keys collide
		x, want := newTable(2), map[digest]bool{}
		for range 1500 {
			d := digest{r.Uint64N(homes)<<32 | uint64(r.Uint32()), r.Uint64()<<8 | r.Uint64N(tags)}
			if r.IntN(5) > 1 || len(want) == 0 {
				if len(want) == x.room() {
					x = x.moved(len(x.words) + 1 + len(x.words)/4)
				}
				n := x.place(d)
				if x.used(n) {
					t.Fatalf("seed %d: slot %d was given to two", seed, n)
				}
				x.slots[n].key = d
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

// A search that must not wait says so at a slot whose lock is not free, its own and another of the same tag.
func TestBusy(t *testing.T) {
	x := newTable(1)
	one, two := digest{1, 5}, digest{2, 5}
	for _, d := range []digest{one, two} {
		n := x.place(d)
		x.slots[n].key = d
		x.show(n, d)
	}
	held, _ := x.find(one, true)
	for _, d := range []digest{one, two} {
		if sl, busy := x.find(d, false); sl != nil || !busy {
			t.Errorf("%x: %v, busy %v", d, sl, busy)
		}
	}
	held.mu.Unlock()
	if sl, busy := x.find(two, false); sl == nil || busy {
		t.Error("it is not found though nobody holds it")
	}
}
