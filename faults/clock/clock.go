// Package clock steps the clocks of another process, and of no other: what the process then reads is the time of the
// machine and so much more. The binary that is tested stays as it was built, and the machine's clock is left alone.
//
// Programs ask for the time without the kernel, by a function that it maps into each of them (vdso(7)). Of this
// mapping the process gets a copy of its own, in which that function asks the kernel and adds what it is told.
package clock

import "errors"

// ErrUnsupported says that clocks cannot be stepped here.
var ErrUnsupported = errors.New("stepping the clocks of a process is known for Linux on amd64 alone")
