package gateway

import (
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
