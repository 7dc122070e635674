package gateway

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// status is what GET /api_gateway/status answers. A value is never changed once stored.
type status struct {
	// Generation counts the loads in force since this configuration of Caddy started; the first is 1.
	Generation int64 `json:"generation"`
	// Loaded is when what is in force was read, Files how many files and folders it came from.
	Loaded time.Time `json:"loaded"`
	Files  int       `json:"files"`
	// Warnings are of the load in force: what it does not take, such as a candidate for policies that has mistakes.
	Warnings []Mistake `json:"warnings,omitempty"`
	// Error is the last load's failure, absent when what lies in the files is in force.
	Error *loadFailure `json:"error,omitempty"`
}

// loadFailure says when and why a load failed.
type loadFailure struct {
	Time     time.Time `json:"time"`
	Mistakes []Mistake `json:"mistakes"`
}

// Mistake is one diagnostic with its place.
type Mistake struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Summary string `json:"summary"`
	Detail  string `json:"detail,omitempty"`
}

func (s *status) succeeded(l *Load, at time.Time) *status {
	next := &status{Generation: 1, Loaded: at, Files: len(l.Files)}
	if s != nil {
		next.Generation = s.Generation + 1
	}
	next.Warnings = told(l.Diagnostics, hcl.DiagWarning)
	return next
}

func (s *status) failed(l *Load, at time.Time) *status {
	next := &status{}
	if s != nil {
		*next = *s
	}
	next.Error = &loadFailure{Time: at, Mistakes: Mistakes(l.Diagnostics)}
	return next
}

// Mistakes are the errors among diagnostics, as the status tells them.
func Mistakes(diags hcl.Diagnostics) []Mistake { return told(diags, hcl.DiagError) }

// told are the diagnostics of a severity, by place.
func told(diags hcl.Diagnostics, severity hcl.DiagnosticSeverity) (all []Mistake) {
	for _, d := range diagnostic.Sort(diags) {
		if d.Severity != severity {
			continue
		}
		m := Mistake{Summary: d.Summary, Detail: d.Detail}
		if d.Subject != nil {
			m.File, m.Line, m.Column = d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column
		}
		all = append(all, m)
	}
	return all
}

// answer is what the status says, and what the source of policies adds to it.
type answer struct {
	*status
	Policies any `json:"policies,omitempty"`
	// Counters say how it stands with counters that are reached over the network.
	Counters any `json:"counters,omitempty"`
	// Decisions tell what each query in force sees of input, and whether its decisions are remembered.
	Decisions []policy.View `json:"decisions,omitempty"`
	// Builtins are the functions that the operator allows policies though they reach the network or the process.
	Builtins []string `json:"allow_builtins,omitempty"`
	// Candidate is what Policies is, of policies that are tried out beside them.
	Candidate any `json:"candidate,omitempty"`
	// Running is what runs beside the requests: the keys of issuers, clients.
	Running []any `json:"running,omitempty"`
}
