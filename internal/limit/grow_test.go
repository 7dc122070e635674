package limit

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// A slot is a line of the processors' caches, and so is the part of a shard that is written.
func TestLines(t *testing.T) {
	if n := unsafe.Sizeof(slot{}); n != 64 {
		t.Errorf("a slot has %d bytes", n)
	}
	if n := unsafe.Sizeof(shard{}); n != 64 {
		t.Errorf("a shard has %d bytes", n)
	}
	for groups := 1; groups < 500; groups++ {
		if x := newTable(groups); uintptr(unsafe.Pointer(&x.slots[0]))%64 != 0 {
			t.Errorf("the slots of %d groups begin within a line", groups)
		}
	}
}

// While tables grow under the requests every key is admitted as often as its quota says, alone and with others, and so it
// is with its places.
func TestGrowingLosesNothing(t *testing.T) {
	const keys, quota, callers = 1500, 3, 8
	for name, m := range map[string]*Memory{"one shard": NewMemory(shardKeys), "many": NewMemory(0)} {
		t.Run(name, func(t *testing.T) {
			rates := []Rate{NewRate(quota, 24*time.Hour)}
			var admitted [keys]atomic.Int64
			var all sync.WaitGroup
			for caller := range callers {
				all.Go(func() {
					r := rand.New(rand.NewPCG(uint64(caller), 1))
					for _, i := range r.Perm(keys) {
						charges := []Charge{
							{Limit: NewID("l"), Key: strconv.Itoa(i), Cost: 1, Rates: rates},
							{Limit: NewID("m"), Key: strconv.Itoa(i / 2), AtOnce: callers},
							{Limit: NewID("n"), Key: "all", Cost: 1, Rates: dayRates},
						}
						r.Shuffle(len(charges), func(i, j int) { charges[i], charges[j] = charges[j], charges[i] })
						ok, err := m.Take(context.Background(), start, charges, make([]State, 5))
						if err != nil {
							panic(err)
						}
						if ok {
							admitted[i].Add(1)
							m.Return(context.Background(), charges)
						}
					}
				})
			}
			all.Wait()
			for i := range admitted {
				if n := admitted[i].Load(); n != quota {
					t.Fatalf("key %d was admitted %d times", i, n)
				}
			}
			if m.Keys() < keys+1 || m.Keys() > keys+keys/2+1 || m.Held() != 0 || m.Forgotten() != 0 {
				t.Errorf("%d keys, %d with places, %d forgotten", m.Keys(), m.Held(), m.Forgotten())
			}
		})
	}
}

// Nor does what happens at the bound confuse counts: keys that are forgotten while others ask for them, with places that are
// not.
func TestCrowded(t *testing.T) {
	m := NewMemory(minShard)
	rates := []Rate{NewRate(1_000_000, time.Hour)}
	var all sync.WaitGroup
	for caller := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(caller), 2))
			var inside [][]Charge
			for range 2000 {
				charges := []Charge{
					{Limit: NewID("l"), Key: strconv.Itoa(r.IntN(100)), Cost: 1, Rates: rates},
					{Limit: NewID("m"), Key: strconv.Itoa(r.IntN(100)), Cost: 1, Rates: rates, AtOnce: 2},
				}
				ok, err := m.Take(context.Background(), start.Add(time.Duration(r.IntN(1000))*time.Second), charges, make([]State, 3))
				if err != nil {
					panic(err)
				}
				if ok {
					inside = append(inside, charges)
				}
				if len(inside) > 3 {
					m.Return(context.Background(), inside[0])
					inside = inside[1:]
				}
			}
			for _, charges := range inside {
				m.Return(context.Background(), charges)
			}
		})
	}
	all.Wait()
	if m.Held() != 0 {
		t.Errorf("%d keys hold places", m.Held())
	}
	found := 0
	x := m.tables[0].Load()
	for n := range x.slots {
		if !x.used(n) {
			continue
		}
		key := x.slots[n].key
		if sl, _ := x.find(key, true); sl != &x.slots[n] {
			t.Errorf("slot %d is not found by its key", n)
		} else {
			sl.mu.Unlock()
		}
		if x.slots[n].held != 0 {
			t.Errorf("slot %d holds places", n)
		}
		found++
	}
	if found != m.Keys() || found > minShard+8*5 { // those of requests under way come on top
		t.Errorf("%d keys are found of %d", found, m.Keys())
	}
}

// size is how many bytes the tables have.
func (m *Memory) size() (n int) {
	for i := range m.tables {
		x := m.tables[i].Load()
		n += len(x.slots)*64 + len(x.words)*8
	}
	return n
}

func TestMemoryPerKey(t *testing.T) {
	for _, n := range []int{1000, 20_000} {
		m := NewMemory(n + n/4)
		take := func(key string, at time.Time) { taker(m, key, NewRate(10, 10*time.Second))(at) }
		for i := range n {
			take(strconv.Itoa(i), start)
		}
		if each := m.size() / n; m.Keys() != n || each > 110 {
			t.Errorf("%d bytes for each of %d keys", each, m.Keys())
		}
		most := m.size()
		// All are full again. Those who come later have them removed, and the memory with them.
		for i := range n / 2 {
			take("later-"+strconv.Itoa(i), start.Add(time.Minute+time.Duration(i)*10*time.Second))
		}
		if m.Keys() > n/20+len(m.shards)*2 || m.size() > most/2 {
			t.Errorf("%d keys of %d and %d bytes of %d are left", m.Keys(), n, m.size(), most)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	m := NewMemory(0)
	charges := []Charge{
		{Limit: NewID("l"), Key: "acme", Cost: 1, Rates: dayRates},
		{Limit: NewID("m"), Key: "192.0.2.7", Cost: 1, Rates: dayRates[:1], AtOnce: 5},
	}
	states := make([]State, 5)
	if n := testing.AllocsPerRun(100, func() {
		if ok, err := m.Take(context.Background(), start, charges, states); !ok || err != nil {
			t.Fatal(ok, err)
		}
		m.Return(context.Background(), charges)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTooFewStates(t *testing.T) {
	m := NewMemory(0)
	charges := []Charge{{Limit: NewID("l"), Key: "acme", Cost: 1, Rates: dayRates, AtOnce: 1}}
	if ok, err := m.Take(context.Background(), start, charges, make([]State, 3)); ok || err == nil {
		t.Errorf("%v, %v", ok, err)
	}
	if m.Keys() != 0 {
		t.Error("it was counted")
	}
}
