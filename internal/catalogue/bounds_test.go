package catalogue

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var start = hcl.InitialPos

// loadText loads a catalogue of one file.
func loadText(t *testing.T, src string) (*Catalogue, map[string][]byte, hcl.Diagnostics) {
	t.Helper()
	return loadAt(t, filepath.Join(t.TempDir(), "a.hcl"), src)
}

func loadAt(t *testing.T, path, src string) (*Catalogue, map[string][]byte, hcl.Diagnostics) {
	t.Helper()
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return load([]string{path}, nil, today)
}

// Files that would overflow the parser's stack, or keep it busy for minutes, are refused before they reach it.
func TestBounds(t *testing.T) {
	const many = 50_000
	for _, test := range []struct{ name, src, want string }{
		{"brackets", "locals { a = " + strings.Repeat("[", many), "Nested too deeply"},
		{"parentheses", "locals { a = " + strings.Repeat("(", many), "Nested too deeply"},
		{"objects", "locals { a = " + strings.Repeat("{a=", many), "Nested too deeply"},
		{"blocks", strings.Repeat("a {\n", many), "Nested too deeply"},
		{"templates", "locals { a = " + strings.Repeat(`"${`, many), "Nested too deeply"},
		{"closers of another kind", "locals { a = " + strings.Repeat("[}", many), "Nested too deeply"},
		{"directives", `locals { a = "` + strings.Repeat("%{if true}", many/2) + `"}`, "Expression too long"},
		{"minus", "locals { a = " + strings.Repeat("-", many) + "1\n}", "Expression too long"},
		{"not", "locals { a = " + strings.Repeat("!", many) + "true\n}", "Expression too long"},
		{"not, on lines in parentheses", "locals { a = (" + strings.Repeat("!\n", many) + "true)\n}", "Expression too long"},
		{"sums", "locals { a = 1" + strings.Repeat("+1", many) + "\n}", "Expression too long"},
		{"choices", "locals { a = 1" + strings.Repeat("?1:1", many) + "\n}", "Expression too long"},
		{"indexes", "locals { a = b" + strings.Repeat("[b]", many) + "\n}", "Expression too long"},
		{"splats", "locals { a = b" + strings.Repeat(".*", many) + "\n}", "Expression too long"},
		{"the lines of a heredoc", "locals {\n a = <<E\n" + strings.Repeat("\n", many) + "E\n}", "Text too long"},
		{"the pieces of a text", `locals { a = "` + strings.Repeat("$", many) + `" }`, "Text too long"},
		{"a long number", "locals { a = " + strings.Repeat("1", 101) + " }", "Number too long"},
		{"a large exponent", "locals { a = 1e1000 }", "Number too long"},
		{"a large file", strings.Repeat("#", maxFile+1), "Unreadable file"},
		{"a text that doubles", doubling(40, `"${local.a%d}${local.a%d}"`), "Value too large"},
		{"a list that doubles", doubling(40, "[local.a%d, local.a%d]"), "Value too large"},
		{"an object that doubles", doubling(40, "{ a = local.a%d, b = local.a%d }"), "Value too large"},
		{"too many names", "locals {\n" + numbered(maxNames+1, "a%d = 1\n") + "}", "Too many names"},
		{"too many blocks", "limit \"x\" {\n" + numbered(5, "quota \"q%d\" {\nrequests = 1\nwindow = \"1s\"\n}\n") + "}", "Too many blocks"},
		{"too many mistakes", numbered(2_000, "a%d = 1\n"), "Too many mistakes"},
		{"a byte that is no UTF-8", "locals { a = \"\xff\" }", "Invalid character encoding"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, diags := loadText(t, test.src)
			for _, d := range diags {
				if d.Summary == test.want {
					return
				}
			}
			t.Errorf("%q was not told, but %d others: %v", test.want, len(diags), diags)
		})
	}
}

