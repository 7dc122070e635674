package regotest

import (
	"cmp"
	"slices"

	"github.com/open-policy-agent/opa/v1/cover"

	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/report"
)

// coverage is how much of each selected policy the tests reach, by name. What tests themselves are made of does not
// count.
func coverage(from cover.Report, selected func(string) bool) []report.File {
	files := []report.File{}
	for name, f := range from.Files {
		if policy.IsTest(name) || !selected(name) {
			continue
		}
		files = append(files, report.File{Name: name, Covered: f.CoveredLines, Uncovered: f.NotCoveredLines, Lines: spans(f.NotCovered)})
	}
	slices.SortFunc(files, func(a, b report.File) int { return cmp.Compare(a.Name, b.Name) })
	return files
}

// spans joins ranges that touch to lines.
func spans(ranges []cover.Range) []report.Span {
	slices.SortFunc(ranges, func(a, b cover.Range) int { return cmp.Compare(a.Start.Row, b.Start.Row) })
	var lines []report.Span
	for _, r := range ranges {
		if n := len(lines); n > 0 && r.Start.Row <= lines[n-1].Last+1 {
			lines[n-1].Last = max(lines[n-1].Last, r.End.Row)
			continue
		}
		lines = append(lines, report.Span{First: r.Start.Row, Last: r.End.Row})
	}
	return lines
}
