package pace

import "runtime"

// Aside runs f in a thread of its own that leaves the processors to others sooner: where requests and long work want the
// same processor, the system lets a thread go on for milliseconds that has just begun. It steps aside as far as the
// system knows how, and otherwise not. f's panic is the caller's, as if it had called it.
func Aside(f func()) {
	var panicked any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		// It is never unlocked, so that the thread ends with the goroutine, and nothing else runs in it.
		runtime.LockOSThread()
		lower()
		f()
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
}
