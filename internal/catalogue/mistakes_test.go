package catalogue

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected files anew")

// Each file or folder of testdata/mistakes is a catalogue with mistakes; beside it is what its author is shown.
func TestMistakes(t *testing.T) {
	cases, err := filepath.Glob("testdata/mistakes/*.hcl")
	if err != nil {
		t.Fatal(err)
	}
	cases = append(cases, "testdata/mistakes/two")
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".hcl")
		t.Run(name, func(t *testing.T) {
			_, sources, diags := load([]string{path}, nil, today)
			if !diags.HasErrors() {
				t.Fatal("no mistake was found")
			}
			got := render(t, diags, sources)
			golden(t, filepath.Join("testdata/mistakes", name+".txt"), got)
			if strings.ContainsRune(got, '\x1b') {
				t.Error("a control character is shown")
			}
		})
	}
}

// golden compares a text with a file, which -update writes.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not current (-update writes it); got:\n%s", path, got)
	}
}
