package policy

import (
	"fmt"
	"sync"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

func (c *cache) contents() (entries, bytes int) {
	for i := range c.shards {
		s := &c.shards[i]
		if len(s.entries) != len(s.ring) {
			panic("entries and ring differ")
		}
		entries, bytes = entries+len(s.entries), bytes+s.bytes
	}
	return entries, bytes
}

func TestCache(t *testing.T) {
	c := newCache(64 << 10)
	key := func(i int) []byte { return fmt.Appendf(nil, "key %d", i) }
	one := &outcome{result: ast.Boolean(true)}
	for i := range 10_000 {
		if c.get(key(i)) != nil {
			t.Fatalf("%d was never put", i)
		}
		c.put(key(i), one)
		if c.get(key(0)) != one { // asked for all the time
			t.Fatalf("0 is forgotten after %d", i)
		}
	}
	entries, bytes := c.contents()
	if bytes > 64<<10 || entries < 64 {
		t.Errorf("%d entries of %d bytes", entries, bytes)
	}
	c.put(key(0), &outcome{})
	if c.get(key(0)) != one {
		t.Error("an entry was replaced")
	}
	big := &outcome{result: ast.String(make([]byte, 10<<10))}
	c.put([]byte("big"), big)
	if c.get([]byte("big")) != nil {
		t.Error("what is larger than a shard was kept")
	}
	c.stop()
	if entries, bytes := c.contents(); entries+bytes > 0 || !c.off.Load() {
		t.Errorf("%d entries of %d bytes after the end", entries, bytes)
	}
}

func TestCacheAtOnce(t *testing.T) {
	c := newCache(32 << 10)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range 2000 {
				key := fmt.Appendf(nil, "%d", (i*7+n)%300)
				if o := c.get(key); o != nil && string(o.result.(ast.String)) != string(key) {
					t.Errorf("%s holds %v", key, o.result)
					return
				}
				c.put(key, &outcome{result: ast.String(key)})
			}
		})
	}
	all.Wait()
	if _, bytes := c.contents(); bytes > 32<<10 {
		t.Errorf("%d bytes", bytes)
	}
}

func BenchmarkCache(b *testing.B) {
	c := newCache(DefaultCache)
	key := []byte("some consumer's id, a route and a parameter, about a hundred bytes of key in all, as a rule.......")
	c.put(key, &outcome{})
	b.ReportAllocs()
	for b.Loop() {
		if c.get(key) == nil {
			b.Fatal("forgotten")
		}
	}
}
