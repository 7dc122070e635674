package policy

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
)

// BenchmarkActivate activates a signed bundle with 50 MB of data in place of one like it. It reports how large a
// snapshot of it is, the most that the heap held meanwhile, the one replaced included, and that as a multiple of the size.
func BenchmarkActivate(b *testing.B) {
	var data strings.Builder
	data.WriteString(`{"grants": {`)
	for i := 0; data.Len() < 50_000_000; i++ {
		if i > 0 {
			data.WriteString(",")
		}
		fmt.Fprintf(&data, `"user-%d": {"roles": ["clerk", "role-%d"], "tenant": "tenant-%d", "limit": %d, "email": "user-%d@example.org", "active": true}`, i, i%97, i%1000, i*7, i)
	}
	data.WriteString("}}")
	key := bundletest.NewKey(b)
	packed := key.Sign(b, bundletest.Files{"a.rego": "package a\n\nallow if data.grants[input.consumer.id].active\n", "data.json": data.String()}).Pack(b)
	data.Reset()
	verify := bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{"default": {Key: key.Public, Algorithm: "ES256"}}, "default", "", nil)
	activate := func() *Snapshot {
		files, err := archive.Read(packed, 1<<30)
		if err != nil {
			b.Fatal(err)
		}
		s, diags := ReadBundle(context.Background(), "gw.tar.gz", files, verify, Options{})
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		return s
	}
	before := live()
	old := activate()
	size := live() - before
	var peak uint64
	for b.Loop() {
		stop := make(chan struct{})
		seen := make(chan uint64)
		go func() {
			most := uint64(0)
			for tick := time.NewTicker(time.Millisecond); ; {
				select {
				case <-stop:
					seen <- most
					return
				case <-tick.C:
					most = max(most, heap())
				}
			}
		}()
		next := activate()
		close(stop)
		peak = max(peak, <-seen)
		runtime.KeepAlive(old) // what is replaced decides until then
		old = next
		live()
	}
	b.ReportMetric(float64(size)/1e6, "MB-size")
	b.ReportMetric(float64(peak-before)/1e6, "MB-peak")
	b.ReportMetric(float64(peak-before)/float64(size), "peak/size")
}

// heap is how much the heap holds, garbage that has not been swept included.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func live() uint64 {
	runtime.GC()
	runtime.GC()
	return heap()
}
