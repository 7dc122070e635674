package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/progress"
	"github.com/wicketgate/wicketgate/internal/report"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// errFailed ends a command whose failed tests have been printed.
var errFailed = errors.New("there are failed tests")

// testOptions are what the command's line says.
type testOptions struct {
	source
	paths     []string
	policies  []string // in the place of the configured ones; nil for those
	coverage  bool
	failUnder float64 // percent; 0 for no bound
	run       string  // a regular expression that names match, "" for all
	format    string
	output    string // "" for the terminal
	watch     bool
}

func testCommand() *cobra.Command {
	var t testOptions
	cmd := &cobra.Command{
		Use: "test [<files or folders>] [--run <regexp>] [--coverage] [--fail-under <percent>] [--policies <folder>] " +
			"[--format text|json|junit] [--output <file>] [--watch] [--config <file> [--adapter <name>]]",
		Short: "Runs the tests of policies, changes and requests",
		Long: `
Runs three kinds of tests, without a network and without serving anybody:

  rego     rules called test_*, in the *_test.rego beside the policies
  example  the examples of the catalogue's changes between versions
  case     requests and what is expected of them, in *.case.hcl files beside
           the catalogue; they go through the whole gateway

Without files or folders all tests of the configuration are run: those in the
folders of its policies and of its catalogue. With them, only the tests there;
policies that the configuration does not name are loaded from there too.

Exits 1 if a test fails, if there are mistakes, or if there is nothing to run.`,
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			t.paths = flags.Args()
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			var err error
			if t.watch {
				err = t.keepRunning(ctx, os.Stdout, os.Stderr, 500*time.Millisecond)
			} else {
				_, err = t.once(ctx, os.Stdout, os.Stderr)
			}
			if err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		}),
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&t.coverage, "coverage", false, "Tell how much of the policies the Rego tests reach, and which lines they do not")
	cmd.Flags().Float64Var(&t.failUnder, "fail-under", 0, "Fail if the Rego tests reach less than this share of the policies' lines, in percent")
	cmd.Flags().StringArrayVar(&t.policies, "policies", nil, "Take the policies from this folder, which may be given again, and not from where the configuration says, such as a bundle")
	cmd.Flags().StringVar(&t.run, "run", "", "Run only tests whose name matches this regular expression")
	cmd.Flags().StringVar(&t.format, "format", "text", "How to report: text, json or junit")
	cmd.Flags().StringVar(&t.output, "output", "", "File to write the report to (default: the terminal)")
	cmd.Flags().BoolVar(&t.watch, "watch", false, "Run again whenever a file changes, until interrupted")
	return cmd
}

// check looks at the command's line and gives the expression of --run, nil for none.
func (t *testOptions) check() (*regexp.Regexp, error) {
	switch {
	case t.format != "text" && t.format != "json" && t.format != "junit":
		return nil, fmt.Errorf("--format is text, json or junit, not %q", t.format)
	case t.failUnder < 0 || t.failUnder > 100:
		return nil, fmt.Errorf("--fail-under is a share from 0 to 100, not %v", t.failUnder)
	case t.run == "":
		return nil, nil
	}
	run, err := regexp.Compile(t.run)
	if err != nil {
		return nil, fmt.Errorf("--run: %w", err)
	}
	return run, nil
}

// once runs the tests and writes the report to w, and mistakes in what is tested to mistakes. The files are those whose
// change may change what comes of it, also where it fails.
func (t *testOptions) once(ctx context.Context, w, mistakes io.Writer) (files []string, err error) {
	run, err := t.check()
	if err != nil {
		return nil, err
	}
	for _, path := range slices.Concat(t.paths, t.policies) {
		if _, err := os.Stat(path); err != nil {
			return slices.Concat(t.paths, t.policies), fmt.Errorf("looking for tests: %w", err)
		}
	}
	r := &tests{testOptions: t, name: run, files: append(configurations(t.config), t.paths...), mistakes: mistakes, line: waiting("loading")}
	defer r.line.Stop()
	r.report.Sources = make(map[string][]byte)
	_, app, err := configuration(t.config, t.adapter)
	if err == nil && app != nil && len(t.policies) > 0 {
		app, err = withPolicies(app, t.policies)
	}
	if err != nil && (!errors.Is(err, errNoCaddyfile) || len(t.paths) == 0) {
		return r.files, err
	}
	if err := r.all(ctx, app); err != nil {
		return r.files, err
	}
	r.line.Stop()
	r.report.Sort()
	if len(r.report.Results) == 0 {
		return r.files, t.nothing()
	}
	if err := t.tell(w, &r.report); err != nil {
		return r.files, err
	}
	if r.report.Count(report.Failed) > 0 {
		return r.files, errFailed
	}
	return r.files, ctx.Err()
}

