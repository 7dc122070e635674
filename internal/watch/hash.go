package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
)

// Contents is a hash of what lies in files and folders: of their names, the files' contents, and of a folder the folders
// in it and the files whose name counts, so that what an editor puts beside a file while it saves it is no change. What
// cannot be read counts as empty.
func Contents(files []string, counts func(name string) bool) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			content = names(f, counts)
		}
		sum := sha256.Sum256(content)
		h.Write([]byte(f + "\x00")) //nolint:errcheck // a hash takes all
		h.Write(sum[:])             //nolint:errcheck // a hash takes all
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// names are those of what counts in a folder, in order.
func names(folder string, counts func(name string) bool) []byte {
	entries, _ := os.ReadDir(folder) //nolint:errcheck // see above
	var list []byte
	for _, e := range entries {
		if e.IsDir() || counts(e.Name()) {
			list = append(append(list, e.Name()...), 0)
		}
	}
	return list
}

// Hash is a short hash of what lies in files, folders with all below them, and globs: of the names and contents of
// every file whose name counts. What cannot be read counts as empty: loading says so.
func Hash(paths []string, counts func(name string) bool) string {
	h := sha256.New()
	add := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !counts(entry.Name()) {
			return nil
		}
		content, _ := os.ReadFile(path) //nolint:errcheck // see above
		sum := sha256.Sum256(content)
		h.Write([]byte(path + "\x00")) //nolint:errcheck // a hash takes all
		h.Write(sum[:])                //nolint:errcheck // a hash takes all
		return nil
	}
	for _, p := range paths {
		matches, err := filepath.Glob(p)
		if err != nil {
			continue
		}
		for _, m := range matches {
			filepath.WalkDir(m, add) //nolint:errcheck // add returns no error
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
