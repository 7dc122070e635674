package gateway

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/watch"
)

// TestReadMeanwhile has a file change while it is loaded, and change back: what it said when the load began is not to
// pass for what was read.
func TestReadMeanwhile(t *testing.T) {
	files := []string{filepath.Join(t.TempDir(), "partners.keys")}
	write := func(content string) {
		if err := os.WriteFile(files[0], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name    string
		known   []string // the files of the load before
		written time.Time
		same    bool
	}{
		{"settled", files, old, true},
		{"settled, files not read before", nil, old, true},
		{"written meanwhile", files, time.Time{}, false},
		{"written meanwhile, files not read before", nil, time.Time{}, false},
	} {
		a := &App{files: c.known}
		write("without the key")
		began, contents := time.Now(), watch.Contents(c.known, loads)
		if c.written.IsZero() {
			write("with the key") // which the load reads
		} else if err := os.Chtimes(files[0], c.written, c.written); err != nil {
			t.Fatal(err)
		}
		a.read(files, began, contents)
		write("without the key")
		if same := watch.Contents(a.files, loads) == a.contents; same != c.same {
			t.Errorf("%s: the same as was read is %v", c.name, same)
		}
	}
}

// TestMovedMeanwhile has a file moved into the place of another while it is loaded, long after it was written: its time says
// nothing, and it is looked at again all the same.
func TestMovedMeanwhile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "partners.keys")
	old := time.Now().Add(-time.Hour)
	place := func(content string) {
		if err := errors.Join(os.WriteFile(file+".new", []byte(content), 0o600), os.Chtimes(file+".new", old, old), os.Rename(file+".new", file)); err != nil {
			t.Fatal(err)
		}
	}
	place("without the key")
	a := &App{files: []string{file}}
	began, contents := time.Now(), watch.Contents(a.files, loads)
	a.read(a.files, began, contents)
	if a.seen == 0 {
		t.Error("files that nobody touched are looked at again")
	}
	began, contents = time.Now(), watch.Contents(a.files, loads)
	place("with the key")
	a.read(a.files, began, contents)
	if a.seen != 0 || a.contents != [32]byte{} {
		t.Errorf("what was moved into place passes for what was read: %v, %x", a.seen, a.contents)
	}
}
