// Package archive reads the archives that OPA bundles come in, and verifies their signatures: what is to be known of a
// bundle before anybody makes anything of it.
package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/wicketgate/wicketgate/internal/pace"
)

// maxRead is how much is read of an archive between two looks at the clock, in bytes.
const maxRead = 16 << 10

// maxFiles bounds how many files a bundle may have.
const maxFiles = 10_000

// File is a file of a bundle.
type File struct {
	Name    string // as the archive has it
	Content []byte
	Strict  bool // Verify has found that Content is strict JSON, as Check does; it need not be checked again
}

// Read gives the files of an archive, a gzip'd tar, that together have at most size bytes. It is read to its checksum.
// Folders and links are left out; a name that leads out of the archive, or is there twice, is refused.
func Read(archive []byte, size int64) ([]File, error) {
	packed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, errors.New("it is not an archive: expected tar, compressed by gzip")
	}
	unpacked := &counter{r: packed, left: size, most: size}
	entries := tar.NewReader(unpacked)
	seen := map[string]bool{}
	var files []File
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, broken(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue // nobody reads folders and links
		}
		name := path.Clean("/" + header.Name)
		if strings.Contains(header.Name, "..") && name != "/"+strings.TrimPrefix(header.Name, "/") {
			return nil, fmt.Errorf("the file %.200q lies outside of the archive", header.Name)
		}
		if seen[name] {
			return nil, fmt.Errorf("the file %.200q is there twice", header.Name)
		}
		seen[name] = true
		if len(seen) > maxFiles {
			return nil, fmt.Errorf("it has more than %d files", maxFiles)
		}
		if header.Size > unpacked.left {
			return nil, &tooLarge{size}
		}
		content := bytes.NewBuffer(make([]byte, 0, header.Size+bytes.MinRead)) // which does not grow
		if _, err := content.ReadFrom(entries); err != nil {
			return nil, broken(err)
		}
		files = append(files, File{Name: header.Name, Content: content.Bytes()})
	}
	if _, err := io.Copy(io.Discard, unpacked); err != nil { // to the checksum
		return nil, broken(err)
	}
	if len(files) == 0 {
		return nil, errors.New("it has no files")
	}
	return files, nil
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
	pace       pace.Pace
}

type tooLarge struct{ most int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("unpacked it has more than %d bytes", e.most)
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	c.pace.Rest()
	p = p[:min(len(p), maxRead)]
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, &tooLarge{c.most}
	}
	return n, err //nolint:wrapcheck // an io.Reader must give io.EOF as it is
}
