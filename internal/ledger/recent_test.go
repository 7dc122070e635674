package ledger

import (
	"fmt"
	"testing"
	"time"
)

// Names are known for six minutes at least, and for eight at most, also when nothing else comes.
func TestRecent(t *testing.T) {
	r, now := newRecent(1000), time.Unix(1_800_000_000, 0)
	if r.has("a", now) {
		t.Error("a name is known that was never added")
	}
	r.add("a", now)
	for at := time.Duration(0); at <= 15*time.Minute; at += 10 * time.Second {
		if got := r.has("a", now.Add(at)); at < Duplicates && !got || at >= Duplicates && got {
			t.Errorf("after %v, known: %v", at, got)
		}
	}
	for n := range 90 { // one each 10 s
		at := now.Add(time.Duration(n) * 10 * time.Second)
		r.add(fmt.Sprint(n), at)
		for before := range n {
			age := time.Duration(n-before) * 10 * time.Second
			if got := r.has(fmt.Sprint(before), at); age < Duplicates && !got || age > Duplicates*4/3 && got {
				t.Errorf("after %v, known: %v", age, got)
			}
		}
	}
}

// With many names, only the newest are known.
func TestRecentBound(t *testing.T) {
	r, now := newRecent(1000), time.Unix(1_800_000_000, 0)
	for n := range 6 * 1000 {
		r.add(fmt.Sprint(n), now)
	}
	kept := 0
	for _, span := range r.spans {
		kept += len(span.names)
	}
	if kept != 4*1000 || r.has("0", now) || !r.has(fmt.Sprint(6*1000-1), now) {
		t.Errorf("%d names are known", kept)
	}
}
