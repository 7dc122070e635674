//go:build unix

package ledger

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps two processes from one folder: the store does not look for itself, and both would write over each other.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close() //nolint:errcheck // nothing was written
		return nil, errors.New("another process has it open")
	}
	return func() { f.Close() }, nil //nolint:errcheck // which ends the lock
}
