package rule

import (
	"os"
	"strings"
	"testing"
	"time"
)

// rows gives the rows of the table of docs/rules.md that has so many columns, without the code's marks.
func rows(t *testing.T, columns int) (all [][]string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		line, ok := strings.CutPrefix(strings.TrimSuffix(line, "|\n"), "|")
		cells := strings.Split(line, "|")
		if ok && len(cells) == columns {
			for i, c := range cells {
				cells[i] = strings.TrimSpace(c)
			}
			all = append(all, cells)
		}
	}
	return all
}

// The examples of the page give what it says.
func TestPage(t *testing.T) {
	const body = `{"lines": [{"sku": "A1", "qty": 2}, {"sku": "B2", "qty": 5}], "total": 12.50, "at": "2026-10-31T12:00:00Z", "currency": "EUR", "sku": "A1"}`
	x := request(body)
	x.Time = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	tried := 0
	for _, row := range rows(t, 4)[2:] {
		example, gives := strings.Trim(row[2], "`"), strings.Trim(row[3], "`")
		if gives == "error" {
			gives = "fails"
		}
		tried++
		p, diags := fromText(example, everything, Any)
		if diags.HasErrors() {
			if gives != "fails" {
				t.Errorf("%s: %s", example, diags)
			}
			continue
		}
		if got := valueOf(t, p, x); got != gives {
			t.Errorf("%s: got %s, want %s", example, got, gives)
		}
	}
	if tried < 30 {
		t.Errorf("only %d examples", tried)
	}
	tried = 0
	for _, row := range rows(t, 2) {
		if !strings.HasPrefix(row[0], "`") || strings.Contains(row[1], "a member") {
			continue
		}
		ours, theirs := strings.Split(row[0], "`, `"), strings.Split(row[1], "`, `")
		if len(ours) != len(theirs) || !strings.HasSuffix(row[1], "`") {
			continue // the names
		}
		for i := range ours {
			tried++
			p, diags := fromHCL(t, strings.Trim(ours[i], "`"), everything, Any)
			q, more := fromText(strings.Trim(theirs[i], "`"), everything, Any)
			if diags.HasErrors() || more.HasErrors() {
				t.Errorf("%s: %s, %s", ours[i], diags, more)
				continue
			}
			if a, b := valueOf(t, p, x), valueOf(t, q, x); a != b || a == "fails" {
				t.Errorf("%s: %s, but %s: %s", ours[i], a, theirs[i], b)
			}
		}
	}
	if tried < 9 {
		t.Errorf("only %d notations", tried)
	}
}

// Every function is on the page.
func TestPageIsComplete(t *testing.T) {
	var page strings.Builder
	for _, row := range rows(t, 4) {
		page.WriteString(row[0])
	}
	for _, name := range functionNames(false) {
		predicate := builtins[name].predicate // told of in the text
		if !predicate && !strings.Contains(page.String(), "`"+name+"(") {
			t.Errorf("%s is not on the page", name)
		}
	}
}
