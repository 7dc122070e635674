package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxFiles bounds how many files a bundle may have.
const maxFiles = 10_000

// Bounds are how large a bundle may be, in bytes.
type Bounds struct {
	Packed   int64 // the archive
	Unpacked int64 // all files in it together
}

// inspect reads an archive to its end before anybody makes anything of it: OPA bounds each file, and not all of them
// together, and reads no further than the last of them, so that it misses a wrong checksum. It keeps nothing.
func inspect(archive []byte, bounds Bounds) error {
	packed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return errors.New("it is not an archive: expected tar, compressed by gzip")
	}
	unpacked := &counter{r: packed, left: bounds.Unpacked, most: bounds.Unpacked}
	files := tar.NewReader(unpacked)
	seen := map[string]bool{}
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return broken(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue // nobody reads folders and links
		}
		name := path.Clean("/" + header.Name)
		if strings.Contains(header.Name, "..") && name != "/"+strings.TrimPrefix(header.Name, "/") {
			return fmt.Errorf("the file %.200q lies outside of the archive", header.Name)
		}
		if seen[name] {
			return fmt.Errorf("the file %.200q is there twice", header.Name)
		}
		seen[name] = true
		if len(seen) > maxFiles {
			return fmt.Errorf("it has more than %d files", maxFiles)
		}
		if _, err := io.Copy(io.Discard, files); err != nil {
			return broken(err)
		}
	}
	if _, err := io.Copy(io.Discard, unpacked); err != nil { // to the checksum
		return broken(err)
	}
	if len(seen) == 0 {
		return errors.New("it has no files")
	}
	return nil
}

func broken(err error) error {
	var large *tooLarge
	if errors.As(err, &large) {
		return large
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut off")
	}
	return fmt.Errorf("it is damaged: %w", err)
}

// counter ends with an error where there is more to read than it may be.
type counter struct {
	r          io.Reader
	left, most int64
}

type tooLarge struct{ most int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("unpacked it has more than %d bytes", e.most)
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, &tooLarge{c.most}
	}
	return n, err //nolint:wrapcheck // an io.Reader must give io.EOF as it is
}
