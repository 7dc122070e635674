package identity

import (
	"runtime"
	"strconv"
	"testing"
	"time"
)

// BenchmarkGrowth finds whose key a request has among ever more of them, up to what a file may hold. It tells how long the file
// takes to read, and how much memory its keys keep.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1, 100, 1_000, 10_000, 100_000, maxKeys} {
		b.Run("keys="+strconv.Itoa(n), func(b *testing.B) {
			key := Key{Consumer: "acme"}
			printed, err := NewKey(&key)
			if err != nil {
				b.Fatal(err)
			}
			file := append(manyKeys(n-1), key.Line()...)
			before, began := inUse(), time.Now()
			keys, diags := ParseKeys("partners.keys", file)
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			loaded, held := time.Since(began), inUse()-before
			method, diags := NewAPIKeys(APIKeyConfig{}, keys)
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			s, diags := New(Config{}, method)
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			x, value := request(), []string{printed}
			b.ReportAllocs()
			for b.Loop() {
				x.Header["X-Api-Key"] = value
				if p := s.Handle(x); p != nil {
					b.Fatal(p)
				}
			}
			b.ReportMetric(held/(1<<20), "MiB-held")
			b.ReportMetric(float64(loaded.Microseconds())/1000, "ms-load")
			runtime.KeepAlive(file)
		})
	}
}

// inUse is how many bytes of memory are in use after what is garbage was collected.
func inUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
