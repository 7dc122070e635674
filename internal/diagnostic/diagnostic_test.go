package diagnostic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// at is the range of the nth occurrence of text in src.
func at(t *testing.T, src, text string) *hcl.Range {
	t.Helper()
	i := strings.Index(src, text)
	if i < 0 {
		t.Fatalf("%q is not in the source", text)
	}
	pos := func(i int) hcl.Pos {
		line := strings.Count(src[:i], "\n") + 1
		column := len([]rune(src[strings.LastIndexByte(src[:i], '\n')+1:i])) + 1
		return hcl.Pos{Line: line, Column: column, Byte: i}
	}
	return &hcl.Range{Filename: "shop.hcl", Start: pos(i), End: pos(i + len(text))}
}

func TestWrite(t *testing.T) {
	long := strings.Repeat("a", 300) + " here " + strings.Repeat("b", 300) + "\n"
	for _, test := range []struct {
		name, src, text string
		detail          string
		severity        hcl.DiagnosticSeverity
		extra           any
		want            []string
	}{
		{
			name: "a word", src: "api \"x\" {\n  upstrem = upstream.x\n}\n", text: "upstrem",
			detail: "An attribute named \"upstrem\" is not expected here. Did you mean \"upstream\"?",
			want: []string{
				"shop.hcl:2:3: error: Something",
				"    2 |   upstrem = upstream.x",
				"      |   ^^^^^^^",
				"  An attribute named \"upstrem\" is not expected here. Did you mean \"upstream\"?",
			},
		},
		{
			name: "a warning without detail", src: "one two\n", text: "two", severity: hcl.DiagWarning,
			want: []string{"shop.hcl:1:5: warning: Something", "    1 | one two", "      |     ^^^"},
		},
		{
			name: "tabs are four columns", src: "\ta = b\n", text: "b",
			want: []string{"shop.hcl:1:6: error: Something", "    1 |     a = b", "      |         ^"},
		},
		{
			name: "several lines are underlined to the end of the first", src: "a = [\n  1,\n]\n", text: "[\n  1,\n]",
			want: []string{"shop.hcl:1:5: error: Something", "    1 | a = [", "      |     ^"},
		},
		{
			name: "the end of a file", src: "a = {", text: "",
			want: []string{"shop.hcl:1:1: error: Something", "    1 | a = {", "      | ^"},
		},
		{
			name: "control characters", src: "a = \"\x1b[31m\u202e\x00\u009b\" # \xff\n", text: "\"\x1b[31m\u202e\x00\u009b\"",
			want: []string{
				"shop.hcl:1:5: error: Something",
				`    1 | a = "\x1b[31m\u202e\x00\u009b" # \xff`,
				`      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^`,
			},
		},
		{
			name: "wide and combining characters", src: "a = \"日本e\u0301\" + b\n", text: "b",
			want: []string{"shop.hcl:1:14: error: Something", "    1 | a = \"日本e\u0301\" + b", "      |               ^"},
		},
		{
			name: "carriage returns", src: "a = b\r\nc = d\r\n", text: "d",
			want: []string{"shop.hcl:2:5: error: Something", "    2 | c = d", "      |     ^"},
		},
		{
			name: "a secret is blotted out", src: "token = \"sk_live\"\n", text: "\"sk_live\"", extra: diagnostic.Sensitive{},
			want: []string{"shop.hcl:1:9: error: Something", "    1 | token = *********", "      |         ^^^^^^^^^"},
		},
		{
			name: "a long line is clipped around the place", src: long, text: "here",
			want: []string{
				"shop.hcl:1:302: error: Something",
				"    1 | …" + strings.Repeat("a", 39) + " here " + strings.Repeat("b", 75) + "…",
				"      | " + strings.Repeat(" ", 41) + "^^^^",
			},
		},
		{
			name: "a detail cannot draw on the terminal", src: "x\n", text: "x", detail: "bad \x1b]0;title\a name\nsecond line",
			want: []string{"shop.hcl:1:1: error: Something", "    1 | x", "      | ^", `  bad \x1b]0;title\x07 name`, "  second line"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			severity := test.severity
			if severity == hcl.DiagInvalid {
				severity = hcl.DiagError
			}
			d := &hcl.Diagnostic{Severity: severity, Summary: "Something", Detail: test.detail, Subject: at(t, test.src, test.text), Extra: test.extra}
			var out strings.Builder
			if err := diagnostic.Write(&out, hcl.Diagnostics{d}, map[string][]byte{"shop.hcl": []byte(test.src)}); err != nil {
				t.Fatal(err)
			}
			if want := strings.Join(test.want, "\n") + "\n"; out.String() != want {
				t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
			}
		})
	}
}

