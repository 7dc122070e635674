package wire_test

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wicketgate/wicketgate/internal/processtest"
)

// TestBillOfMaterials makes the list of what is in a binary by the command of SECURITY.md: it names every module that the
// binary says it is built of, with its version.
func TestBillOfMaterials(t *testing.T) {
	t.Parallel()
	program := tool(t, "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod", "v1.10.0")
	binary, bill := processtest.Build(t), filepath.Join(t.TempDir(), "caddy.cdx.json")
	if out, err := exec.CommandContext(t.Context(), program, "bin", "-json", "-output", bill, binary).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(bill)
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		BOMFormat  string
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, c := range said.Components {
		versions[c.Name] = c.Version
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Deps {
		if versions[m.Path] != m.Version {
			t.Errorf("%s is %q in the list, and %s in the binary", m.Path, versions[m.Path], m.Version)
		}
	}
	if said.BOMFormat != "CycloneDX" || len(info.Deps) == 0 {
		t.Errorf("a list in %q of a binary of %d modules", said.BOMFormat, len(info.Deps))
	}
}
