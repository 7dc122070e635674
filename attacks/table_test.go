package attacks

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// groups are the pages of the table, in the order in which they are carried out: those of security's own list.
var groups = []string{"path", "headers", "host", "smuggling", "query", "bodies", "tokens", "webhooks", "injection", "limits", "redis"}

// attack is a line of the table.
type attack struct {
	page          string
	line          int
	section, name string
	cells         map[string]string // by the names of the columns
}

// columns that a table may have.
var columns = []string{"case", "as", "request", "bytes", "frames", "talk", "header", "claims", "signed", "certificate", "on_error", "over", "answer", "service", "party"}

// read gives the cases of a page: the lines of its tables whose first column is "case".
func read(t testing.TB, page string) []attack {
	t.Helper()
	text, err := os.ReadFile(page + ".md")
	if err != nil {
		t.Fatal(err)
	}
	var all []attack
	var names []string // of the columns; nil between tables
	seen := map[string]int{}
	n, section := 0, ""
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			names = nil
			if heading, ok := strings.CutPrefix(line, "## "); ok {
				section = heading
				clear(seen) // a case is named once in a section
			}
			continue
		}
		fields := cells(line)
		switch {
		case names == nil && fields[0] == "case":
			names = fields
			for _, name := range names {
				if !slices.Contains(columns, name) {
					t.Fatalf("%s.md:%d: there is no column %q", page, n, name)
				}
			}
			continue
		case names == nil || strings.HasPrefix(fields[0], "---"):
			continue
		case len(fields) != len(names):
			t.Fatalf("%s.md:%d: %d cells in %d columns", page, n, len(fields), len(names))
		}
		a := attack{page: page, line: n, section: section, name: fields[0], cells: map[string]string{}}
		for i, name := range names {
			a.cells[name] = fields[i]
		}
		if at := seen[a.name]; at > 0 {
			t.Errorf("%s.md:%d: a case of this name is in line %d", page, n, at)
		}
		seen[a.name] = n
		all = append(all, a)
	}
	return all
}

// cells gives what is between the bars of a line of a Markdown table. A bar within a cell is written \|. What stands in
// backticks stands for itself, without them.
func cells(line string) []string {
	line = strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|")
	var all []string
	for i, start := 0, 0; i <= len(line); i++ {
		if i == len(line) || line[i] == '|' && (i == 0 || line[i-1] != '\\') {
			cell := strings.TrimSpace(strings.ReplaceAll(line[start:i], `\|`, "|"))
			if len(cell) > 1 && strings.HasPrefix(cell, "`") && strings.HasSuffix(cell, "`") && !strings.Contains(cell[1:len(cell)-1], "`") {
				cell = cell[1 : len(cell)-1]
			}
			all = append(all, cell)
			start = i + 1
		}
	}
	return all
}

// where is where the case stands.
func (a attack) where() string { return fmt.Sprintf("%s.md:%d", a.page, a.line) }

// over are the protocols that a case is sent over: all of them unless it says otherwise, or is spelt in those of one.
func (a attack) over() []string {
	switch {
	case a.cells["over"] != "":
		return strings.Fields(a.cells["over"])
	case a.cells["bytes"] != "":
		return []string{"1"}
	case a.cells["frames"] != "":
		return []string{"2", "3"}
	case a.cells["talk"] != "":
		return []string{"-"}
	}
	return []string{"1", "2", "3"}
}

// expected is what must come back over a protocol: answers in their order, each a status, perhaps with the type of a
// problem, or "closed", "reset CODE", "goaway CODE". A cell says "400" for all, or "1: 400; 2: reset PROTOCOL_ERROR; 3: 400".
func (a attack) expected(protocol string) []string {
	cell := a.cells["answer"]
	for part := range strings.SplitSeq(cell, ";") {
		which, rest, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			continue
		}
		if slices.Contains(strings.Fields(which), protocol) {
			cell = strings.TrimSpace(rest)
			break
		}
	}
	var all []string
	for one := range strings.SplitSeq(cell, ",") {
		all = append(all, strings.TrimSpace(one))
	}
	return all
}

// counted are the lines of README.md's table of the groups: how many cases each has.
func counted(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if fields := cells(strings.TrimSpace(line)); len(fields) >= 2 {
			name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "["), "]")
			counts[strings.TrimSuffix(name, ".md")] = fields[1]
		}
	}
	return counts
}

// TestTable counts the cases: README.md says how many there are, and each group's are there.
func TestTable(t *testing.T) {
	counts, all := counted(t), 0
	for _, group := range groups {
		n := len(read(t, group))
		if all += n; counts[group] != fmt.Sprint(n) {
			t.Errorf("README.md counts %q cases in %s.md, where there are %d", counts[group], group, n)
		}
	}
	if counts["all"] != fmt.Sprint(all) {
		t.Errorf("README.md counts %q cases in all, and there are %d", counts["all"], all)
	}
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) != len(groups)+1 {
		t.Errorf("there are the pages %q; %v", pages, err)
	}
}

// as is who calls.
func (a attack) as() string {
	switch as, ok := a.cells["as"]; {
	case ok && as != "":
		return as
	case a.cells["certificate"] != "":
		return "nobody"
	}
	return "acme"
}

// hasToken says whether the case is about a token, which its columns tell.
func (a attack) hasToken() bool {
	_, header := a.cells["header"]
	_, told := a.cells["claims"]
	return header || told
}
