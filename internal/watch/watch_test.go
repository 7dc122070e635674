package watch

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "a.hcl"), filepath.Join(dir, "b.hcl")
	write(t, file, "one")
	paths := []string{dir, file}
	seen := Fingerprint(paths)
	changed := func(what string) {
		t.Helper()
		now := Fingerprint(paths)
		if now == seen {
			t.Errorf("%s went unnoticed", what)
		}
		seen = now
	}
	if Fingerprint(paths) != seen {
		t.Error("the same files have two fingerprints")
	}
	write(t, file, "longer")
	changed("another size")
	write(t, other, "")
	changed("a file added to the folder")

	old, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, other, "change")
	if err := os.Chtimes(other, old.ModTime(), old.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, file); err != nil {
		t.Fatal(err)
	}
	changed("a file of the same size and time put in its place")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	changed("a file removed")
}

func TestSettled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.hcl")
	write(t, file, "one")
	if Settled([]string{file}, time.Now()) != 0 {
		t.Error("a file changed within the tick of its reading passes for settled")
	}
	if Settled([]string{file}, time.Now().Add(time.Hour)) == 0 {
		t.Error("a file changed long before it was read does not pass for settled")
	}
}

// TestLink is how Kubernetes updates a ConfigMap: the link that the file's link goes through is swapped.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"1", "2"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, d, "a.hcl"), d)
	}
	link := func(d string) {
		if err := os.Symlink(d, filepath.Join(dir, "new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "data")); err != nil {
			t.Fatal(err)
		}
	}
	link("1")
	paths := []string{filepath.Join(dir, "data", "a.hcl")}
	seen := Fingerprint(paths)
	link("2")
	if Fingerprint(paths) == seen {
		t.Error("a swapped link went unnoticed")
	}
}

func TestPoll(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.hcl")
	write(t, file, "")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		var loads atomic.Int64
		paths := []string{file}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Poll(ctx, time.Second, paths, Fingerprint(paths), func() ([]string, uint64) { loads.Add(1); return paths, Fingerprint(paths) })
		}()
		pass := func(seconds int, want int64, when string) {
			t.Helper()
			time.Sleep(time.Duration(seconds)*time.Second + time.Millisecond)
			synctest.Wait()
			if got := loads.Load(); got != want {
				t.Errorf("%s: %d loads, want %d", when, got, want)
			}
		}
		pass(5, 0, "nothing changed")
		write(t, file, "half")
		pass(1, 0, "just written")
		write(t, file, "half and half")
		pass(1, 0, "still being written")
		pass(1, 1, "settled")
		pass(5, 1, "nothing more changed")
		cancel()
		<-done
	})
}

func TestContents(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.hcl")
	write(t, file, "one")
	paths := []string{dir, file, filepath.Join(dir, "missing")}
	counts := func(name string) bool { return filepath.Ext(name) == ".hcl" }
	now := Contents(paths, counts)
	changed := func(what string, want bool) {
		t.Helper()
		next := Contents(paths, counts)
		if (next != now) != want {
			t.Errorf("%s: changed %v, want %v", what, next != now, want)
		}
		now = next
	}
	changed("nothing", false)
	write(t, file, "one")
	changed("the same again", false)
	write(t, file, "two")
	changed("another content", true)
	write(t, filepath.Join(dir, "b.hcl"), "")
	changed("a file added to the folder", true)
	write(t, filepath.Join(dir, "b.hcl"), "what nobody named")
	changed("a file that is not named", false)
	write(t, filepath.Join(dir, "a.hcl.new"), "")
	changed("what an editor writes beside a file", false)
	if err := os.Mkdir(filepath.Join(dir, "more"), 0o700); err != nil {
		t.Fatal(err)
	}
	changed("a folder added", true)
}

func TestHash(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.hcl"), "one")
	write(t, filepath.Join(dir, "note.txt"), "one")
	counts := func(name string) bool { return filepath.Ext(name) == ".hcl" }
	first := Hash([]string{dir}, counts)
	write(t, filepath.Join(dir, "note.txt"), "two")
	if Hash([]string{dir}, counts) != first {
		t.Error("a file of another ending counted")
	}
	write(t, filepath.Join(dir, "a.hcl"), "two")
	if Hash([]string{filepath.Join(dir, "*.hcl")}, counts) == first {
		t.Error("a change did not count")
	}
}
