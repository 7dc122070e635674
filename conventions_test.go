package wicketgate_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// files lists the repository's files whose names end in suffix, by their paths from the root. Folders that Go
// itself leaves out, and those of tools, are not looked into.
func files(t *testing.T, suffix string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if entry.Type().IsRegular() && strings.HasSuffix(name, suffix) {
			found = append(found, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("no file ends in %s", suffix)
	}
	return found
}

func parse(t *testing.T, name string, mode parser.Mode) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What decides imports no Caddy, nor anything of ours that does.
func TestInternalImportsNoCaddy(t *testing.T) {
	const own = "github.com/wicketgate/wicketgate"
	for _, name := range files(t, ".go") {
		if !strings.HasPrefix(name, "internal/") {
			continue
		}
		for _, spec := range parse(t, name, parser.ImportsOnly).Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			ours := imported == own || strings.HasPrefix(imported, own+"/")
			if strings.HasPrefix(imported, "github.com/caddyserver/") || ours && !strings.HasPrefix(imported, own+"/internal/") {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	commented := map[string]bool{}
	for _, name := range files(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := parse(t, name, parser.PackageClauseOnly|parser.ParseComments)
		dir := path.Dir(name)
		commented[dir] = commented[dir] || file.Doc != nil
	}
	for dir, ok := range commented {
		if !ok {
			t.Errorf("the package in %s has no comment", dir)
		}
	}
}

func TestNoPackageWithoutASubject(t *testing.T) {
	for _, name := range files(t, ".go") {
		called := strings.TrimSuffix(parse(t, name, parser.PackageClauseOnly).Name.Name, "_test")
		if slices.Contains([]string{"util", "utils", "helper", "helpers", "common", "manager", "misc"}, called) {
			t.Errorf("%s is in a package called %s, which says nothing of what it is about", name, called)
		}
	}
}

func TestNoFileIsLong(t *testing.T) {
	const limit = 500
	for _, name := range files(t, ".go") {
		if lines := bytes.Count(read(t, name), []byte("\n")); lines > limit && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s has %d lines, more than %d: it has more than one subject", name, lines, limit)
		}
	}
}

var (
	fences   = regexp.MustCompile("(?ms)^```.*?^```$")
	codes    = regexp.MustCompile("`[^`\n]*`")
	links    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	elements = regexp.MustCompile(`[^\p{L}\p{N}\-_ ]`)
	machines = regexp.MustCompile(`(?m)(^|[\s"'(=:` + "`" + `])((/root|/home/\w+|/Users/\w+|/work|/workspace)/[^\s"')` + "`" + `]*|[A-Z]:\\Users\\\S*)`)
)

// The pages' links into the repository, and to headings, lead somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range files(t, ".md") {
		text := codes.ReplaceAllString(fences.ReplaceAllString(string(read(t, page)), ""), "")
		for _, match := range links.FindAllStringSubmatch(text, -1) {
			if err := follow(page, match[1]); err != nil {
				t.Errorf("%s links to %s: %v", page, match[1], err)
			}
		}
	}
}

// follow says why a link of a page does not lead anywhere. Links to other places are taken as they are.
func follow(page, link string) error {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return nil
	}
	target, heading, hasHeading := strings.Cut(link, "#")
	name := page
	if target != "" {
		name = path.Join(path.Dir(page), target)
		if !fs.ValidPath(name) {
			return fmt.Errorf("it leaves the repository")
		}
	}
	if _, err := os.Stat(name); err != nil || !hasHeading || !strings.HasSuffix(name, ".md") {
		return err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for _, match := range headings.FindAllStringSubmatch(fences.ReplaceAllString(string(text), ""), -1) {
		if anchor(match[1]) == heading {
			return nil
		}
	}
	return fmt.Errorf("there is no heading #%s", heading)
}

// anchor is the name that a heading gets: small letters, no punctuation, hyphens for spaces.
func anchor(heading string) string {
	return strings.ReplaceAll(elements.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func TestAnchors(t *testing.T) {
	for heading, want := range map[string]string{
		"The way of a request":    "the-way-of-a-request",
		"`xcaddy.json`, in short": "xcaddyjson-in-short",
		"404 and 410":             "404-and-410",
	} {
		if got := anchor(heading); got != want {
			t.Errorf("anchor(%q) = %q, want %q", heading, got, want)
		}
	}
}

// A page that names a folder of its writer's machine is of no use on the reader's.
func TestPagesNameNobodysMachine(t *testing.T) {
	for _, page := range files(t, ".md") {
		for _, match := range machines.FindAllStringSubmatch(string(read(t, page)), -1) {
			t.Errorf("%s names %s", page, match[2])
		}
	}
	for text, want := range map[string]bool{
		"see /home/ada/gateway/Caddyfile": true,
		"`/root/go/pkg`":                  true,
		"(C:\\Users\\ada\\caddy.exe)":     true,
		"GET /api/v1/orders":              false,
		"/etc/gw/internal-ca.pem":         false,
		"https://example.org/home/ada/":   false,
	} {
		if got := machines.MatchString(text); got != want {
			t.Errorf("a machine's path in %q: %v, want %v", text, got, want)
		}
	}
}
