//go:build amd64 || arm64

package limit

// prefetch has the processor get a slot that is going to be written, and does not wait for it. Go has no words for that: what
// it reads comes as something that other processors may have too, and must be taken from them when the slot is locked; and
// it waits for what it writes that others read. So two processors with the same callers do a third more.
//
//go:noescape
func prefetch(sl *slot)
