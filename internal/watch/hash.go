package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Contents is a hash of what lies in files: of their names and contents. What cannot be read, folders included, counts
// as empty.
func Contents(files []string) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		content, _ := os.ReadFile(f) //nolint:errcheck // see above
		sum := sha256.Sum256(content)
		h.Write([]byte(f + "\x00")) //nolint:errcheck // a hash takes all
		h.Write(sum[:])             //nolint:errcheck // a hash takes all
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Hash is a short hash of what lies in files, folders with all below them, and globs: of the names and contents of
// every file whose ending is in endings (".hcl"). What cannot be read counts as empty: loading says so.
func Hash(paths, endings []string) string {
	h := sha256.New()
	add := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains(endings, filepath.Ext(path)) {
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
