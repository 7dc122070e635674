package limit

import (
	"context"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// dayRates are three quotas that no benchmark uses up.
var dayRates = []Rate{NewRate(1_000_000, time.Second), NewRate(3_600_000_000, time.Hour), NewRate(86_400_000_000, 24*time.Hour)}

// shuffled are the names of n callers in an order of their own: one after the other in the benchmark's memory, and anywhere in
// that of the counters.
func shuffled(n int, order uint64) []string {
	keys := make([]string, n)
	for i, k := range rand.New(rand.NewPCG(1, order)).Perm(n) {
		keys[i] = fmt.Sprintf("consumer-%08d", k)
	}
	return keys
}

// asks are the limits of a benchmark's request, each with its key.
var asks = map[string]func() []Charge{
	"three quotas": func() []Charge {
		return []Charge{{Limit: NewID("per_consumer/second/hour/day"), Cost: 1, Rates: dayRates}}
	},
	"three limits": func() (all []Charge) {
		for i := range dayRates {
			all = append(all, Charge{Limit: NewID("limit-" + strconv.Itoa(i)), Cost: 1, Rates: dayRates[i : i+1]})
		}
		return all
	},
}

// by sets who asks: the caller at i, and in every further limit another one.
func by(charges []Charge, keys []string, i int) {
	for j := range charges {
		charges[j].Key = keys[(i+j*len(keys)/8)%len(keys)]
	}
}

// filled is a memory that has met all keys.
func filled(b *testing.B, keys []string, ask func() []Charge) *Memory {
	charges, states := ask(), make([]State, len(dayRates))
	n := len(keys) * len(charges)
	m := NewMemory(n + n/4 + minShard) // shards differ in how many they get
	for i := range keys {
		by(charges, keys, i)
		if _, err := m.Take(context.Background(), start, charges, states); err != nil {
			b.Fatal(err)
		}
	}
	if m.Keys() != n {
		b.Fatalf("%d keys of %d are left", m.Keys(), n)
	}
	return m
}

// BenchmarkMemory charges three quotas. B/key is what the counters hold of memory, by their number of keys. With a million of
// them most of the time is waiting for main memory, for one line or for some at once: see BenchmarkLine.
func BenchmarkMemory(b *testing.B) {
	ask := asks["three quotas"]
	for _, n := range []int{1, 1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			keys := shuffled(n, 0)
			before := heap()
			m := filled(b, keys, ask)
			each := float64(heap()-before) / float64(n)
			b.ReportAllocs()
			charges, states := ask(), make([]State, len(dayRates))
			at, i := time.Now(), 0 // as requests have it, with the monotonic clock
			for b.Loop() {
				at = at.Add(time.Microsecond)
				charges[0].Key = keys[i]
				if i++; i == n {
					i = 0
				}
				if _, err := m.Take(context.Background(), at, charges, states); err != nil {
					b.Fatal(err)
				}
			}
			if n > 1 {
				b.ReportMetric(each, "B/key")
			}
			runtime.KeepAlive(m)
		})
	}
}

// heap is how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// BenchmarkMemoryScaling says how much more two processors do than one: "times" is the median of rounds in each of which one
// and two are measured by turns, since what else a machine does changes from one second to the next. The two call in orders of
// their own, at one time on different keys, as callers are. With halves, each has callers of its own; apart, it has counters
// of its own too, and nothing is two processors that compute and have no memory in common, which are the most that this
// machine can do. What is missing of that otherwise is the lines of memory that one takes over from the other, one for each
// limit, as the counts of one caller must be in one place.
func BenchmarkMemoryScaling(b *testing.B) {
	b.Run("nothing", func(b *testing.B) {
		scaling(b, func(_, requests int) {
			sum := uint64(1)
			for range 4 * requests {
				sum ^= maphash.Comparable(seeds[0], sum)
			}
			sink.Add(sum & 1)
		})
	})
	for _, n := range []int{1000, 10_000, 1_000_000} {
		orders := sync.OnceValue(func() [2][]string { return [2][]string{shuffled(n, 0), shuffled(n, 1)} })
		for _, name := range []string{"three quotas", "three limits"} {
			ask := asks[name]
			memories := sync.OnceValue(func() [2]*Memory { return [2]*Memory{filled(b, orders()[0], ask), filled(b, orders()[1], ask)} })
			run := func(b *testing.B, halves bool, apart int) {
				var at [2]int
				memories()
				scaling(b, func(runner, requests int) {
					keys, m := orders()[runner], memories()[runner*apart]
					if halves {
						keys = orders()[0][runner*n/2:][:n/2]
					}
					charges, states := ask(), make([]State, len(dayRates))
					now, i := time.Now(), at[runner] // as requests have it, with the monotonic clock
					for range requests {
						now = now.Add(time.Microsecond)
						by(charges, keys, i)
						if i++; i == len(keys) {
							i = 0
						}
						if _, err := m.Take(context.Background(), now, charges, states); err != nil {
							panic(err)
						}
					}
					at[runner] = i
				})
			}
			b.Run(fmt.Sprintf("%s/keys=%d", name, n), func(b *testing.B) { run(b, false, 0) })
			b.Run(fmt.Sprintf("%s/keys=%d/halves", name, n), func(b *testing.B) { run(b, true, 0) })
			b.Run(fmt.Sprintf("%s/keys=%d/apart", name, n), func(b *testing.B) { run(b, false, 1) })
		}
	}
}

