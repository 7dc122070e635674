package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A record is held until it is let go of, over a restart of the ledger, and only who knows what is there can put another
// in its place.
func TestHolds(t *testing.T) {
	folder := t.TempDir()
	l := open(t, folder)
	first, err := l.Hold(t.Context(), "a", 0, []byte("one"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Hold(t.Context(), "a", 0, []byte("two"), time.Hour); !errors.Is(err, ErrTaken) {
		t.Errorf("held twice: %v", err)
	}
	if _, err := l.Hold(t.Context(), "b", first, []byte("two"), time.Hour); !errors.Is(err, ErrTaken) {
		t.Errorf("held in the place of nothing: %v", err)
	}
	second, err := l.Hold(t.Context(), "a", first, []byte("two"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Let(t.Context(), first); err != nil {
		t.Errorf("letting go of what was replaced: %v", err)
	}
	l.Close()
	if _, err := l.Hold(t.Context(), "c", 0, nil, time.Hour); !errors.Is(err, ErrUnavailable) {
		t.Errorf("held by a closed ledger: %v", err)
	}
	if _, err := l.Held(t.Context(), "a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a closed ledger says what it holds: %v", err)
	}

	l = open(t, folder)
	held, err := l.Held(t.Context(), "a")
	if err != nil || held == nil || string(held.Data) != "two" || held.At != second || time.Since(held.Time) > time.Minute {
		t.Fatalf("after a restart: %+v, %v", held, err)
	}
	if err := l.Let(t.Context(), held.At); err != nil {
		t.Fatal(err)
	}
	if held, err := l.Held(t.Context(), "a"); held != nil || err != nil {
		t.Errorf("let go of, it is still there: %+v, %v", held, err)
	}
	if _, err := l.Hold(t.Context(), "a", 0, []byte("three"), time.Hour); err != nil {
		t.Error(err)
	}
	if !l.Alone() {
		t.Error("another process could have the folder")
	}
}

// A record goes when its time has passed.
func TestHeldForATime(t *testing.T) {
	l := open(t, t.TempDir())
	if _, err := l.Hold(t.Context(), "a", 0, []byte("one"), time.Second); err != nil {
		t.Fatal(err)
	}
	within(t, "it is gone", func() bool {
		held, err := l.Held(t.Context(), "a")
		return held == nil && err == nil
	})
	if _, err := l.Hold(t.Context(), "a", 0, []byte("two"), time.Hour); err != nil {
		t.Error(err)
	}
}

// Of many who ask for a name at once, one gets it.
func TestHeldByOne(t *testing.T) {
	l := open(t, t.TempDir())
	for round := range 5 {
		var won atomic.Int64
		var all sync.WaitGroup
		for n := range 50 {
			all.Go(func() {
				_, err := l.Hold(t.Context(), fmt.Sprintf("r%d", round), 0, fmt.Append(nil, n), time.Hour)
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ErrTaken):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d got it", won.Load())
		}
	}
}

// A full ledger refuses new records and forgets none; one that is no larger than the one before still takes its place.
func TestHeldIsFull(t *testing.T) {
	l := open(t, t.TempDir(), func(c *Config) { c.MaxBytes = 64 << 10 })
	var err error
	var last uint64
	n := 0
	for ; n < 20 && err == nil; n++ {
		var at uint64
		if at, err = l.Hold(t.Context(), fmt.Sprintf("r%02d", n), 0, bytes.Repeat([]byte("x"), 8<<10), time.Hour); err == nil {
			last = at
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("after %d records: %v", n, err)
	}
	if held, err := l.Held(t.Context(), "r00"); held == nil || err != nil {
		t.Errorf("the first record is gone: %v", err)
	}
	name := fmt.Sprintf("r%02d", n-2)
	if _, err := l.Hold(t.Context(), name, last, bytes.Repeat([]byte("x"), 16<<10), time.Hour); !errors.Is(err, ErrFull) {
		t.Errorf("a larger one took its place: %v", err)
	}
	if _, err := l.Hold(t.Context(), name, last, []byte("small"), time.Hour); err != nil {
		t.Errorf("a smaller one did not: %v", err)
	}
	if _, err := l.Hold(t.Context(), "large", 0, make([]byte, MaxEvent+2<<20), time.Hour); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one over the bound: %v", err)
	}
}

// The records of one are told apart from those of others, however many there are.
func TestHeldBy(t *testing.T) {
	l := open(t, t.TempDir())
	count := func(whose string) (n, bytes int) {
		t.Helper()
		err := l.HeldBy(t.Context(), whose, func(size int, left time.Duration) {
			if left < time.Minute || left > time.Hour {
				t.Errorf("a record of %s stays for %s", whose, left)
			}
			n, bytes = n+1, bytes+size
		})
		if err != nil {
			t.Error(err)
		}
		return n, bytes
	}
	var at sync.WaitGroup
	for part := range 12 {
		at.Go(func() {
			for i := range 100 {
				if _, err := l.Hold(t.Context(), fmt.Sprintf("a.r%d", 100*part+i), 0, make([]byte, 100), time.Hour); err != nil {
					t.Error(err)
				}
			}
		})
	}
	at.Wait()
	if _, err := l.Hold(t.Context(), "b.r1", 0, make([]byte, 7), 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	for whose, want := range map[string][2]int{"a": {1200, 120_000}, "b": {1, 7}, "c": {0, 0}} {
		if n, bytes := count(whose); n != want[0] || bytes != want[1] {
			t.Errorf("%s has %d records, %d bytes", whose, n, bytes)
		}
	}
	if records, bytes := l.Room(); records != maxHeld || bytes != DefaultMaxBytes {
		t.Errorf("there is room for %d records, %d bytes", records, bytes)
	}
}
