// Package policy is the authorize stage: policies in Rego, evaluated in this process. Load and ReadBundle turn a folder
// or an OPA bundle into an immutable snapshot, Prepare picks the query of a route out of it, and the Query decides
// requests. Only a boolean true lets a request through: undefined, an error, a time-out, a panic and every other value
// are denials, so that a policy needs no `default allow := false`.
//
// One file, one subject: folder.go reads the files, bundle.go a bundle, of whose data base.go makes one, foresee.go finds
// what policies read of it and store.go lets them read it, compile.go compiles policies, mistakes.go finds the mistakes that hide behind others, diagnostic.go says where one is, reach.go finds which parts of input a query can read, input.go says what parts
// there are, input_document.go builds those that are read and tells requests apart by them, query.go prepares,
// waiting.go stands in for policies that are not there yet, decide.go evaluates, answer.go and fields.go read what the
// policy said.
package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

	// Cache is how many bytes of decisions are remembered for equal requests; 32 MiB by default, at most 1 GiB, and a
	// negative number for none.
	Cache int

	// Allow are built-in functions that policies may call although they reach into the network or the process, or answer
	// the same question differently each time: names of Refusable. None by default. Decisions that can reach one are not
	// remembered.
	Allow []string

	now func() time.Time // the clock of the limit, time.Now unless a test sets it
}

// MaxLimit bounds Options.Limit: a caller waits for the decision.
const MaxLimit = 10 * time.Second

// maxCache bounds Options.Cache, in bytes.
const maxCache = 1 << 30

// Snapshot is a set of policies and their data, compiled. It never changes, and many goroutines may use it at once:
// new policies are a new snapshot, with a store of its own, so that no decision ever waits for a writer.
type Snapshot struct {
	compiler *ast.Compiler
	store    storage.Store
	txn      storage.Transaction // one reader for all decisions, since nobody writes
	sources  sources
	limit    time.Duration
	now      func() time.Time
	reaching bool // policies may call what waits for others, which the deadline of evaluation alone does not end
	revision string
	waiting  string // why what is not defined may still come, for the log; empty where it cannot

	observers []Observer
	hidings   *hidings
	cache     *cache // nil where nothing is remembered
	asked     *asked
	counts    *Counts
	alarm     func(text string)   // nil for nobody
	each      func(*Query) *Query // what becomes of each query prepared; nil lets it be
}

// Revision is what the author of the policies calls this state of them, as the manifest of a bundle tells it; empty for
// a folder, which has none.
func (s *Snapshot) Revision() string { return s.revision }

// Load reads policies (*.rego, Rego v1, without *_test.rego) and data (*.json, *.yaml, *.yml, placed under the path of
// their folder) from each of paths, a folder or a file, and compiles them. All mistakes are reported at once, with
// the file as it is reached from paths; with any error there is no snapshot.
func Load(ctx context.Context, paths []string, opts Options) (*Snapshot, hcl.Diagnostics) {
	opts, diags := opts.checked()
	if diags.HasErrors() {
		return nil, diags
	}
	found, diags := readFolders(ctx, paths, false)
	return found.snapshot(ctx, paths[0], "", opts, diags)
}

// checked fills in what Options leave open, and tells what is out of bounds.
func (o Options) checked() (Options, hcl.Diagnostics) {
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.Limit < 0 || o.Limit > MaxLimit {
		return o, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Time limit out of range",
			Detail:   "A decision may be given more than 0 s and at most " + MaxLimit.String() + ", not " + o.Limit.String() + ".",
		}}
	}
	if o.Cache > maxCache {
		return o, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Memory for decisions out of range",
			Detail:   fmt.Sprintf("At most %d bytes of decisions are remembered, not %d.", maxCache, o.Cache),
		}}
	}
	if o.Cache == 0 {
		o.Cache = DefaultCache
	}
	for _, name := range o.Allow {
		if !refused(name) || !slices.Contains(Refusable(), name) {
			return o, hcl.Diagnostics{{
				Severity: hcl.DiagError,
				Summary:  "No function to allow",
				Detail:   fmt.Sprintf("%q is not a built-in function that is refused otherwise.%s Those are: %s.", name, didYouMean(name, Refusable()), strings.Join(Refusable(), ", ")),
			}}
		}
	}
	return o, nil
}

// snapshot compiles what was found under a name; diags are the mistakes so far.
func (f *folders) snapshot(ctx context.Context, name, revision string, opts Options, diags hcl.Diagnostics) (*Snapshot, hcl.Diagnostics) {
	f.allowed = opts.Allow
	compiler, more := compile(f)
	diags = append(diags, more...)
	if diags.HasErrors() {
		return nil, diags
	}
	var (
		store storage.Store
		err   error
	)
	if f.base != nil {
		store, f.base = newStore(*f.base, foresee(compiler)), nil
	} else {
		store, err = f.store(ctx)
	}
	if err == nil {
		var txn storage.Transaction
		if txn, err = store.NewTransaction(ctx); err == nil {
			s := &Snapshot{compiler: compiler, store: store, txn: txn, sources: f.sources, limit: opts.Limit, now: opts.now, reaching: len(opts.Allow) > 0, revision: revision, asked: &asked{last: map[string]*Query{}}, hidings: &hidings{}, counts: &Counts{}}
			if opts.Cache > 0 {
				s.cache = newCache(opts.Cache)
			}
			return s, diags
		}
	}
	return nil, append(diags, fileDiagnostic(name, "Data cannot be stored", err.Error()+"."))
}

// store holds the data of folders in the values that policies compute with, so that a decision converts nothing and cannot
// change the data.
func (f *folders) store(ctx context.Context) (storage.Store, error) {
	store := inmem.NewWithOpts(inmem.OptReturnASTValuesOnRead(true), inmem.OptRoundTripOnWrite(false))
	return store, storage.WriteOne(ctx, store, storage.AddOp, storage.RootPath, f.data)
}
