package limit

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// BenchmarkGrowth charges three quotas of ever more consumers, who come in turn. It tells how much memory the counters keep.
func BenchmarkGrowth(b *testing.B) {
	ask := asks["three quotas"]
	for _, n := range []int{1, 1000, 100_000, 1_000_000} {
		b.Run("consumers="+strconv.Itoa(n), func(b *testing.B) {
			keys := shuffled(n, 0)
			before := heap()
			m := filled(b, keys, ask)
			held := float64(heap() - before)
			charges, states := ask(), make([]State, len(dayRates))
			at, i := time.Now(), 0 // as requests have it, with the monotonic clock
			b.ReportAllocs()
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
			b.ReportMetric(held/(1<<20), "MiB-held")
			runtime.KeepAlive(m)
			runtime.KeepAlive(keys)
		})
	}
}
