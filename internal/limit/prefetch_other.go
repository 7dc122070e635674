//go:build !amd64 && !arm64

package limit

import "sync/atomic"

// prefetch has the processor get a slot.
func prefetch(sl *slot) { atomic.LoadUint64(&sl.key.where) }
