package catalogue

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// today is the day of these tests: the design's versions are in force.
var today = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// render shows diagnostics as a command would.
func render(t *testing.T, diags hcl.Diagnostics, sources map[string][]byte) string {
	t.Helper()
	var out strings.Builder
	if err := diagnostic.Write(&out, diags, sources); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The design's own file is the language: all of it is understood, and nothing is said against it.
func TestDesign(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/design")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "design.hcl")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"/run/secrets/stripe_hook", "/etc/gw/internal-ca.pem"} { // not on this machine
		ours := filepath.Join(folder, filepath.Base(file))
		if err := os.WriteFile(ours, []byte("whsec_of_the_design\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		src = []byte(strings.ReplaceAll(string(src), file, ours))
	}
	if err := os.WriteFile(path, src, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STRIPE_SECRET_KEY", "sk_test")
	t.Setenv("GITHUB_HOOK", "hook of the design")

	_, sources, diags := load([]string{path}, nil, today)
	if strings.Contains(string(src), "sk_test") || strings.Contains(render(t, diags, sources), "sk_test") {
		t.Error("a secret is shown")
	}
	var got []string
	for _, d := range diags {
		got = append(got, strings.TrimPrefix(diagnostic.Line(d), folder+"/"))
	}
	if len(got) > 0 {
		t.Errorf("it has mistakes:\n%s", strings.Join(got, "\n"))
	}
}
