package regotest

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/report"
)

var update = flag.Bool("update", false, "write the expected files anew")

func load(t *testing.T, paths ...string) *policy.Suite {
	t.Helper()
	s, diags := policy.LoadSuite(t.Context(), paths)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return s
}

// TestFailures shows the line of each test that fails, with the values in it, and what no test reaches.
func TestFailures(t *testing.T) {
	s := load(t, "testdata/failing")
	results, files, err := Run(t.Context(), s, Options{Coverage: true})
	if err != nil {
		t.Fatal(err)
	}
	r := report.Report{Results: results, Files: files, Sources: s.Sources()}
	r.Sort()
	var out strings.Builder
	if err := r.Text(&out); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/failing.txt", []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/failing.txt")
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// TestSelection runs the tests of a name and of chosen files alone, and tells of the coverage of those.
func TestSelection(t *testing.T) {
	s := load(t, "testdata/failing")
	for _, c := range []struct {
		name     string
		with     Options
		ran      int
		policies int
	}{
		{"all", Options{}, 11, 0},
		{"by name", Options{Name: `shop_test\.test_(allowed|denied)$`, Coverage: true}, 2, 1},
		{"by file", Options{Selected: func(file string) bool { return strings.HasSuffix(file, "shop.rego") }, Coverage: true}, 0, 1},
		{"of another file", Options{Selected: func(file string) bool { return strings.HasSuffix(file, "shop_test.rego") }, Coverage: true}, 11, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			results, files, err := Run(t.Context(), s, c.with)
			if err != nil || len(results) != c.ran || len(files) != c.policies || c.with.Coverage != (files != nil) {
				t.Errorf("got %d results, %v, %v", len(results), files, err)
			}
		})
	}
	if _, _, err := Run(t.Context(), s, Options{Name: "("}); err == nil {
		t.Error("a broken expression is none")
	}
}

// TestRulesOfTheGateway refuses in tests what policies may not do, as loading does.
func TestRulesOfTheGateway(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.rego":      "package a\n\nallow if input.reqest.method == \"GET\"\n",
		"a_test.rego": "package a_test\n\nimport data.a\n\ntest_a if a.allow with input as http.send({\"url\": \"http://a\"})\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, diags := policy.LoadSuite(t.Context(), []string{dir})
	for _, want := range []string{"http.send is not allowed in policies", `Did you mean "request"?`} {
		if !strings.Contains(diags.Error(), want) && !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool { return strings.Contains(d.Detail, want) }) {
			t.Errorf("%q is not told, but %v", want, diags)
		}
	}
}
