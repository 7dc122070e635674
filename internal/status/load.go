package status

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// maxMistakes bounds the mistakes of a load that are told one by one: 100.
const maxMistakes = 100

// Load is what became of the loads of files. A value is never changed once it is given away.
type Load struct {
	// How many loads have been in force since this configuration of Caddy started; the first is 1.
	Generation int64 `json:"generation"`
	// When what is in force was read.
	Loaded time.Time `json:"loaded"`
	// How many files and folders it came from.
	Files int `json:"files"`
	// What the load in force does not take, such as a candidate for policies that has mistakes; at most 100.
	Warnings []Mistake `json:"warnings,omitempty"`
	// Why the last load failed. Absent when what lies in the files is in force.
	Error *LoadFailure `json:"error,omitempty"`
}

// LoadFailure says when and why a load failed.
type LoadFailure struct {
	// When the last load failed.
	Time time.Time `json:"time"`
	// Since when loads have failed, and the one of loaded is kept in force.
	Since time.Time `json:"since"`
	// What is wrong, at most 100 mistakes.
	Mistakes []Mistake `json:"mistakes"`
	// How many more there are.
	More int `json:"more,omitempty"`
}

// Mistake is one with its place.
type Mistake struct {
	// The file.
	File string `json:"file,omitempty"`
	// The line, the first is 1.
	Line int `json:"line,omitempty"`
	// The column, the first is 1.
	Column int `json:"column,omitempty"`
	// What is wrong.
	Summary string `json:"summary"`
	// What was expected.
	Detail string `json:"detail,omitempty"`
}

// Succeeded gives what is known once a load that read at a time is in force. l may be nil.
func (l *Load) Succeeded(files int, diags hcl.Diagnostics, at time.Time) *Load {
	next := &Load{Generation: 1, Loaded: at, Files: files}
	if l != nil {
		next.Generation = l.Generation + 1
	}
	next.Warnings, _ = told(diags, hcl.DiagWarning)
	return next
}

// Failed gives what is known once a load has failed. l may be nil.
func (l *Load) Failed(diags hcl.Diagnostics, at time.Time) *Load {
	next := &Load{}
	if l != nil {
		*next = *l
	}
	failure := &LoadFailure{Time: at, Since: at}
	if next.Error != nil {
		failure.Since = next.Error.Since
	}
	failure.Mistakes, failure.More = told(diags, hcl.DiagError)
	next.Error = failure
	return next
}

// Mistakes are the errors among diagnostics, at most 100.
func Mistakes(diags hcl.Diagnostics) []Mistake {
	all, _ := told(diags, hcl.DiagError)
	return all
}

// told are the diagnostics of a severity, by place, and how many more there are.
func told(diags hcl.Diagnostics, severity hcl.DiagnosticSeverity) (all []Mistake, more int) {
	for _, d := range diagnostic.Sort(diags) {
		switch {
		case d.Severity != severity:
			continue
		case len(all) == maxMistakes:
			more++
			continue
		}
		m := Mistake{Summary: d.Summary, Detail: d.Detail}
		if d.Subject != nil {
			m.File, m.Line, m.Column = d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column
		}
		all = append(all, m)
	}
	return all, more
}
