package catalogue

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The examples of the reference are blocks of whole files, testdata/reference/*.hcl, which a test of the command
// `caddy gateway` checks and whose cases it runs. Of the blocks of one kind those are shown that have a comment with two
// signs above them, `## so`, or else the first. A long one is shown without the blocks in it, which have examples of
// their own.
const longExample = 16 // lines

// shownExample is a block of a file.
type shownExample struct {
	at      string
	caption int // how many lines above it are its comment
	lines   []string
	block   *hclsyntax.Block
}

// examples are the blocks of the files by their row of the table.
type examples map[*block][]shownExample

func readExamples(t *testing.T, pattern string, from *block) examples {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(a, b) })
	found := examples{}
	for _, name := range names {
		if from == &language && strings.HasSuffix(name, ".case.hcl") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		body, diags := parseFrom(src, name, start)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		found.add(t, from, body, strings.Split(string(src), "\n"))
	}
	for row, all := range found {
		marked := slices.DeleteFunc(slices.Clone(all), func(e shownExample) bool { return e.caption == 0 })
		if len(marked) == 0 {
			marked = all[:1]
		}
		found[row] = marked
	}
	return found
}

func (e examples) add(t *testing.T, from *block, body *hclsyntax.Body, lines []string) {
	for _, b := range body.Blocks {
		row := from.block(b.Type)
		if row == nil {
			t.Fatalf("%s: the table has no %s", b.TypeRange, b.Type)
		}
		one := shownExample{at: b.TypeRange.String(), lines: lines, block: b}
		for i := b.TypeRange.Start.Line - 2; i >= 0 && strings.HasPrefix(strings.TrimSpace(lines[i]), "## "); i-- {
			one.caption++
		}
		e[row] = append(e[row], one)
		e.add(t, row, b.Body, lines)
	}
}

// text is the example as the page shows it.
func (e *shownExample) text() string {
	first, last := e.block.TypeRange.Start.Line-1, e.block.CloseBraceRange.Start.Line-1
	left := map[int]bool{}
	var without []string
	if last-first >= longExample {
		for _, inner := range e.block.Body.Blocks {
			from := inner.TypeRange.Start.Line - 1
			for strings.HasPrefix(strings.TrimSpace(e.lines[from-1]), "## ") {
				from--
			}
			for i := from; i < inner.CloseBraceRange.Start.Line; i++ {
				left[i] = true
			}
			if !slices.Contains(without, inner.Type) {
				without = append(without, inner.Type)
			}
		}
	}
	indent := strings.Repeat(" ", e.block.TypeRange.Start.Column-1)
	var out []string
	for i := first - e.caption; i <= last; i++ {
		line := strings.TrimPrefix(e.lines[i], indent)
		if i == last && len(without) > 0 {
			out = append(out, "  # and blocks "+strings.Join(without, ", ")+", see below")
		}
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "## ") {
			line = strings.Replace(line, "## ", "# ", 1)
		}
		blank := len(out) > 0 && (out[len(out)-1] == "" || strings.HasSuffix(out[len(out)-1], "{"))
		if left[i] || line == "" && (blank || len(without) > 0 && i > first) {
			continue
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n") + "\n"
}

// show writes the examples of a row.
func (e examples) show(out *strings.Builder, row *block) {
	if len(e[row]) == 0 {
		return
	}
	out.WriteString("\n```hcl\n")
	for i := range e[row] {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(e[row][i].text())
	}
	out.WriteString("```\n")
}

// Every block of the table has an example that the page shows, and every attribute stands in one.
func TestExamples(t *testing.T) {
	for _, of := range []struct {
		pattern  string
		language *block
	}{{"testdata/reference/*.hcl", &language}, {"testdata/reference/*.case.hcl", &caseLanguage}} {
		all := readExamples(t, of.pattern, of.language)
		shown := map[string]bool{} // attributes; those that several blocks have are one
		told := func(a *attribute) string { return a.name + ": " + a.doc }
		for row, found := range all {
			for _, one := range found {
				for name := range one.block.Body.Attributes {
					if a := row.attribute(name); a != nil {
						shown[told(a)] = true
					}
				}
			}
		}
		walked := map[*block]bool{}
		var walk func(b *block, path string)
		walk = func(b *block, path string) {
			if walked[b] {
				return
			}
			walked[b] = true
			if len(all[b]) == 0 {
				t.Errorf("%s has no example in %s", path, of.pattern)
			}
			for i := range b.attributes {
				if a := &b.attributes[i]; !shown[told(a)] {
					t.Errorf("%s.%s stands in no example of %s that is shown", path, a.name, of.pattern)
				}
			}
			for _, inner := range b.blocks {
				walk(inner, path+"."+inner.name)
			}
		}
		for _, b := range of.language.blocks {
			walk(b, b.name)
		}
	}
}
