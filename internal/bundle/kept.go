package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/pace"
)

// kept is where the last good bundle of an address lies: its archive, and beside it what the server called it.
type kept struct {
	folder string
	name   string // of both files, without their endings
}

// keptBeside is what is known of an archive on disk. It counts only for the archive whose hash it names.
type keptBeside struct {
	SHA256 string `json:"sha256"`
	ETag   string `json:"etag"`
}

func newKept(folder, address string) kept {
	sum := sha256.Sum256([]byte(address))
	return kept{folder, hex.EncodeToString(sum[:16])}
}

func (k kept) archive() string { return filepath.Join(k.folder, k.name+".tar.gz") }
func (k kept) beside() string  { return filepath.Join(k.folder, k.name+".json") }

// read gives the files of the archive, its hash and its ETag; no files where none is kept.
func (k kept) read(bounds Bounds) (files []archive.File, hash, etag string, err error) {
	file, err := os.Open(k.archive())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", "", nil
	}
	if err != nil {
		return nil, "", "", fmt.Errorf("reading the bundle kept: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	packed, err := io.ReadAll(io.LimitReader(file, bounds.Packed+1))
	if err != nil {
		return nil, "", "", fmt.Errorf("reading the bundle kept: %w", err)
	}
	if files, err = unpack(packed, bounds); err != nil {
		return nil, "", "", fmt.Errorf("reading the bundle kept: %w", err)
	}
	var beside keptBeside
	if text, err := os.ReadFile(k.beside()); err == nil && json.Unmarshal(text, &beside) == nil && beside.SHA256 == sum(packed) {
		etag = beside.ETag
	}
	return files, sum(packed), etag, nil
}

// since is when the archive was put there, which was when its policies came into force; nil where that is not known.
func (k kept) since() *time.Time {
	info, err := os.Stat(k.archive())
	if err != nil {
		return nil
	}
	at := info.ModTime()
	return &at
}

// write keeps an archive in place of the last. Either lies there whole after a crash.
func (k kept) write(packed []byte, etag string) error {
	beside, err := json.Marshal(keptBeside{SHA256: sum(packed), ETag: etag})
	if err != nil {
		return fmt.Errorf("keeping the bundle: %w", err)
	}
	if err := os.MkdirAll(k.folder, 0o700); err != nil {
		return fmt.Errorf("keeping the bundle: %w", err)
	}
	if err := replace(k.archive(), packed); err != nil {
		return fmt.Errorf("keeping the bundle: %w", err)
	}
	if err := replace(k.beside(), beside); err != nil {
		return fmt.Errorf("keeping the bundle: %w", err)
	}
	return nil
}

// replace writes a file in place of another at once, synced.
func replace(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if folder, err := os.Open(filepath.Dir(path)); err == nil { // not every system lets one sync a folder
		_ = folder.Sync()  //nolint:errcheck // see above
		_ = folder.Close() //nolint:errcheck // it was only synced
	}
	return nil
}

func sum(packed []byte) string {
	h := sha256.New()
	var step pace.Pace
	// All at once, nobody could interrupt it, and a collection of garbage would have everybody wait for it.
	for part := range slices.Chunk(packed, maxAtOnce) {
		_, _ = h.Write(part) // it never fails
		step.Rest()
	}
	return hex.EncodeToString(h.Sum(nil))
}
