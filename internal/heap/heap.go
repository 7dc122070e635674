// Package heap spares a small heap the collector. Go collects garbage whenever the heap has doubled since the last time: where
// little is in use, as in a gateway that keeps little, that is many times a second, and most of the work is looking at
// stacks and at what is in use anyway. Here the heap is collected when it has doubled or when it reaches a floor,
// whichever is later.
package heap

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// standard is how much, in percent of what is in use, Go lets the heap grow.
const standard = 100

// keeper has the collector obey the largest floor of those who asked for one.
type keeper struct {
	mu     sync.Mutex
	floors map[*int64]struct{}
	armed  bool // the next collection is looked at
	set    int  // percent, as set; 0 where Go's own holds
}

var process = keeper{floors: map[*int64]struct{}{}}

// Keep has the heap collected not before it reaches floor bytes, a quarter of the process's memory limit at most, until
// release is called. It does nothing where the operator has set a target by the environment's GOGC, or the program by
// debug.SetGCPercent.
func Keep(floor int64) (release func()) {
	if os.Getenv("GOGC") != "" || floor <= 0 {
		return func() {}
	}
	return process.keep(floor)
}

func (k *keeper) keep(floor int64) (release func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	mine := &floor
	k.floors[mine] = struct{}{}
	k.adjust()
	k.arm()
	return sync.OnceFunc(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.floors, mine)
		k.adjust()
	})
}

// arm has the end of the next collection told, in which an object goes that nobody holds.
func (k *keeper) arm() {
	if k.armed || len(k.floors) == 0 {
		return
	}
	k.armed = true
	runtime.AddCleanup(&struct{ _ [16]byte }{}, (*keeper).collected, k)
}

func (k *keeper) collected() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed = false
	k.adjust()
	k.arm()
}

// adjust sets the collector's percentage by what was in use after the last collection.
func (k *keeper) adjust() {
	now := read()
	was := k.set
	if was == 0 {
		was = standard
	}
	if now.percent != was { // somebody else's
		k.set = 0
		clear(k.floors)
		return
	}
	floor := int64(0)
	for f := range k.floors {
		floor = max(floor, *f)
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		floor = min(floor, limit/4)
	}
	want := percent(floor, now)
	// To set it stops the program for a moment, so that small differences are let be.
	if want == was || want != standard && abs(want-was) < was/8 {
		return
	}
	debug.SetGCPercent(want)
	k.set = want
}

// usage is what the last collection found, in bytes.
type usage struct {
	live, stacks, globals uint64
	percent               int // that is in force
}

// percent is how much the heap may grow until the floor is reached, standard at least: Go takes it of all that is scanned.
func percent(floor int64, u usage) int {
	room := floor - int64(min(u.live, math.MaxInt64)) //nolint:gosec // no heap is larger
	base := max(u.live+u.stacks+u.globals, 1<<20)
	return int(max(standard, min(room*100/int64(base), most))) //nolint:gosec // between the two
}

// most bounds the percentage: 100 times what is in use.
const most = 10_000

func abs(n int) int { return max(n, -n) }

func read() usage {
	all := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(all)
	return usage{all[0].Value.Uint64(), all[1].Value.Uint64(), all[2].Value.Uint64(), int(min(all[3].Value.Uint64(), math.MaxInt32))} //nolint:gosec // bounded
}
