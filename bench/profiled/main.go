// Command profiled is the gateway with those profiles on that a gateway leaves off, as they cost something: of waiting, of locks,
// and of allocations more finely than usual. bench/load.sh profiles runs it.
package main

import (
	"runtime"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/wicketgate/wicketgate"
)

// How much is sampled: little enough that what is seen is the gateway and not its observation.
const (
	blocked   = 10 * time.Microsecond // one event for each so much waiting
	contended = 10                    // one of so many that met a lock that was held
	allocated = 64 << 10              // one allocation for each so many bytes
)

func main() {
	runtime.MemProfileRate = allocated
	runtime.SetBlockProfileRate(int(blocked))
	runtime.SetMutexProfileFraction(contended)
	caddycmd.Main()
}
