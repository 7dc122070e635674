package policy

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// TestPage has the policies that docs/policies.md shows compiled, and holds its table of what an answer may be against
// the code's.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```rego\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) == 0 {
		t.Fatal("the page shows no policy")
	}
	for _, b := range blocks {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "policy.rego"), b[1], 0o600); err != nil {
			t.Fatal(err)
		}
		s, diags := Load(context.Background(), []string{dir}, Options{Limit: MaxLimit})
		if diags.HasErrors() {
			t.Fatalf("%s\n%v", b[1], diags)
		}
		if _, diags := s.Prepare("data.shop.orders", hcl.Range{}); diags.HasErrors() {
			t.Errorf("%s\n%v", b[1], diags)
		}
	}
	for key := range answerKeys {
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("the page does not mention %s", key)
		}
	}
}
