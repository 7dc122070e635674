package pace

import (
	// The scheduler's calls, which package syscall does not have.
	"golang.org/x/sys/unix"
)

const (
	// niceness is how nice the thread is: it gets about a tenth of a processor that another wants, too. With much less,
	// the collector of garbage, which stops all threads for a moment, would long wait for this one to hear of it.
	niceness = 10
	// turn is how long it goes on when another wants its processor, in nanoseconds: 0.1 ms, the least that Linux takes
	// (from 6.12 on; before, it takes turns of some milliseconds).
	turn = 100_000
)

// lower has the calling thread step aside. What the system refuses, as where a sandbox forbids it, is done without.
func lower() {
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Nice: niceness, Runtime: turn}, 0)
}
