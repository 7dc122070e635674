package policy

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// BenchmarkGrowth evaluates a policy, anew each time, that looks the caller up in ever more data of a bundle, in bytes. It tells how
// long the bundle takes to load, of what is in memory already, and how much memory its policies and data keep.
func BenchmarkGrowth(b *testing.B) {
	const rego = "package growth\n\ndefault allow := false\n\nallow if data.users[input.consumer.id].role == \"editor\"\n"
	for _, megabytes := range []int{1, 10, 50, 200} {
		b.Run("data="+strconv.Itoa(megabytes*1_000_000), func(b *testing.B) {
			text := bytes.NewBuffer(make([]byte, 0, megabytes*1_000_000+200))
			text.WriteString(`{"users":{`)
			users := 0
			for ; text.Len() < megabytes*1_000_000; users++ {
				if users > 0 {
					text.WriteByte(',')
				}
				fmt.Fprintf(text, `"user-%d":{"role":"editor","tenant":"tenant-%d","since":"2026-01-01"}`, users, users%1000)
			}
			text.WriteString("}}")
			size := float64(text.Len())
			before := inUse()
			began := time.Now()
			snapshot, diags := ReadTrustedBundle(context.Background(), "growth.tar.gz", []archive.File{
				{Name: "/growth.rego", Content: []byte(rego)}, {Name: "/data.json", Content: text.Bytes()},
			}, Options{Limit: MaxLimit, Cache: -1})
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			q, diags := snapshot.Prepare("data.growth.allow", here)
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			loaded := time.Since(began)
			held := inUse() - before + size // the text was there before, and is the snapshot's now
			requests, _ := realisticRequests()
			x := &requests[0]
			x.Consumer = &exchange.Consumer{}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				x.Consumer.ID = "user-" + strconv.Itoa(i%users)
				i += 7919
				if d, p := q.Decide(x); d == nil || !d.Allow {
					b.Fatal(p)
				}
			}
			b.ReportMetric(held/(1<<20), "MiB-held")
			b.ReportMetric(float64(loaded.Microseconds())/1000, "ms-load")
			runtime.KeepAlive(text)
		})
	}
}

// inUse is how many bytes of memory are in use after what is garbage was collected.
func inUse() float64 {
	runtime.GC()
	runtime.GC() // what had a finalizer, too
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