// withPolicies puts folders in the place of where a gateway's configuration takes its policies from.
func withPolicies(app json.RawMessage, folders []string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(app, &fields); err != nil {
		return nil, fmt.Errorf("reading the configuration of api_gateway: %w", err)
	}
	var err error
	fields["policies"], err = json.Marshal(map[string]any{"source": "folder", "paths": folders})
	if err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// configurations are the files that hold the configuration, as far as it is known.
func configurations(config string) []string {
	if config == "" {
		config = "Caddyfile"
	}
	return []string{config}
}

func (t *testOptions) nothing() error {
	where := "the folders of the policies and of the catalogue"
	if len(t.paths) > 0 {
		where = strings.Join(t.paths, ", ")
	}
	if t.run != "" {
		return fmt.Errorf("there is nothing to test: no test in %s matches %q", where, t.run)
	}
	return fmt.Errorf("there is nothing to test: no rule test_* in a *_test.rego, no example of a change and no *.case.hcl in %s", where)
}

// tell writes the report in the format and to the place that were asked for.
func (t *testOptions) tell(w io.Writer, r *report.Report) error {
	write := r.Text
	switch t.format {
	case "json":
		write = r.JSON
	case "junit":
		write = r.JUnit
	}
	if t.output == "" {
		return write(w)
	}
	var text strings.Builder
	if err := write(&text); err != nil {
		return err
	}
	if err := os.WriteFile(t.output, []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	_, err := fmt.Fprintln(w, r.Summary())
	return err
}

// tests is one run of all tests.
type tests struct {
	*testOptions
	name     *regexp.Regexp // nil for all
	report   report.Report
	files    []string
	mistakes io.Writer
	line     *progress.Line
}

// all runs every kind of tests; app is the gateway's configuration, nil for none.
func (r *tests) all(ctx context.Context, app json.RawMessage) error {
	stage := &stage{}
	if app != nil {
		var err error
		if stage, err = r.open(app); err != nil {
			return err
		}
		defer stage.close()
	}
	if err := r.rego(ctx, stage); err != nil {
		return err
	}
	r.examples(stage)
	return r.cases(ctx, stage)
}

// selected says whether the tests of a file are asked for.
func (r *tests) selected(file string) bool {
	return len(r.paths) == 0 || below(file, r.paths)
}

// below says whether a file is one of paths or lies below one of them.
func below(file string, paths []string) bool {
	at, err := filepath.Abs(file)
	if err != nil {
		return false
	}
	for _, path := range paths {
		root, err := filepath.Abs(path)
		if err != nil {
			continue
		}
		if rest, err := filepath.Rel(root, at); err == nil && rest != ".." && !strings.HasPrefix(rest, ".."+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// matches says whether a test's name is asked for.
func (r *tests) matches(group, name string) bool {
	return r.name == nil || r.name.MatchString(group+" "+name)
}

// wrong prints mistakes in what is tested; nil where there are none.
func (r *tests) wrong(diags hcl.Diagnostics, sources map[string][]byte) error {
	if !diags.HasErrors() {
		return nil
	}
	r.line.Stop()
	if err := show(r.mistakes, &gateway.LoadError{Diagnostics: diags, Sources: sources}); err != nil {
		return err
	}
	return errMistakes
}

// policyFiles are the folders below paths and the files in them that are loaded as policies, data or tests.
func policyFiles(paths []string) (files []string, tested bool) {
	for _, root := range paths {
		//nolint:errcheck // what cannot be read is told by loading it
		filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil
			case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
				return filepath.SkipDir
			case policy.IsTest(entry.Name()):
				tested = true
			case !entry.IsDir() && !policy.Loads(entry.Name()):
				return nil
			}
			files = append(files, path)
			return nil
		})
	}
	return files, tested
}

// folders are where cases are looked for.
func (r *tests) folders(c *catalogue.Catalogue) []string {
	if len(r.paths) > 0 || c == nil {
		return r.paths
	}
	return c.Folders()
}
