// Package regotest runs the tests that stand in *_test.rego beside policies: rules called test_*, with OPA's own tester,
// under the rules by which the gateway loads policies. It shows the expression at which a test failed, with the values
// in it, and how much of the policies the tests reach.
package regotest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/report"
)

const (
	// limit is how long one test may take: 10 s. A decision has far less, but a test may make many.
	limit = 10 * time.Second
	// maxExplained bounds the failed tests that are run again to see where they fail.
	maxExplained = 50
	// maxOutput bounds what is shown of what a test prints, in bytes.
	maxOutput = 64 << 10
)

// Options say what is run.
type Options struct {
	// Name is a regular expression that the full name of a test matches, data.shop.orders_test.test_x; "" for all.
	Name string
	// Selected says which files' tests are told, and which files' coverage; nil for all.
	Selected func(file string) bool
	// Coverage says that what the tests reach is told.
	Coverage bool
}

// Run runs the tests of a suite that has no mistakes. The files are nil unless coverage is asked for.
func Run(ctx context.Context, s *policy.Suite, o Options) (results []report.Result, files []report.File, err error) {
	if o.Selected == nil {
		o.Selected = func(string) bool { return true }
	}
	store, err := s.Store(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("storing the policies' data: %w", err)
	}
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the policies' data: %w", err)
	}
	defer store.Abort(ctx, txn)
	r := &runner{suite: s, store: store, txn: txn, compiler: s.Compiler()}
	all := r.tester(o.Name).SetModules(s.Modules())
	var reached *cover.Cover
	if o.Coverage {
		reached = cover.New()
		all.SetCoverageQueryTracer(reached).SetCoverageRuns(nil)
	}
	running, err := all.RunTests(ctx, txn)
	if err != nil {
		return nil, nil, fmt.Errorf("running the policies' tests: %w", err)
	}
	var found []*tester.Result
	for f := range running { // to the end: what runs again changes the compiler
		if o.Selected(f.Location.File) {
			found = append(found, f)
		}
	}
	for _, f := range found {
		results = append(results, r.results(ctx, f)...)
	}
	if reached != nil {
		files = coverage(reached.Report(s.Modules()), o.Selected)
	}
	return results, files, ctx.Err()
}

// runner is one run of a suite's tests.
type runner struct {
	suite     *policy.Suite
	store     storage.Store
	txn       storage.Transaction
	compiler  *ast.Compiler // compiled by the first tester, for all of them
	explained int
}

func (r *runner) tester(name string) *tester.Runner {
	return tester.NewRunner().SetCompiler(r.compiler).SetStore(r.store).SetDefaultRegoVersion(ast.RegoV1).
		RaiseBuiltinErrors(true).SetTimeout(limit).Filter(name)
}

// results gives what became of a test: one result, or one for each of its cases where it is a table of them.
func (r *runner) results(ctx context.Context, f *tester.Result) []report.Result {
	whole := report.Result{
		Kind: report.Rego, Group: f.Package, Name: f.Name, Range: r.suite.Range(f.Location), Outcome: report.Passed,
		Took: f.Duration, Output: output(f.Output),
	}
	switch {
	case f.Skip:
		whole.Outcome = report.Skipped
	case f.Error != nil:
		whole.Outcome = report.Failed
		whole.Failures = hcl.Diagnostics{r.failed(f.Error, whole.Range)}
	case f.Fail:
		whole.Outcome = report.Failed
	}
	if f.Skip || f.Error != nil {
		return []report.Result{whole}
	}
	var explained *explanation
	if f.Fail {
		explained = r.explain(ctx, f)
	}
	var leaves []report.Result
	for path, sub := range f.SubResults.Iter {
		if len(sub.SubResults) > 0 {
			continue
		}
		leaf := whole
		leaf.Name = f.Name + "/" + strings.Join(path, "/")
		leaf.Outcome, leaf.Output, leaf.Took = report.Passed, "", f.Duration/time.Duration(max(1, len(f.SubResults)))
		if sub.Fail {
			leaf.Outcome, leaf.Output = report.Failed, whole.Output
			leaf.Failures = hcl.Diagnostics{explained.of(strings.Join(path, "/"), whole.Range)}
		}
		leaves = append(leaves, leaf)
	}
	if len(leaves) > 0 {
		return leaves
	}
	if f.Fail {
		whole.Failures = hcl.Diagnostics{explained.of("", whole.Range)}
	}
	return []report.Result{whole}
}

// failed tells of a test that ended in an error.
func (r *runner) failed(err error, at hcl.Range) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "The test ended in an error", Detail: err.Error() + ".", Subject: &at}
	var e *topdown.Error
	if errors.As(err, &e) {
		d.Detail = e.Message + "."
		if topdown.IsCancel(err) {
			d.Detail = fmt.Sprintf("It took longer than %v.", limit)
		}
		if e.Location != nil && e.Location.HasFile() {
			at = r.suite.Range(e.Location)
		}
	}
	return d
}

func output(b []byte) string {
	if len(b) > maxOutput {
		return strings.ToValidUTF8(string(b[:maxOutput]), "") + "…\n"
	}
	return string(b)
}
