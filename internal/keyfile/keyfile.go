// Package keyfile changes files of API keys: it adds keys, takes them off and replaces them, while others may do the
// same and gateways read the file. Whoever reads finds the file as it was or as it is meant to be, never a part.
package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/identity"
)

// Broken is a key file with mistakes, which is left as it is.
type Broken struct {
	Diagnostics hcl.Diagnostics
	Sources     map[string][]byte // the file's text, to show the lines that are meant
}

// Error lists the mistakes.
func (b *Broken) Error() string {
	var lines []string
	for _, d := range b.Diagnostics {
		lines = append(lines, diagnostic.Line(d))
	}
	return strings.Join(lines, "; ")
}

// Read gives the keys of a file.
func Read(path string) (*identity.KeySet, error) {
	_, keys, err := read(path)
	return keys, err
}

// Add makes a key of what k says and adds its line at the end of the file, which is made where there is none, for its
// owner alone. printed is the key itself, which is kept nowhere.
func Add(path string, k *identity.Key) (printed string, made bool, err error) {
	made, err = change(path, true, func(t *text, _ *identity.KeySet) error {
		if printed, err = identity.NewKey(k); err != nil {
			return err
		}
		t.add(len(t.lines), k.Line())
		return nil
	})
	if err != nil {
		return "", false, err
	}
	return printed, made, nil
}

// Revoke takes a key off the file, and gives what the file said of it. Its line goes altogether: a file says which keys
// are good and nothing else, so that no line of it can be read in two ways. What was is for version control to keep.
func Revoke(path, id string) (*identity.Key, error) {
	var revoked *identity.Key
	_, err := change(path, false, func(t *text, keys *identity.KeySet) error {
		if revoked = keys.Lookup(id); revoked == nil {
			return missing(path, id, keys)
		}
		i := t.find(id)
		t.lines = append(t.lines[:i], t.lines[i+1:]...)
		return nil
	})
	return revoked, err
}

// Rotate makes a key that may do what another may, and gives that one an end. until is the instant from which the old
// key is not accepted any more, unless it ends earlier by itself; edit may change what the new key says.
func Rotate(path, id string, until time.Time, edit func(*identity.Key) error) (printed string, made, old *identity.Key, err error) {
	_, err = change(path, false, func(t *text, keys *identity.KeySet) error {
		found := keys.Lookup(id)
		if found == nil {
			return missing(path, id, keys)
		}
		before, after := *found, *found
		if before.Name == before.Consumer { // it was not written
			before.Name, after.Name = "", ""
		}
		if err := edit(&after); err != nil {
			return err
		}
		if printed, err = identity.NewKey(&after); err != nil {
			return err
		}
		if before.Expires.IsZero() || until.Before(before.Expires) {
			before.Expires = until
		}
		i := t.find(id)
		t.replace(i, before.Line())
		t.add(i+1, after.Line())
		made, old = &after, &before
		return nil
	})
	if err != nil {
		return "", nil, nil, err
	}
	return printed, made, old, nil
}

func missing(path, id string, keys *identity.KeySet) error {
	var ids []string
	for _, k := range keys.All() {
		ids = append(ids, k.ID)
	}
	if strings.HasPrefix(id, "wg_") { // which is perhaps a whole key
		return fmt.Errorf("%s has no such key; a key is named by its id, the 12 characters after wg_", path)
	}
	return fmt.Errorf("%s has no key %q.%s", path, id, diagnostic.DidYouMean(id, ids))
}

// text is a file, line by line, each with its end as it is.
type text struct{ lines []string }

// end is how the file ends its lines.
func (t *text) end() string {
	if len(t.lines) > 0 && strings.HasSuffix(t.lines[0], "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// add puts a line before the one at i.
func (t *text) add(i int, line string) {
	end := t.end()
	if i > 0 && !strings.HasSuffix(t.lines[i-1], "\n") {
		t.lines[i-1] += end
	}
	t.lines = append(t.lines[:i], append([]string{line + end}, t.lines[i:]...)...)
}

func (t *text) replace(i int, line string) {
	was := t.lines[i]
	t.lines[i] = line + was[len(strings.TrimRight(was, "\r\n")):]
}

// find gives the line of a key that the file is known to have.
func (t *text) find(id string) int {
	for i, line := range t.lines {
		if words := strings.Fields(line); len(words) > 0 && words[0] == id {
			return i
		}
	}
	return -1
}

// change reads a file, has edit change it, and puts what has become of it in its place, if that has no mistakes either.
// Nobody else changes a file of the folder meanwhile.
func change(path string, create bool, edit func(*text, *identity.KeySet) error) (made bool, err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil { // it is the file that is replaced, not a link to it
		path = target
	}
	unlock, err := lock(filepath.Dir(path))
	if err != nil {
		return false, fmt.Errorf("locking the folder of %s: %w", path, err)
	}
	defer unlock()
	src, keys, err := read(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		made, keys, err = true, &identity.KeySet{}, nil
	}
	if err != nil {
		return false, err
	}
	t := &text{lines: strings.SplitAfter(string(src), "\n")}
	if n := len(t.lines); t.lines[n-1] == "" {
		t.lines = t.lines[:n-1]
	}
	if err := edit(t, keys); err != nil {
		return false, err
	}
	next := []byte(strings.Join(t.lines, ""))
	if _, err := parse(path, next); err != nil { // too large, or too many keys
		return false, err
	}
	return made, write(path, next, made)
}

func read(path string) ([]byte, *identity.KeySet, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would never end
		return nil, nil, fmt.Errorf("%s is not a regular file", path)
	}
	src, err := io.ReadAll(io.LimitReader(f, identity.MaxKeyFile+1))
	if err != nil {
		return nil, nil, err
	}
	keys, err := parse(path, src)
	return src, keys, err
}

func parse(path string, src []byte) (*identity.KeySet, error) {
	keys, diags := identity.ParseKeys(path, src)
	if diags.HasErrors() {
		return nil, &Broken{Diagnostics: diags, Sources: map[string][]byte{path: bytes.Clone(src)}}
	}
	return keys, nil
}
