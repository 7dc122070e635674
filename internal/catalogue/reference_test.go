package catalogue

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/duration"
)

// docs/catalogue.md is the table, written out. go test ./internal/catalogue -run Reference -update writes it.
func TestReference(t *testing.T) {
	var out strings.Builder
	out.WriteString("# The catalogue: reference\n\n")
	out.WriteString("<!-- Made from internal/catalogue's table: go test ./internal/catalogue -run Reference -update -->\n\n")
	out.WriteString(language.doc + "\n")
	all := readExamples(t, "testdata/reference/*.hcl", &language)
	for _, b := range language.blocks {
		document(&out, b, "", nil, all)
	}
	golden(t, "../../docs/catalogue.md", out.String())
}

// docs/testing.md ends with the table of cases, written out by the same command.
func TestCaseReference(t *testing.T) {
	const path, begin = "../../docs/testing.md", "<!-- Made from internal/catalogue's table: go test ./internal/catalogue -run Reference -update -->"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	prose, _, ok := strings.Cut(string(page), begin)
	if !ok {
		t.Fatalf("%s does not say where its reference begins", path)
	}
	var out strings.Builder
	out.WriteString(prose + begin + "\n\n" + caseLanguage.doc + "\n")
	told := map[string]bool{}
	all := readExamples(t, "testdata/reference/*.case.hcl", &caseLanguage)
	for _, b := range caseLanguage.blocks {
		document(&out, b, "", told, all)
	}
	golden(t, path, out.String())
}

// document writes a block and those in it; path are the blocks around it. What is the same as a block in told is left
// out; nil for all of them.
func document(out *strings.Builder, b *block, path string, told map[string]bool, all examples) {
	path = strings.TrimPrefix(path+" › "+b.name, " › ")
	if told[b.name+b.doc] {
		return
	}
	if told != nil && b.label != caseLabel {
		told[b.name+b.doc] = true
	}
	fmt.Fprintf(out, "\n%s %s\n\n%s\n\n", strings.Repeat("#", min(2+strings.Count(path, "›"), 6)), path, b.doc)
	if b.label != nil {
		fmt.Fprintf(out, "Label: %s.\n\n", b.label.what)
	}
	if n := often(b); n != "" && path != b.name {
		fmt.Fprintf(out, "%s\n\n", n)
	}
	for _, group := range b.oneOf {
		fmt.Fprintf(out, "Takes exactly one of %s.\n\n", either(group))
	}
	if b.free {
		out.WriteString("Its attributes have any names and values.\n\n")
	}
	if len(b.attributes) > 0 {
		out.WriteString("| attribute | value | default | |\n|---|---|---|---|\n")
	}
	for _, a := range b.attributes {
		def := a.absent
		switch {
		case a.required:
			def = "required"
		case a.def != nil:
			def = "`" + show(a.def) + "`"
		case def == "":
			def = "none"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", a.name, strings.ReplaceAll(a.kind.String(), "|", "\\|"), def, a.doc)
	}
	all.show(out, b)
	for _, inner := range b.blocks {
		document(out, inner, path, told, all)
	}
}

func often(b *block) string {
	switch {
	case b.min == 1 && b.max == 1:
		return "Once."
	case b.max == 1:
		return "At most once."
	case b.min > 0 && b.max > 0:
		return fmt.Sprintf("%d to %d times.", b.min, b.max)
	case b.max > 0:
		return fmt.Sprintf("At most %d times.", b.max)
	}
	return ""
}

// The table itself: every row has its manual, a sentence; every default is what its kind would give; no name stands
// for both a block and an attribute.
func TestTable(t *testing.T) {
	var walk func(b *block, path string)
	walk = func(b *block, path string) {
		if b.doc == "" || !strings.HasSuffix(b.doc, ".") {
			t.Errorf("%s: the manual is no sentence: %q", path, b.doc)
		}
		seen := make(map[string]bool)
		for _, a := range b.attributes {
			if !strings.HasSuffix(a.doc, ".") || strings.ToUpper(a.doc[:1]) != a.doc[:1] && !strings.Contains(a.doc, ": ") {
				t.Errorf("%s.%s: the manual is no sentence: %q", path, a.name, a.doc)
			}
			if seen[a.name] {
				t.Errorf("%s.%s stands in the table twice", path, a.name)
			}
			seen[a.name] = true
			if a.required && (a.def != nil || a.absent != "") {
				t.Errorf("%s.%s is required and has a default", path, a.name)
			}
			if a.def != nil && a.absent != "" {
				t.Errorf("%s.%s has two defaults", path, a.name)
			}
			if a.def == nil {
				continue
			}
			d := &decoder{sources: map[string][]byte{}}
			body, diags := parseFrom([]byte("x = "+show(a.def)+"\n"), "default", start)
			d.sources["default"] = []byte("x = " + show(a.def) + "\n")
			if diags.HasErrors() {
				t.Fatalf("%s.%s: %v", path, a.name, diags)
			}
			if _, ok := a.kind.decode(d, body.Attributes["x"].Expr); !ok {
				t.Errorf("%s.%s: the default %s is not what may be written: %v", path, a.name, show(a.def), d.diags)
			}
		}
		for _, inner := range b.blocks {
			if seen[inner.name] {
				t.Errorf("%s.%s stands in the table twice", path, inner.name)
			}
			seen[inner.name] = true
			walk(inner, path+"."+inner.name)
		}
	}
	walk(&language, "")
	walk(&caseLanguage, "")
}

// show writes a default as a catalogue would.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case time.Duration:
		return fmt.Sprintf("%q", duration.Duration(v))
	case byteCount:
		return fmt.Sprintf("%q", v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = fmt.Sprintf("%q", s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return fmt.Sprint(v)
}
