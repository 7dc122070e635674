//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package keyfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// patience is how long another change may take, which is over in an instant unless its disk hangs.
const patience = 10 * time.Second

var errLocked = errors.New("another command has been changing it for too long")

// lock keeps others from changing files of a folder until unlock. It is the folder that is locked, since the files in it
// are replaced; the system lets go of it when the process ends, however it ends.
func lock(folder string) (unlock func(), err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil //nolint:errcheck // which lets go of the lock
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return nil, errors.Join(err, f.Close())
		case time.Now().After(end):
			return nil, errors.Join(errLocked, f.Close())
		}
	}
}

// own gives a file the owner that another has.
func own(f *os.File, like fs.FileInfo) error {
	want, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if is, ok := info.Sys().(*syscall.Stat_t); ok && is.Uid == want.Uid && is.Gid == want.Gid {
		return nil
	}
	return f.Chown(int(want.Uid), int(want.Gid))
}
