package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestBuild builds real binaries, which takes minutes where nothing is cached; .ci/run asks for it by setting
// WICKETGATE_BUILD. The list is the repository's own with somebody else's plugin added; the second build starts
// from a copy of the checkout in another place and must give the same bytes.
func TestBuild(t *testing.T) {
	if os.Getenv("WICKETGATE_BUILD") == "" {
		t.Skip("set WICKETGATE_BUILD=1 to build binaries")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "caddy")
	first := buildIn(t, root, binary)

	list, err := exec.Command(binary, "list-modules").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(list))
	for _, want := range append(registered(t, filepath.Join(root, "modules")), "http.handlers.greeting") {
		if !slices.Contains(linked, want) {
			t.Errorf("caddy list-modules does not show %s", want)
		}
	}
	if slices.Contains(linked, "http.handlers.shop_backend") {
		t.Error("the example shop is linked into a binary to deploy")
	}

	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	copyCheckout(t, root, elsewhere)
	if second := buildIn(t, elsewhere, filepath.Join(t.TempDir(), "caddy")); second != first {
		t.Errorf("a second build from another folder gives %s, the first gave %s", second, first)
	}
}

// buildIn runs the command inside a checkout and returns the binary's hash, as printed.
func buildIn(t *testing.T, root, output string) string {
	t.Helper()
	t.Chdir(root)
	var out, log bytes.Buffer
	err := command(t.Context(), []string{"-o", output, "-with", "plugin.example/greeting=./cmd/build/testdata/plugin", "xcaddy.json"}, &out, &log)
	t.Log(log.String())
	if err != nil {
		t.Fatal(err)
	}
	sum, name, _ := strings.Cut(strings.TrimSuffix(out.String(), "\n"), "  ")
	if got, err := hash(output); err != nil || got != sum || name != output {
		t.Fatalf("printed %q of %s, whose hash is %s (%v)", out.String(), output, got, err)
	}
	return sum
}

// registered lists the names of the Caddy modules that the Go files below a folder define.
func registered(t *testing.T, dir string) []string {
	t.Helper()
	id := regexp.MustCompile(`\bID:\s+"([^"]+)"`)
	var all []string
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, match := range id.FindAllSubmatch(text, -1) {
			all = append(all, string(match[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(all, "http.handlers.api_gateway") {
		t.Fatalf("the modules found in %s, %q, lack the gateway itself", dir, all)
	}
	return all
}

// copyCheckout copies what a build reads: everything but git's own folder.
func copyCheckout(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, relative), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
