package regotest

import (
	"flag"
	"os"
	"strings"
	"testing"

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
