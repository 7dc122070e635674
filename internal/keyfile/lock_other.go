//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// patience is how long another change may take, which is over in an instant unless its disk hangs.
const patience = 10 * time.Second

// lock keeps others from changing files of a folder until unlock, by a file that only one can make.
func lock(folder string) (unlock func(), err error) {
	path := filepath.Join(folder, ".keys.lock")
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		switch {
		case err == nil:
			return func() {
				f.Close()       //nolint:errcheck // nothing was written
				os.Remove(path) //nolint:errcheck // the next to change the folder says so
			}, nil
		case !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission): // a file being removed cannot be opened
			return nil, err
		case time.Now().After(end):
			return nil, fmt.Errorf("another command has been changing it for too long; if none is running, remove %s", path)
		}
	}
}

// own leaves the owner to the system.
func own(*os.File, fs.FileInfo) error { return nil }