func TestWriteSortsAndShowsEachOnce(t *testing.T) {
	src := "one\ntwo three\n"
	diag := func(file, text, summary string) *hcl.Diagnostic {
		r := at(t, src, text)
		r.Filename = file
		return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Subject: r}
	}
	diags := hcl.Diagnostics{
		diag("b.hcl", "one", "last"), diag("a.hcl", "three", "third"), diag("a.hcl", "two", "second"), diag("a.hcl", "one", "first"),
		diag("a.hcl", "two", "second"), {Severity: hcl.DiagError, Summary: "no place"},
	}
	var out strings.Builder
	if err := diagnostic.Write(&out, diags, nil); err != nil {
		t.Fatal(err)
	}
	want := "error: no place\n\na.hcl:1:1: error: first\n\na.hcl:2:1: error: second\n\na.hcl:2:5: error: third\n\nb.hcl:1:1: error: last\n"
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
	if diags[0].Summary != "last" {
		t.Error("the caller's slice was changed")
	}
}

func TestWriteTellsOfAFailedWriter(t *testing.T) {
	full := errors.New("disk full")
	err := diagnostic.Write(writer{full}, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "x"}}, nil)
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type writer struct{ err error }

func (w writer) Write([]byte) (int, error) { return 0, w.err }

func TestLine(t *testing.T) {
	src := "a = b\n"
	for _, test := range []struct {
		d    hcl.Diagnostic
		want string
	}{
		{hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown name", Detail: "There is no b.\n\nThere is c.", Subject: at(t, src, "b")},
			"shop.hcl:1:5: error: Unknown name: There is no b. There is c."},
		{hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Odd\nname"}, `warning: Odd\x0aname`},
	} {
		if got := diagnostic.Line(&test.d); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"upstream", "identify", "limits", "authorize", "route", "rule", "v1", "v2", "2026-11-01", "deprecated"}
	for _, test := range []struct{ given, want string }{
		{"upstrem", "upstream"},
		{"Upstream", "upstream"},
		{"idntify", "identify"},
		{"limit", "limits"},
		{"authorise", "authorize"},
		{"V1", "v1"},
		{"v3", "v1"},
		{"2026-11-1", "2026-11-01"},
		{"depricated", "deprecated"},
		{"routes", "route"},
		{"webhook", ""},
		{"x", ""},
		{"", ""},
		{strings.Repeat("upstream", 100), ""},
	} {
		if got := diagnostic.Suggest(test.given, known); got != test.want {
			t.Errorf("%q: got %q, want %q", test.given, got, test.want)
		}
	}
	if got := diagnostic.DidYouMean("rulee", known); got != ` Did you mean "rule"?` {
		t.Errorf("got %q", got)
	}
	if got := diagnostic.DidYouMean("zzz", known); got != "" {
		t.Errorf("got %q", got)
	}
}

// Whatever the source and the range, what is written holds no control character but the line ends.
func FuzzWrite(f *testing.F) {
	f.Add([]byte("a = b\n"), 4, 5, "detail")
	f.Add([]byte("\x1b[2J\xff\u2028\n\t日"), 0, 99, "\x00")
	f.Fuzz(func(t *testing.T, src []byte, from, to int, detail string) {
		r := hcl.Range{Filename: "f", Start: hcl.Pos{Line: 1, Column: 1, Byte: from}, End: hcl.Pos{Byte: to}}
		diags := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: detail, Detail: detail, Subject: &r}}
		var out strings.Builder
		if err := diagnostic.Write(&out, diags, map[string][]byte{"f": src}); err != nil {
			t.Fatal(err)
		}
		for _, c := range out.String() {
			if c != '\n' && (c < ' ' || c >= 0x7f && c < 0xa0 || c == '\u202e' || c == '\u2028') {
				t.Fatalf("%q was written: %q", c, out.String())
			}
		}
	})
}
