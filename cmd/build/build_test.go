package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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

	list, err := exec.Command(binary, "list-modules", "--packages").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(list)) // names and packages of the modules in turn
	for _, want := range append(imports(t, filepath.Join(root, "wicketgate.go")), "plugin.example/greeting") {
		if !slices.Contains(packages, want) {
			t.Errorf("caddy list-modules shows no module of %s", want)
		}
	}
	if slices.Contains(packages, "http.handlers.shop_backend") {
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

// imports lists what a Go file imports.
func imports(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, path)
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
