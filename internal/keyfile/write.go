package keyfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// write puts a file in the place of another, or makes it: all of it or nothing, also if the power goes. Its mode and
// owner stay.
func write(path string, content []byte, made bool) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err == nil && !made {
		err = keep(f, path)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	syncFolder(folder)
	return nil
}

// keep gives a file the mode and the owner of the one whose place it takes.
func keep(f *os.File, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := own(f, info); err != nil {
		return fmt.Errorf("keeping the owner, who should change the file: %w", err)
	}
	return f.Chmod(info.Mode().Perm())
}

// syncFolder has the new name outlast a crash. By then the file is in its place, and not all systems can do this, so that
// no failure of it is one of the change.
func syncFolder(path string) {
	if folder, err := os.Open(path); err == nil {
		folder.Sync()  //nolint:errcheck // see above
		folder.Close() //nolint:errcheck // it was only synced
	}
}
