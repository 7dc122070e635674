package heap

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	tests := []struct {
		name  string
		floor int64
		in    usage
		want  int
	}{
		{"none", 0, usage{live: 8 << 20}, 100},
		{"far above what is in use", 128 << 20, usage{live: 8 << 20}, 1500},
		{"stacks and globals count", 128 << 20, usage{live: 8 << 20, stacks: 6 << 20, globals: 2 << 20}, 750},
		{"doubling is more", 128 << 20, usage{live: 100 << 20}, 100},
		{"more is in use", 128 << 20, usage{live: 1 << 30}, 100},
		{"nothing was collected yet", 128 << 20, usage{}, most},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := percent(test.floor, test.in); got != test.want {
				t.Errorf("got %d %%, want %d %%", got, test.want)
			}
		})
	}
}

// until waits for the percentage that is in force.
func until(t *testing.T, what string, ok func(int) bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(read().percent); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: %d %% are in force", what, read().percent)
		}
		runtime.GC()
	}
}

func TestKeep(t *testing.T) {
	debug.SetGCPercent(standard)
	t.Cleanup(func() { debug.SetGCPercent(standard) })
	t.Setenv("GOGC", "")
	small, large := Keep(64<<20), Keep(256<<20)
	until(t, "the larger of two floors holds", func(n int) bool { return n > 1000 })
	high := read().percent
	large()
	large() // once is as good as twice
	until(t, "the smaller one is left", func(n int) bool { return n > standard && n < high })
	// What is in use grows, and the floor is of no use any more.
	held := make([]byte, 80<<20)
	until(t, "much is in use", func(n int) bool { return n == standard })
	runtime.KeepAlive(held)
	until(t, "little is in use again", func(n int) bool { return n > standard })
	small()
	if got := read().percent; got != standard {
		t.Errorf("%d %% are in force after all", got)
	}
}

func TestKeepLimit(t *testing.T) {
	debug.SetGCPercent(standard)
	t.Setenv("GOGC", "")
	was := debug.SetMemoryLimit(64 << 20)
	t.Cleanup(func() { debug.SetMemoryLimit(was) })
	release := Keep(1 << 30)
	defer release()
	runtime.GC()
	if got, want := read().percent, 1600; got > want {
		t.Errorf("%d %% are in force: more than a quarter of the limit", got)
	}
}

// Whoever says when the heap is collected is not overruled.
func TestKeepOthers(t *testing.T) {
	debug.SetGCPercent(standard)
	t.Cleanup(func() { debug.SetGCPercent(standard) })
	t.Setenv("GOGC", "50")
	Keep(1 << 30)()
	if got := read().percent; got != standard {
		t.Errorf("with GOGC %d %% are in force", got)
	}
	t.Setenv("GOGC", "")
	debug.SetGCPercent(70)
	release := Keep(1 << 30)
	runtime.GC()
	release()
	if got := read().percent; got != 70 {
		t.Errorf("%d %% are in force, not what was set", got)
	}
}
