// Package policy faces Caddy for the authorize stage: the directive api_policy, and where policies come from.
package policy

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/watch"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(new(Folder))
}

// Folder takes policies from folders: every *.rego in them but tests, and *.json and *.yaml as data below the path of
// their folder. The folders are watched; a change is compiled and swapped in, and a broken one changes nothing.
type Folder struct {
	// The folders, and single files. At least one.
	Paths []string `json:"paths"`

	Evaluation

	// A hash of all files, which the Caddyfile adapter writes so that a reload of Caddy sees a change of theirs; it
	// says nothing to the gateway. Default: none.
	FilesHash string `json:"files_hash,omitempty"`

	mu   sync.Mutex
	seen uint64 // the files of the snapshot
	last *policy.Snapshot
}

// CaddyModule returns the Caddy module information.
func (*Folder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "api_gateway.policies.folder",
		New: func() caddy.Module { return new(Folder) },
	}
}

// Provision finds the candidate.
func (f *Folder) Provision(ctx caddy.Context) error { return f.provision(ctx) }

// String names the folders.
func (f *Folder) String() string { return strings.Join(f.Paths, ", ") }

// Validate checks the fields; the policies are checked when they are loaded.
func (f *Folder) Validate() error {
	if len(f.Paths) == 0 {
		return errors.New("policies: no folder is named")
	}
	return nil
}

// Load compiles the policies unless they are the very ones of the last load.
func (f *Folder) Load(ctx context.Context) (*policy.Snapshot, []string, map[string][]byte, hcl.Diagnostics) {
	f.mu.Lock()
	defer f.mu.Unlock()
	files := f.files()
	now := watch.Fingerprint(files)
	if f.last != nil && now == f.seen {
		return f.last, files, nil, nil
	}
	snapshot, diags := policy.Load(ctx, f.Paths, f.options())
	if !diags.HasErrors() {
		f.last, f.seen = snapshot, now
	}
	return snapshot, files, nil, diags
}

// Folders implements gateway.PolicyFolder.
func (f *Folder) Folders() []string { return f.Paths }

// Unhurry implements gateway.Unhurried.
func (f *Folder) Unhurry() { f.Limit = caddy.Duration(10 * time.Second) }

// files lists what a change may change: all folders, and the files in them that are loaded.
func (f *Folder) files() []string {
	var files []string
	for _, root := range f.Paths {
		files = append(files, root)
		//nolint:errcheck // what cannot be read is told by loading it
		filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && path != root && (entry.IsDir() || policy.Loads(entry.Name())) {
				files = append(files, path)
			}
			return nil
		})
	}
	return files
}

// UnmarshalCaddyfile sets up the source:
//
//	policies [folder] <folders...> {
//		limit <time>
//		cache <size> | off
//		allow_builtin <names...>
//		shadow <folder> | <source> ...
//	}
//
// The words mean:
//
//   - limit is how long one decision may take, after which it is a denial. Default: 100ms.
//   - cache is how much memory decisions may take that are remembered for equal requests. Default: 32MiB.
//   - allow_builtin names built-in functions that policies may call although they are refused otherwise: http.send, net.…,
//     opa.runtime, rand.…. Decisions that can reach one are not remembered. Default: none.
//   - shadow says where policies come from that are tried out beside these, in the words of policies itself; none can be
//     tried out beside them in turn. They change nothing; their mistakes are warnings. Default: none.
//
// Relative paths are relative to the Caddyfile.
func (f *Folder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the word before the paths
	base := filepath.Dir(d.File())
	for _, path := range d.RemainingArgs() {
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
		f.Paths = append(f.Paths, path)
	}
	if len(f.Paths) == 0 {
		return d.ArgErr()
	}
	words := stage.NewWords("policies", evaluationWords, nil)
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err == nil {
			err = words.Once(d, word)
		}
		if err == nil {
			err = f.word(d, word)
		}
		if err != nil {
			return err
		}
	}
	f.FilesHash = watch.Hash(f.Paths, policy.Loads)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Folder)(nil)
	_ caddy.Validator       = (*Folder)(nil)
	_ caddyfile.Unmarshaler = (*Folder)(nil)
	_ gateway.PolicySource  = (*Folder)(nil)
	_ gateway.PolicyFolder  = (*Folder)(nil)
	_ gateway.Unhurried     = (*Folder)(nil)
	_ gateway.Candidate     = (*Folder)(nil)
)
