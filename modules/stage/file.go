package stage

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// named are the lines of Caddyfiles that name files, by the file's path: a mistake in a file shows when Caddy loads its JSON,
// which tells no lines. At most 1000; it is begun anew then, and some mistakes are told without a line.
var named struct {
	sync.Mutex
	at map[string]string
}

const mostNamed = 1000

// Path makes a path of a Caddyfile, which is relative to it, one that is relative to the working folder.
func Path(d *caddyfile.Dispenser, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(d.File()), path)
	}
	named.Lock()
	defer named.Unlock()
	if named.at == nil || len(named.at) >= mostNamed {
		named.at = make(map[string]string)
	}
	named.at[path] = fmt.Sprintf("%s:%d", d.File(), d.Line())
	return path
}

// Read reads a file of at most limit bytes; one byte more is kept of a larger one, so that whoever understands the
// file says that it is too large. An error tells the line of the Caddyfile that named the file, where one did in this process.
func Read(path string, limit int64) ([]byte, error) {
	text, err := read(path, limit)
	if err == nil {
		return text, nil
	}
	named.Lock()
	defer named.Unlock()
	if at := named.at[path]; at != "" {
		err = fmt.Errorf("%w, at %s", err, at)
	}
	return nil, err
}

func read(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would never end
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return io.ReadAll(io.LimitReader(f, limit+1))
}
