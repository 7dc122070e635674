package policy

import (
	"context"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/bundle"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/watch"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// isArchive says whether a path is that of a bundle rather than of a folder.
func isArchive(path string) bool {
	return strings.HasSuffix(path, ".tar.gz") || strings.HasSuffix(path, ".tgz")
}

// archive takes policies from a bundle that lies in a file, which is watched as a folder is.
type archive struct {
	path string

	mu   sync.Mutex
	seen uint64 // the file of the snapshot
	last *policy.Snapshot
}

// Load reads the bundle unless it is the very one of the last load.
func (a *archive) Load(ctx context.Context) (*policy.Snapshot, []string, map[string][]byte, hcl.Diagnostics) {
	a.mu.Lock()
	defer a.mu.Unlock()
	files := []string{a.path}
	now := watch.Fingerprint(files)
	if a.last != nil && now == a.seen {
		return a.last, files, nil, nil
	}
	text, err := stage.Read(a.path, defaultSize)
	if err != nil {
		return nil, files, nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Unreadable bundle", Detail: err.Error() + ".",
			Subject: &hcl.Range{Filename: a.path, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	snapshot, diags := bundle.ReadTrusted(ctx, a.path, text, bundle.Bounds{Packed: defaultSize, Unpacked: unpackedTimes * defaultSize}, policy.Options{})
	if !diags.HasErrors() {
		a.last, a.seen = snapshot, now
	}
	return snapshot, files, nil, diags
}

// Interface guards
var _ gateway.PolicySource = (*archive)(nil)
