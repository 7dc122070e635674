// Package report is what the tests of policies and cases found: one list of results, whatever kind of test they are of,
// and how people and machines are told of it.
package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// The kinds of tests, in the order in which they are told.
const (
	Rego     = "rego"     // a rule test_* of a policy's tests
	Example  = "example"  // an example of a change between versions
	Case     = "case"     // a case of a *.case.hcl file
	Coverage = "coverage" // what share of the policies the Rego tests must reach
)

var kinds = []string{Rego, Example, Case, Coverage}

// Outcome is what became of one test.
type Outcome string

// Outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is what became of one test.
type Result struct {
	Kind    string
	Group   string // what the test belongs to: a package, an API, a file
	Name    string
	Range   hcl.Range // where the test is written; without a file where that is nowhere
	Outcome Outcome
	Took    time.Duration
	// Failures say what was found wrong, each at its place. A failed test has at least one.
	Failures hcl.Diagnostics
	// Output is what the test printed.
	Output string
}

// Report is what a run of tests found.
type Report struct {
	Results []Result
	// Files are the policies that tests may reach; nil where nobody asked for coverage.
	Files []File
	// Sources are the files' contents by the names that failures use, for their lines.
	Sources map[string][]byte
}

// File is how much of one policy the tests reached.
type File struct {
	Name               string
	Covered, Uncovered int // lines
	Lines              []Span
}

// Span is lines that no test reached, from the first to the last.
type Span struct{ First, Last int }

// Percent is the share of lines that tests reached, 100 where there are none.
func Percent(files []File) float64 {
	covered, all := 0, 0
	for _, f := range files {
		covered += f.Covered
		all += f.Covered + f.Uncovered
	}
	if all == 0 {
		return 100
	}
	return 100 * float64(covered) / float64(all)
}

// Sort puts the results in the order in which they are told: by kind, group and place.
func (r *Report) Sort() {
	slices.SortStableFunc(r.Results, func(a, b Result) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			cmp.Compare(a.Group, b.Group),
			cmp.Compare(a.Range.Filename, b.Range.Filename),
			cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte),
			cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
			cmp.Compare(a.Name, b.Name),
		)
	})
}

// Count is how many of the results have an outcome.
func (r *Report) Count(of Outcome) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Outcome == of {
			n++
		}
	}
	return n
}