func numbered(n int, line string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

// doubling are locals each of which has the one before it twice.
func doubling(n int, line string) string {
	src := "locals {\na0 = \"0123456789\"\n"
	for i := range n {
		src += fmt.Sprintf("a%d = ", i+1) + strings.ReplaceAll(line, "%d", fmt.Sprint(i)) + "\n"
	}
	return src + "}\n"
}

// What is within the bounds is not refused for them.
func TestWithinBounds(t *testing.T) {
	src := "locals {\n" +
		"a = " + strings.Repeat("[", maxNesting-1) + strings.Repeat("]", maxNesting-1) + "\n" +
		"b = " + strings.Repeat("-", 900) + "1\n" +
		"c = " + strings.Repeat("[-1, ", 20) + strings.Repeat("]", 20) + "\n" +
		"d = [" + strings.Repeat("[1, -2, { a = 3 }],\n", 10_000) + "]\n" +
		"e = <<E\n" + strings.Repeat("}}}]]\n", 4000) + "E\n" +
		"f = \"" + strings.Repeat("[", 5000) + "\" # " + strings.Repeat("[", 5000) + "\n/*" + strings.Repeat("{", 5000) + "*/\n" +
		"g = 1e999\n" +
		"}\n"
	if d := bounded([]byte(src), "a.hcl"); d != nil {
		t.Errorf("refused: %v", d)
	}
	if _, sources, diags := loadText(t, src); diags.HasErrors() {
		t.Error(render(t, diags, sources))
	}
}

func TestTooManyFiles(t *testing.T) {
	folder := t.TempDir()
	for i := range maxFiles + 1 {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.hcl", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, diags := Load([]string{folder}, nil); len(diags) != 1 || diags[0].Summary != "Too many files" {
		t.Errorf("got %v", diags)
	}
}

// Loading any bytes neither panics nor hangs, finds each mistake at a place in the file, and gives the same twice.
func FuzzLoad(f *testing.F) {
	for _, glob := range []string{"testdata/*/*.hcl", "testdata/*.hcl"} {
		files, _ := filepath.Glob(glob)
		for _, path := range files {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Add([]byte(strings.Repeat("[", 200)))
	f.Add([]byte("locals { a = \"${local.a}%{if true}x%{endif}\" }"))
	path := filepath.Join(f.TempDir(), "a.hcl")
	f.Fuzz(func(t *testing.T, src []byte) {
		c, sources, diags := loadAt(t, path, string(src))
		for _, d := range diags {
			if d.Subject == nil {
				continue
			}
			if r := d.Subject; r.Start.Line < 1 || r.Start.Column < 1 || r.Start.Byte > len(src) || r.End.Byte < r.Start.Byte {
				t.Errorf("%s is at %#v, not a place in the file", d.Summary, r)
			}
		}
		_ = render(t, diags, sources)
		for _, a := range c.APIs {
			for _, r := range a.Routes {
				for _, v := range a.Versions {
					if terms := a.For(v, r); r.In(v) && !diags.HasErrors() && (terms.Upstream == nil || !terms.identified() || !terms.authorized()) {
						t.Errorf("a route of a catalogue that loads lacks its terms: %s", r.Label)
					}
				}
			}
		}
		if d := bounded(src, "a.hcl"); d == nil { // the parser takes whatever the bounds let through
			_, _ = hclsyntax.ParseConfig(src, "a.hcl", start)
		}
	})
}

func TestFormat(t *testing.T) {
	got := string(Format([]byte("upstream   \"a\"{\nservers=[\"http://a\"]\n  timeout   = \"5s\"\n}\n")))
	want := "upstream \"a\" {\n  servers = [\"http://a\"]\n  timeout = \"5s\"\n}\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, glob := range []string{"testdata/*/*.hcl", "testdata/*.hcl", "../../examples/*/*.hcl"} {
		files, _ := filepath.Glob(glob)
		for _, path := range files {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			once := Format(src)
			if twice := Format(once); string(twice) != string(once) {
				t.Errorf("%s: formatting twice differs from once", path)
			}
			if !strings.Contains(path, "mistakes") && string(once) != string(src) {
				t.Errorf("%s is not formatted; it should be:\n%s", path, once)
			}
		}
	}
}
