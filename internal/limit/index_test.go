package limit

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The index finds what a map finds, through growth and removals, with many digests that begin their search in one place.
func TestIndex(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		spread := uint64(1) << r.IntN(32) // of tags: a small one has all of them collide
		x, want := newIndex(), map[digest]int32{}
		slots := make([]slot, 1)
		for range 5000 {
			d := digest{r.Uint64(), r.Uint64N(spread)}
			if r.IntN(3) > 0 || len(want) == 0 {
				slots = append(slots, slot{key: d})
				want[d] = int32(len(slots) - 1)
				x.put(d, want[d])
				continue
			}
			for d, n := range want { // any of them
				x.take(d, n)
				delete(want, d)
				if x.find(d, slots) != 0 {
					t.Fatalf("seed %d: found what was taken", seed)
				}
				break
			}
		}
		for d, n := range want {
			if got := x.find(d, slots); got != n {
				t.Fatalf("seed %d: found %d, want %d", seed, got, n)
			}
		}
		used := 0
		for _, e := range x.entries {
			if e.slot != 0 {
				used++
			}
		}
		if used != len(want) || x.used != used || 4*used > 3*len(x.entries) || x.find(digest{1, 2}, slots) != 0 {
			t.Errorf("seed %d: %d of %d entries for %d keys", seed, used, len(x.entries), len(want))
		}
	}
}

// clone is a copy that shares nothing.
func (x *index) clone() index { return index{slices.Clone(x.entries), x.used} }
