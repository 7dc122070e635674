package delivery

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/ledger"
)

// many appends events with numbers from first on, of 64 callers at once, and says how many a second.
func (b *bench) many(first, events int, body []byte) float64 {
	b.t.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range 64 {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < events; n = int(next.Add(1)) - 1 {
				e := &ledger.Event{ID: fmt.Sprintf("msg_%024d", first+n), Webhook: "hook", Kind: "order.made", Key: fmt.Sprint(n % 1000), Received: time.Now(), Body: body}
				if _, err := b.Append(b.t.Context(), e); err != nil {
					b.t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(events) / time.Since(began).Seconds()
}

// BenchmarkDeliver delivers events of 1000 keys to a service that takes them at once: from a backlog, and while they come.
func BenchmarkDeliver(b *testing.B) {
	for _, name := range []string{"backlog", "coming"} {
		b.Run(name, func(b *testing.B) {
			x := start(b, b.TempDir())
			var taken atomic.Int64
			deliver := func() {
				x.Deliver(b, map[string]Target{"hook": {Send: func(context.Context, *ledger.Event) Result {
					taken.Add(1)
					return Result{Status: 200}
				}, For: time.Hour}})
			}
			if name == "coming" {
				deliver()
			} else {
				x.many(0, b.N, make([]byte, 200))
			}
			b.ReportAllocs()
			b.ResetTimer()
			if name == "coming" {
				x.many(0, b.N, make([]byte, 200))
			} else {
				deliver()
			}
			x.within("all are delivered", func() bool { return taken.Load() >= int64(b.N) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// resident is the memory that the process has of the system, in MiB; where that is not known, what Go's runtime has.
func resident() float64 {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, pages int
		if _, err := fmt.Sscan(string(text), &size, &pages); err == nil {
			return float64(pages*os.Getpagesize()) / (1 << 20)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys-m.HeapReleased) / (1 << 20)
}

// BenchmarkBacklog lets b.N small events wait, for a service that is not there or one that takes none, and says by how much
// memory grows meanwhile and what of that is left once garbage was given back, and how much slower events are accepted then than
// by a ledger in which nothing waits, both by turns. The figure of a million is that of -benchtime 1000000x.
func BenchmarkBacklog(b *testing.B) {
	for name, result := range map[string]Result{"nobody": {}, "refused": {Status: 500}} {
		b.Run(name, func(b *testing.B) {
			body := make([]byte, 200)
			empty, full := start(b, b.TempDir()), start(b, b.TempDir())
			full.Deliver(b, map[string]Target{"hook": {Send: func(context.Context, *ledger.Event) Result { return result }, For: time.Hour}})
			empty.many(0, 1000, body)
			full.many(0, 1000, body)
			debug.FreeOSMemory()
			before := resident()
			b.ResetTimer()
			rate := full.many(1000, b.N, body)
			b.StopTimer()
			b.ReportMetric(resident()-before, "MiB")
			debug.FreeOSMemory()
			b.ReportMetric(resident()-before, "MiB-kept")
			b.ReportMetric(rate, "events/s")
			var fast, slow float64
			for n := range 5 {
				fast = max(fast, empty.many(2_000_000+n*1000, 1000, body))
				slow = max(slow, full.many(2_000_000+n*1000, 1000, body))
			}
			b.ReportMetric(100*(1-slow/fast), "%slower")
		})
	}
}
