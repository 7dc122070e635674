package stage

import (
	"fmt"
	"io"
	"os"
)

// Read reads a file of at most limit bytes; one byte more is kept of a larger one, so that whoever understands the
// file says that it is too large.
func Read(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would never end
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return io.ReadAll(io.LimitReader(f, limit+1))
}
