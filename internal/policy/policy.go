// Package policy is the authorize stage: policies in Rego, evaluated in this process. Load turns a folder into an
// immutable snapshot, Prepare picks the query of a route out of it, and the Query decides requests. Only a boolean
// true lets a request through: undefined, an error, a time-out, a panic and every other value are denials, so that a
// policy needs no `default allow := false`.
//
// One file, one subject: folder.go reads the files, compile.go compiles them, diagnostic.go says where a mistake is,
// reach.go finds which parts of input a query can read, input.go builds those, query.go prepares, decide.go
// evaluates, answer.go and fields.go read what the policy said.
package policy

import (
	"context"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// DefaultLimit is how long one decision may take unless Options say otherwise.
const DefaultLimit = 100 * time.Millisecond

// Options are what an operator can set about the evaluation of policies.
type Options struct {
	// Limit is the time one decision may take, after which it is a denial; 100 ms by default, at most 10 s.
	Limit time.Duration

	// Observers are told of every decision.
	Observers []Observer

	now func() time.Time // the clock of the limit, time.Now unless a test sets it
}

// maxLimit bounds Options.Limit: a caller waits for the decision.
const maxLimit = 10 * time.Second

// Snapshot is a set of policies and their data, compiled. It never changes, and many goroutines may use it at once:
// new policies are a new snapshot, with a store of its own, so that no decision ever waits for a writer.
type Snapshot struct {
	compiler *ast.Compiler
	store    storage.Store
	txn      storage.Transaction // one reader for all decisions, since nobody writes
	sources  sources
	limit    time.Duration
	now      func() time.Time
	revision string

	observers []Observer
}

// Revision is what the author of the policies calls this state of them, as the manifest of a bundle tells it; empty for
// a folder, which has none.
func (s *Snapshot) Revision() string { return s.revision }

// Load reads policies (*.rego, Rego v1, without *_test.rego) and data (*.json, *.yaml, *.yml, placed under the path of
// their folder) from each of paths, a folder or a file, and compiles them. All mistakes are reported at once, with
// the file as it is reached from paths; with any error there is no snapshot.
func Load(ctx context.Context, paths []string, opts Options) (*Snapshot, hcl.Diagnostics) {
	if opts.Limit == 0 {
		opts.Limit = DefaultLimit
	}
	if opts.now == nil {
		opts.now = time.Now
	}
	if opts.Limit < 0 || opts.Limit > maxLimit {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Time limit out of range",
			Detail:   "A decision may be given more than 0 s and at most " + maxLimit.String() + ", not " + opts.Limit.String() + ".",
		}}
	}
	found, diags := readFolders(ctx, paths)
	compiler, more := compile(found)
	diags = append(diags, more...)
	if diags.HasErrors() {
		return nil, diags
	}
	store, err := newStore(ctx, found.data)
	if err == nil {
		var txn storage.Transaction
		if txn, err = store.NewTransaction(ctx); err == nil {
			return &Snapshot{compiler: compiler, store: store, txn: txn, sources: found.sources, limit: opts.Limit, now: opts.now, observers: opts.Observers}, diags
		}
	}
	return nil, append(diags, fileDiagnostic(paths[0], "Data cannot be stored", err.Error()+"."))
}

// newStore puts data into a store that hands out the values policies compute with, so that a decision converts
// nothing and cannot change the data.
func newStore(ctx context.Context, data map[string]any) (storage.Store, error) {
	store := inmem.NewWithOpts(inmem.OptReturnASTValuesOnRead(true), inmem.OptRoundTripOnWrite(false))
	return store, storage.WriteOne(ctx, store, storage.AddOp, storage.RootPath, data)
}
