package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/casetest"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	gatewaycore "github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/regotest"
	"github.com/wicketgate/wicketgate/internal/report"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// stage is the gateway on trial: nothing where no configuration is named.
type stage struct {
	trial  *gateway.Trial
	broken bool // it serves nothing, since examples of its changes do not hold
}

func (s *stage) catalogue() *catalogue.Catalogue {
	if s.trial == nil {
		return nil
	}
	return s.trial.Catalogue()
}

func (s *stage) close() {
	if s.trial != nil {
		s.trial.Close() //nolint:errcheck // it never ran
	}
}

// open puts the gateway that a configuration describes on trial. Mistakes are printed; examples that do not hold are no
// mistakes here but tests that fail.
func (r *tests) open(app json.RawMessage) (*stage, error) {
	ctx, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: noLogs()})
	if err != nil {
		return nil, err
	}
	trial, err := onTrial(ctx, app)
	s := &stage{trial: trial}
	if trial != nil {
		r.files = append(r.files, trial.Files()...)
	}
	var mistakes *gateway.LoadError
	switch {
	case err == nil:
		return s, nil
	case !errors.As(err, &mistakes) || trial == nil:
		s.close()
		return nil, err
	}
	maps.Copy(r.report.Sources, mistakes.Sources)
	others := withoutExamples(mistakes.Diagnostics, s.catalogue())
	if err := r.wrong(others, mistakes.Sources); err != nil {
		s.close()
		return nil, err
	}
	s.broken = true
	return s, nil
}

// noLogs keeps what a gateway logs of the failures that cases bring about out of the report.
func noLogs() *caddy.Logging {
	return &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "PANIC"}}}}
}

// withoutExamples leaves out of the mistakes of a load those that are examples which do not hold.
func withoutExamples(diags hcl.Diagnostics, c *catalogue.Catalogue) hcl.Diagnostics {
	failing := map[hcl.Range]bool{}
	if c != nil {
		for _, a := range c.APIs {
			for _, chain := range gatewaycore.Changes(a) {
				for _, ch := range chain {
					for i := range ch.Examples {
						failing[ch.Examples[i].Range] = true
					}
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(diags), func(d *hcl.Diagnostic) bool { return d.Subject != nil && failing[*d.Subject] })
}

// rego runs the tests of the policies.
func (r *tests) rego(ctx context.Context, s *stage) error {
	configured, allowed := r.policies, []string(nil)
	if s.trial != nil {
		configured, allowed = s.trial.Policies(), s.trial.Allowed()
	}
	paths := configured
	for _, path := range r.paths {
		if apart(path, configured) {
			paths = append(slices.Clip(paths), path)
		}
	}
	files, _ := policyFiles(paths)
	r.files = append(r.files, files...)
	selected := paths
	if len(r.paths) > 0 {
		selected = r.paths
	}
	asked, tested := policyFiles(selected)
	if !tested {
		if r.failUnder > 0 && slices.ContainsFunc(asked, func(path string) bool { return filepath.Ext(path) == ".rego" }) {
			r.under(nil)
		}
		return nil
	}
	r.line.Next("testing policies")
	suite, diags := policy.LoadSuite(ctx, paths, allowed...)
	if err := r.wrong(diags, suite.Sources()); err != nil {
		return err
	}
	maps.Copy(r.report.Sources, suite.Sources())
	results, reached, err := regotest.Run(ctx, suite, regotest.Options{Name: r.run, Selected: r.selected, Coverage: r.coverage || r.failUnder > 0})
	if err != nil {
		return err
	}
	r.report.Results = append(r.report.Results, results...)
	if r.coverage {
		r.report.Files = reached
	}
	if r.failUnder > 0 {
		r.under(reached)
	}
	return nil
}

// apart says whether a path that is named holds policies besides the configured ones. Of a folder around these, or of
// one without policies, such as a catalogue's, only the tests are meant: what JSON lies there is no data of policies.
func apart(path string, configured []string) bool {
	around := func(folder string) bool { return below(folder, []string{path}) }
	if below(path, configured) || slices.ContainsFunc(configured, around) {
		return false
	}
	files, _ := policyFiles([]string{path})
	return slices.ContainsFunc(files, func(file string) bool { return filepath.Ext(file) == ".rego" })
}

// under holds the coverage against its bound.
func (r *tests) under(reached []report.File) {
	got := report.Percent(reached)
	if reached == nil {
		got = 0
	}
	res := report.Result{Kind: report.Coverage, Group: "policies", Name: fmt.Sprintf("at least %v %%", r.failUnder), Outcome: report.Passed}
	if got < r.failUnder {
		res.Outcome = report.Failed
		res.Failures = hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Too few lines of the policies are tested",
			Detail: fmt.Sprintf("The Rego tests reach %.2f %% of the lines, and at least %v %% are wanted. With --coverage, each line that they do not reach is told.", got, r.failUnder)}}
	}
	r.report.Results = append(r.report.Results, res)
}

// examples tells of each example of a change, which loading has run already.
func (r *tests) examples(s *stage) {
	c := s.catalogue()
	if c == nil {
		return
	}
	for _, a := range c.APIs {
		for i, chain := range gatewaycore.Changes(a) {
			for _, ch := range chain {
				for n := range ch.Examples {
					name := fmt.Sprintf("%s %s, example %d", a.Versions[i].Name, ch.Name, n+1)
					at := ch.Examples[n].Range
					if !r.selected(at.Filename) || !r.matches(a.Name, name) {
						continue
					}
					began := time.Now()
					res := report.Result{Kind: report.Example, Group: a.Name, Name: name, Range: at, Outcome: report.Passed, Failures: change.TryExample(ch, n)}
					if res.Failures.HasErrors() {
						res.Outcome = report.Failed
					}
					res.Took = time.Since(began)
					r.report.Results = append(r.report.Results, res)
				}
			}
		}
	}
}

// cases runs the request cases.
func (r *tests) cases(ctx context.Context, s *stage) error {
	found, diags := catalogue.LoadCases(r.folders(s.catalogue()))
	r.files = append(r.files, found.Files...)
	maps.Copy(r.report.Sources, found.Sources)
	if err := r.wrong(diags, found.Sources); err != nil {
		return err
	}
	for i, test := range found.Cases {
		r.line.Count("trying cases", i, len(found.Cases))
		if !r.matches(test.Range.Filename, test.Name) {
			continue
		}
		if s.catalogue() == nil {
			return fmt.Errorf("%s has cases, which need a gateway with a catalogue: name its configuration with --config", test.Range.Filename)
		}
		if s.broken {
			r.report.Results = append(r.report.Results, report.Result{Kind: report.Case, Group: test.Range.Filename, Name: test.Name, Range: test.Range,
				Outcome: report.Failed, Failures: hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "There is no gateway", Subject: &test.Range,
					Detail: "The catalogue does not load, since examples of its changes do not hold."}}})
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.report.Results = append(r.report.Results, casetest.Try(ctx, s.trial, s.catalogue(), test))
	}
	return nil
}
