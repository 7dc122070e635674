package gateway

import (
	"cmp"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/wicketgate/wicketgate/internal/heap"
)

// defaultHeapFloor is how large the heap gets before garbage is collected unless the configuration says otherwise: 128 MiB.
const defaultHeapFloor = 128 << 20

// mostHeapFloor bounds what may be written: 64 GiB.
const mostHeapFloor = 64 << 30

// keepHeap has the heap's floor hold while the app runs.
func (a *App) keepHeap() {
	if a.trial == nil {
		a.heap = heap.Keep(cmp.Or(a.HeapFloor, defaultHeapFloor))
	}
}

func (a *App) leaveHeap() {
	if a.heap != nil {
		a.heap()
	}
}

// heapFloor reads the option's value.
func (a *App) heapFloor(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 1 {
		return d.ArgErr()
	}
	if args[0] == "off" {
		a.HeapFloor = -1
		return nil
	}
	n, err := humanize.ParseBytes(args[0])
	if err != nil || n == 0 || n > mostHeapFloor {
		return d.Errf("heap_floor takes a size from 1B to 64GiB such as 256MiB, or off, not %q", args[0])
	}
	a.HeapFloor = int64(n)
	return nil
}
