//go:build unix

package http1

import "golang.org/x/sys/unix"

// quiet says that nothing is to be read of a socket, not even its end. It does not wait.
func quiet(fd uintptr) bool {
	var one [1]byte
	_, err := unix.Read(int(fd), one[:])                 //nolint:gosec // a descriptor fits
	return err == unix.EAGAIN || err == unix.EWOULDBLOCK //nolint:errorlint // it is a number
}