// sink keeps what is computed from being left out.
var sink atomic.Uint64

// scaling does work with one processor and with two, by turns.
func scaling(b *testing.B, work func(runner, requests int)) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("this is about two processors")
	}
	const requests = 20_000
	var one, times []float64
	for b.Loop() {
		began := time.Now()
		work(0, requests)
		alone := time.Since(began)
		var ready atomic.Int32
		var both sync.WaitGroup
		for runner := range 2 {
			both.Go(func() {
				if ready.Add(1) == 2 {
					began = time.Now()
				}
				for ready.Load() < 2 { // to be woken would take as long as hundreds of requests
				}
				work(runner, requests)
			})
		}
		both.Wait()
		one = append(one, float64(alone)/requests)
		times = append(times, 2*float64(alone)/float64(time.Since(began)))
	}
	b.ReportMetric(0, "ns/op") // it is one of rounds
	b.ReportMetric(median(one), "ns/request")
	b.ReportMetric(median(times), "times")
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkMemoryOneKey is the opposite: all processors ask for one key.
func BenchmarkMemoryOneKey(b *testing.B) {
	m := NewMemory(0)
	b.RunParallel(func(pb *testing.PB) {
		charges, states := asks["three quotas"](), make([]State, len(dayRates))
		charges[0].Key = "acme"
		for at := time.Now(); pb.Next(); at = at.Add(time.Microsecond) {
			if _, err := m.Take(context.Background(), at, charges, states); err != nil {
				panic(err)
			}
		}
	})
}

// BenchmarkMemoryNewKeys is whoever makes up keys: each takes the place of another.
func BenchmarkMemoryNewKeys(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("bound=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			m := NewMemory(n)
			charges, states := asks["three quotas"](), make([]State, len(dayRates))
			for i := -2 * n; i < b.N; i++ {
				if i == 0 {
					b.ResetTimer()
				}
				charges[0].Key = strconv.Itoa(i)
				if _, err := m.Take(context.Background(), start, charges, states); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLine is what no counter can do without: it computes two hashes of a caller's name, and writes a line of memory that
// is the caller's, under a lock; and goes on only then, as there is too much between two requests for a processor to begin
// with both. What it takes longer with many callers BenchmarkMemory takes longer, too: the line is not in the processor's
// caches any more, nor where it lies in those of addresses. Beyond that BenchmarkMemory has to find out which of some lines it is.
func BenchmarkLine(b *testing.B) {
	type line struct {
		sync.Mutex
		sum uint64
		_   [48]byte
	}
	for _, n := range []int{1, 1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			keys, lines := shuffled(n, 0), make([]line, n)
			for i := range lines {
				lines[i].sum = 2 // it is memory now
			}
			i := 0
			for b.Loop() {
				key := keys[i]
				l := &lines[maphash.String(seeds[0], key)>>32*uint64(n)>>32]
				l.Lock()
				l.sum += maphash.String(seeds[1], key) << 1
				i += 1 + int(l.sum&1) // it is even, but the processor does not know
				l.Unlock()
				if i >= n {
					i = 0
				}
			}
		})
	}
}
