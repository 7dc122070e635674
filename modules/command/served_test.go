package command

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// quickstart is the Caddyfile of the quick start, which serves the example shop.
func quickstart(t *testing.T) (from source, golden func(name, got string)) {
	t.Helper()
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	t.Setenv("DATA", t.TempDir())
	return source{config: "Caddyfile"}, func(name, got string) {
		t.Helper()
		path := filepath.Join(testdata, name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is now\n%s", name, got)
		}
	}
}

// TestDiff tells what changed in the example shop, in each layout.
func TestDiff(t *testing.T) {
	from, golden := quickstart(t)
	for _, test := range []struct {
		golden string
		as     layout
		args   []string
	}{
		{"diff.txt", layout{}, []string{"v1", "2026-11-01"}},
		{"diff.txt", layout{}, []string{"orders", "2026-11-01", "v1"}},
		{"diff.md", layout{markdown: true}, []string{"v1", "2026-11-01"}},
		{"diff.json", layout{json: true}, []string{"v1", "2026-11-01"}},
	} {
		var out bytes.Buffer
		if err := diff(&out, io.Discard, from, test.as, test.args); err != nil {
			t.Fatal(err)
		}
		if test.as.json && !json.Valid(out.Bytes()) {
			t.Errorf("no JSON: %s", out.String())
		}
		golden(test.golden, out.String())
	}
}

// TestUnknownNames names the nearest of what there is, and lists it.
func TestUnknownNames(t *testing.T) {
	from, _ := quickstart(t)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"ordres", "v1", "v2"}, `there is no API "ordres". Did you mean "orders"? There are: orders`},
		{[]string{"V1", "v2"}, `there is no version "V1". Did you mean "v1"? There are: v0, v1, v2, 2026-11-01`},
		{[]string{"v1", "2026"}, `there is no version "2026". There are: v0, v1, v2, 2026-11-01`},
		{[]string{"shop", "v1", "v2"}, `there is no API "shop". There are: orders`},
	} {
		if err := diff(io.Discard, io.Discard, from, layout{}, test.args); err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

// TestMistakesBeforeChangelog tells the mistakes of a catalogue instead of what is left of it.
func TestMistakesBeforeChangelog(t *testing.T) {
	t.Chdir("testdata/mistakes")
	var out, mistakes bytes.Buffer
	err := diff(&out, &mistakes, source{config: "Caddyfile"}, layout{}, []string{"v1", "v2"})
	if err == nil || out.Len() > 0 || !strings.Contains(mistakes.String(), "shop.hcl:") {
		t.Errorf("got %v, %q, %q", err, out.String(), mistakes.String())
	}
}
