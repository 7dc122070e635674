package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/shadow"
)

// Candidate is a PolicySource that also says which policies are tried out beside its own.
type Candidate interface {
	// Candidate is where they come from, nil where none are, and what the place is called.
	Candidate() (from PolicySource, called string)
}

// candidate is a set of policies that is tried out beside those in force.
type candidate struct {
	called   string
	snapshot *policy.Snapshot // nil where it has mistakes
	mistakes hcl.Diagnostics
}

// newShadow makes what evaluates candidates.
func (a *App) newShadow() *shadow.Shadow {
	return shadow.New(shadow.Config{
		Counted: a.metrics.shadows.counted,
		Found: func(d *shadow.Difference) {
			a.logger.Info("a candidate decides differently",
				zap.String("decision", d.Decision), zap.String("query", d.Query), zap.String("candidate", d.Candidate),
				zap.String("api", d.API), zap.String("route", d.Route), zap.String("input", d.Input),
				zap.String("live", d.Live), zap.String("would", d.Would), zap.String("became", string(d.Became)),
				zap.Strings("rules", d.Rules), zap.Strings("reasons", d.Reasons), zap.Uint64("untold", d.Untold), zap.Error(d.Err))
		},
	})
}

// begin begins a load of policies that have been read: each query of theirs is compared with the candidate's.
func (a *App) begin(l *Load, snapshot *policy.Snapshot) {
	l.candidate, l.compared = a.candidate, a.shadow.Begin()
	if snapshot == nil {
		return
	}
	l.plain = a.observed(snapshot.Reporting(a.metrics.decisions, func(text string) { a.logger.Error(text) }))
	l.Policies = l.plain
	if l.candidate == nil {
		return
	}
	l.Policies = l.plain.Each(func(q *policy.Query) *policy.Query {
		if l.candidate.snapshot == nil {
			return l.compare(q, nil, l.candidate.called, l.candidate.mistakes)
		}
		next, mistakes := l.candidate.snapshot.Prepare(q.Asks(), hcl.Range{Filename: l.candidate.called, Start: hcl.InitialPos, End: hcl.InitialPos})
		return l.Compare(q, next, l.candidate.called, mistakes)
	})
}

// trying is where the policies come from that are tried out beside those in force, nil where none are, and what the place
// is called.
func (a *App) trying() (source PolicySource, called string) {
	if from, ok := a.policies.(Candidate); ok {
		return from.Candidate()
	}
	return nil, ""
}

// loadCandidate reads the policies that are tried out beside those in force. Their mistakes are warnings, for they change
// nothing of what is in force.
func (a *App) loadCandidate(l *Load) {
	source, called := a.trying()
	if source == nil {
		return
	}
	if _, live := source.(LivePolicySource); live && a.candidate != nil { // only takeCandidate changes it
		return
	}
	snapshot, files, sources, diags := source.Load(a.ctx)
	l.Read(files, sources)
	a.candidate = &candidate{called: called, snapshot: snapshot}
	if diags.HasErrors() {
		a.candidate.snapshot, a.candidate.mistakes = nil, diags
		l.warnOf(diags)
	}
}

// takeCandidate loads everything with new policies to try out.
func (a *App) takeCandidate(next *policy.Snapshot) error {
	a.loading.Lock()
	defer a.loading.Unlock()
	before := a.candidate
	_, called := a.trying()
	a.candidate = &candidate{called: called, snapshot: next}
	err := a.load()
	if err != nil {
		a.candidate = before
	}
	return err
}

// Ask prepares a query of the policies in force that nobody compares with anything: a candidate.
func (l *Load) Ask(query string, at hcl.Range) (*policy.Query, hcl.Diagnostics) {
	return l.plain.Prepare(query, at)
}

// Compare has a query compared with a candidate, and gives the query that is to be asked. Mistakes in the candidate, which
// then is nil, are warnings.
func (l *Load) Compare(live, next *policy.Query, from string, mistakes hcl.Diagnostics) *policy.Query {
	l.warnOf(mistakes)
	return l.compare(live, next, from, mistakes)
}

func (l *Load) compare(live, next *policy.Query, from string, mistakes hcl.Diagnostics) *policy.Query {
	var texts []string
	for _, d := range mistakes {
		if d.Severity == hcl.DiagError {
			texts = append(texts, diagnostic.Line(d))
		}
	}
	return live.Observed(l.compared.Compare(live, next, from, texts))
}

// warnOf tells the mistakes of a candidate as warnings.
func (l *Load) warnOf(mistakes hcl.Diagnostics) {
	for _, d := range mistakes {
		warning := *d
		warning.Severity, warning.Summary = hcl.DiagWarning, "A candidate cannot be tried out: "+d.Summary
		if d.Severity == hcl.DiagError {
			l.Diagnostics = append(l.Diagnostics, &warning)
		}
	}
}

// Report counts what a query that is not in force would do.
func (l *Load) Report(q *policy.Query) *shadow.Comparison { return l.compared.Report(q) }

// shadow answers how candidates compare with what is in force.
func (a *admin) shadow(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("method not allowed")}
	}
	app, err := running()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(app.shadow.Report())
}
