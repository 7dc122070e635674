package processtest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
)

// Ports that tests serve on lie below those that systems give to outgoing connections (from 32768 on Linux, 49152
// elsewhere): one of those may be some client's a moment later.
const firstPort, endPort = 10240, 32768

// lastPort is the last that was given away. Each process begins somewhere else, since tests of packages run beside each
// other.
var lastPort atomic.Int64

func init() { lastPort.Store(rand.Int64N(endPort - firstPort)) }

// FreePort gives a TCP port that nobody listens on, another one each time.
func FreePort(t testing.TB) int {
	t.Helper()
	const tries = 100
	for range tries {
		port := firstPort + int(lastPort.Add(1)%(endPort-firstPort))
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err == nil {
			l.Close() //nolint:errcheck // it was only asked whether it may
			return port
		}
	}
	t.Fatalf("no free port in %d tries", tries)
	return 0
}
