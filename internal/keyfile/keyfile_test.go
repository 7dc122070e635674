package keyfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/identity"
)

const hash = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func file(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "partners.keys")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the mask says
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func TestAdd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "partners.keys")
	k := &identity.Key{Consumer: "acme", Plan: "gold"}
	printed, made, err := Add(path, k)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := content(t, path); got != k.Line()+"\n" || strings.Contains(got, printed[16:59]) {
		t.Errorf("%q", got)
	}
	keys, err := Read(path)
	if err != nil || keys.Len() != 1 || keys.Lookup(k.ID).Plan != "gold" {
		t.Fatal(keys, err)
	}

	// What stands there stays, to the byte, and the file is whose and what it was.
	const before = "# partners\r\n\r\n\taaaaaaaaaaaa " + hash + "   consumer=globex\r\n#end"
	path = file(t, before, 0o640)
	if _, made, err = Add(path, k); err != nil || made {
		t.Fatal(made, err)
	}
	if got := content(t, path); got != before+"\r\n"+k.Line()+"\r\n" {
		t.Errorf("%q", got)
	}
	if info, err = os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestAddThroughALink(t *testing.T) {
	path := file(t, "", 0o600)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if _, _, err := Add(link, &identity.Key{Consumer: "acme"}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || content(t, path) == "" {
		t.Errorf("the link is %v, %v", info, err)
	}
}

func TestRevoke(t *testing.T) {
	a := "aaaaaaaaaaaa " + hash + " consumer=acme name=\"aaaaaaaaaaab\"\n"
	b := "aaaaaaaaaaab " + hash + " consumer=globex"
	path := file(t, "# aaaaaaaaaaab\n"+a+b, 0o600)
	k, err := Revoke(path, "aaaaaaaaaaab")
	if err != nil || k.Consumer != "globex" {
		t.Fatal(k, err)
	}
	if got := content(t, path); got != "# aaaaaaaaaaab\n"+a {
		t.Errorf("%q", got)
	}
	for id, want := range map[string]string{
		"aaaaaaaaaaab":           `has no key "aaaaaaaaaaab". Did you mean "aaaaaaaaaaaa"?`,
		"wg_aaaaaaaaaaaa_secret": "a key is named by its id, the 12 characters after wg_",
	} {
		if _, err := Revoke(path, id); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestRotate(t *testing.T) {
	until := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct{ name, fields, old string }{
		{"without an end", "consumer=acme plan=gold scopes=a,b", "consumer=acme expires=2026-11-02T12:00:00Z plan=gold scopes=a,b"},
		{"with a later end", "consumer=acme expires=2027-01-01T00:00:00Z", "consumer=acme expires=2026-11-02T12:00:00Z"},
		{"with an earlier end", "consumer=acme expires=2026-11-02T11:00:00Z name=\"a till\"", "consumer=acme expires=2026-11-02T11:00:00Z name=\"a till\""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := file(t, "# one\naaaaaaaaaaaa  "+hash+" "+test.fields+"\n# two\n", 0o600)
			printed, made, old, err := Rotate(path, "aaaaaaaaaaaa", until, func(*identity.Key) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			want := "# one\naaaaaaaaaaaa " + hash + " " + test.old + "\n" + made.Line() + "\n# two\n"
			if got := content(t, path); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if !strings.HasSuffix(made.Line(), " "+test.fields) || !strings.HasPrefix(printed, "wg_"+made.ID) || old.ID != "aaaaaaaaaaaa" {
				t.Errorf("%s %s", made.Line(), printed[:15])
			}
		})
	}
	path := file(t, "aaaaaaaaaaaa "+hash+" consumer=acme\n", 0o600)
	refused := errors.New("no")
	if _, _, _, err := Rotate(path, "aaaaaaaaaaaa", until, func(*identity.Key) error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	if _, _, _, err := Rotate(path, "bbbbbbbbbbbb", until, nil); err == nil {
		t.Error("an unknown key was rotated")
	}
}

// A file with mistakes stays as it is, and so does one that would have some.
func TestBroken(t *testing.T) {
	const broken = "aaaaaaaaaaaa " + hash + " consumer=acme\nbbbbbbbbbbbb nothing\n"
	path := file(t, broken, 0o600)
	_, _, add := Add(path, &identity.Key{Consumer: "acme"})
	_, revoke := Revoke(path, "aaaaaaaaaaaa")
	for _, err := range []error{add, revoke} {
		var b *Broken
		if !errors.As(err, &b) || !strings.Contains(err.Error(), path+":2:14") {
			t.Errorf("%v", err)
		}
	}
	if got := content(t, path); got != broken {
		t.Errorf("%q", got)
	}
	path = file(t, "", 0o600)
	for _, k := range []*identity.Key{{}, {Consumer: "a\nb"}, {Consumer: "a", Name: "b\n"}, {Consumer: "a", Scopes: []string{"a b"}}} {
		if _, _, err := Add(path, k); err == nil || content(t, path) != "" {
			t.Errorf("%+v was added: %v", k, err)
		}
	}
	if _, err := Revoke(filepath.Join(t.TempDir(), "none"), "aaaaaaaaaaaa"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, _, err := Add(t.TempDir(), &identity.Key{Consumer: "acme"}); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Error(err)
	}
}

// TestConcurrent has many add keys at once: none is lost, and whoever reads finds whole files only.
func TestConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "partners.keys")
	const writers, each = 8, 6
	var all sync.WaitGroup
	done := make(chan struct{})
	for range writers {
		all.Go(func() {
			for range each {
				k := &identity.Key{Consumer: "acme"}
				if _, _, err := Add(path, k); err != nil {
					t.Error(err)
					return
				}
				if keys, err := Read(path); err != nil || keys.Lookup(k.ID) == nil {
					t.Errorf("%s is lost: %v", k.ID, err)
				}
			}
		})
	}
	go func() { all.Wait(); close(done) }()
	for {
		select {
		case <-done:
			if keys, err := Read(path); err != nil || keys.Len() != writers*each {
				t.Errorf("%v, %v", keys, err)
			}
			return
		default:
			if _, err := Read(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
}
