// Package modules_test looks at all of the gateway's Caddyfile grammar at once: what each keyword becomes in JSON, what
// is said of mistakes, and whether the reference page is current.
package modules_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/wicketgate/wicketgate" // every module, as a user links it
)

//go:generate go test -run "TestTheReferencePageIsCurrent|TestTheMetricsPageIsCurrent" -update .

var update = flag.Bool("update", false, "write what is there to the golden files")

func adapt(caddyfile string) ([]byte, []caddyconfig.Warning, error) {
	return caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
}

// Each file of testdata/adapt is a Caddyfile, a line of hyphens, and the JSON it becomes.
func TestAdapt(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			caddyfile, want, _ := strings.Cut(string(text), "----------\n")
			adapted, warnings, err := adapt(caddyfile)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range warnings {
				t.Errorf("warning: %s", w)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, adapted, "", "\t"); err != nil {
				t.Fatal(err)
			}
			got := strings.TrimSpace(indented.String()) + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(caddyfile+"----------\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
