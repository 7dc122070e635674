package usage

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func call(consumer, version, selected string, status int) *Call {
	return &Call{Key: Key{consumer, "orders", version, selected}, Status: status, Took: 3 * time.Millisecond, In: 10, Out: 100, Ended: noon}
}

func TestRecord(t *testing.T) {
	r := NewRecorder()
	for _, c := range []*Call{
		call("acme", "v1", "path", 200), call("acme", "v1", "path", 404), call("acme", "v1", "path", 502), call("acme", "v1", "header", 200),
		call("", "v1", "path", 401),
	} {
		r.Record(c)
	}
	slow := call("acme", "v1", "path", 200)
	slow.Took, slow.In, slow.Broken, slow.Ended = time.Second, -1, true, noon.Add(time.Minute)
	r.Record(slow)
	got := r.Drain()
	want := map[Key]Sums{
		{"acme", "orders", "v1", "path"}:    {4, 1, 2, time.Second + 9*time.Millisecond, time.Second, 30, 400, noon.Add(time.Minute)},
		{"acme", "orders", "v1", "header"}:  {1, 0, 0, 3 * time.Millisecond, 3 * time.Millisecond, 10, 100, noon},
		{Anonymous, "orders", "v1", "path"}: {1, 1, 0, 3 * time.Millisecond, 3 * time.Millisecond, 10, 100, noon},
	}
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
	for k, w := range want {
		if got[k] == nil || *got[k] != w {
			t.Errorf("%v: %+v, want %+v", k, got[k], w)
		}
	}
	if again := r.Drain(); len(again) > 0 {
		t.Errorf("drained twice: %v", again)
	}
}

// What no bound has room for is counted all the same.
func TestRecordBounds(t *testing.T) {
	r := NewRecorder()
	most := maxShard * len(r.shards)
	n := 3 * most
	for i := range n {
		r.Record(call(fmt.Sprintf("consumer-%d", i), "v1", "path", 200))
	}
	r.Record(call(string(make([]byte, maxName+1)), "v1", "path", 200))
	kept, total := 0, uint64(0)
	for i := range r.shards {
		kept += len(r.shards[i].keys)
	}
	all := r.Drain()
	for _, sums := range all {
		total += sums.Requests
	}
	if kept > most+len(r.shards) || total != uint64(n)+1 || all[Key{Other, "orders", "v1", "path"}] == nil {
		t.Errorf("%d keys are kept, of at most %d, and %d requests counted of %d", kept, most, total, n+1)
	}
	r.Drain()
	r.Drain()
	for i := range r.shards {
		if len(r.shards[i].keys) > 0 {
			t.Errorf("%d keys are kept that nobody uses", len(r.shards[i].keys))
		}
	}
}

// Many count at once while somebody drains, and nothing is lost or counted twice.
func TestRecordAtOnce(t *testing.T) {
	r := NewRecorder()
	var counting sync.WaitGroup
	const callers, each = 8, 5000
	for i := range callers {
		counting.Go(func() {
			for range each {
				r.Record(call(fmt.Sprintf("consumer-%d", i%3), "v1", "path", 200))
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		counting.Wait()
	}()
	total := uint64(0)
	for ended := false; ; {
		for _, sums := range r.Drain() {
			total += sums.Requests
		}
		if ended {
			break
		}
		select {
		case <-done:
			ended = true
		default:
		}
	}
	if total != callers*each {
		t.Errorf("%d were counted, want %d", total, callers*each)
	}
}

func TestRecordAllocates(t *testing.T) {
	r := NewRecorder()
	c := call("acme", "v1", "path", 200)
	for range 100 * len(r.shards) { // each shard knows the key
		r.Record(c)
	}
	if n := testing.AllocsPerRun(1000, func() { r.Record(c) }); n != 0 {
		t.Errorf("%v allocations for a key that is known", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, consumers := range []int{1, 1000} {
		b.Run(fmt.Sprintf("consumers=%d", consumers), func(b *testing.B) {
			r := NewRecorder()
			calls := make([]*Call, consumers)
			for i := range calls {
				calls[i] = call(fmt.Sprintf("consumer-%d", i), "v1", "path", 200)
				for range 20 * len(r.shards) {
					r.Record(calls[i])
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				c, i := Call{}, 0
				for pb.Next() {
					i++
					c = *calls[i%consumers]
					r.Record(&c)
				}
			})
		})
	}
}
