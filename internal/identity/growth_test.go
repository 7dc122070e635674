package identity

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// BenchmarkGrowth finds whose key a request has among ever more of them, up to what a file may hold.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1, 100, 1_000, 10_000, 100_000, 1_000_000} {
		b.Run("keys="+strconv.Itoa(n), func(b *testing.B) {
			s, value := crowded(b, n)
			x := request()
			runtime.GC() // of what only the making needed
			b.ReportAllocs()
			for b.Loop() {
				x.Header["X-Api-Key"] = value
				if p := s.Handle(x); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}

// crowded has n consumers with a key each. value is that of one in the middle, as a header has it.
func crowded(b *testing.B, n int) (s *Stage, value []string) {
	printed, key := newKey(b, Key{Consumer: "acme"})
	keys := make([]Key, n)
	for i := range keys {
		id := fmt.Sprintf("%012d", i)
		keys[i] = Key{ID: id, Hash: sha256.Sum256([]byte(id)), Consumer: "consumer-" + strconv.Itoa(i)}
	}
	keys[n/2] = key
	s, diags := New(Config{}, keyMethod(b, APIKeyConfig{}, keys...))
	if diags.HasErrors() {
		b.Fatal(diags)
	}
	return s, []string{printed}
}

// BenchmarkKeyFile reads the largest key file, and says how much memory its keys keep.
func BenchmarkKeyFile(b *testing.B) {
	file := manyKeys(maxKeys)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := held()
	var set *KeySet
	for b.Loop() {
		var diags hcl.Diagnostics
		if set, diags = ParseKeys("f", file); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
	b.ReportMetric(float64(held()-before)/(1<<20), "MiB-held")
	runtime.KeepAlive(set)
	runtime.KeepAlive(file)
}
