package wicketgate_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestThreats looks for the tests that the page of threats names: each line has one, and it is where the page says.
func TestThreats(t *testing.T) {
	const page = "docs/threats.md"
	named := regexp.MustCompile(`\[((?:Test|Fuzz)\w+)\]\(([^()\s]+_test\.go)\)`)
	lines := 0
	for line := range strings.Lines(string(read(t, page))) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| threat ") {
			continue
		}
		lines++
		held := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 3 || len(held) == 0 {
			t.Errorf("no test is named that holds: %s", strings.TrimSpace(line))
		}
		for _, test := range held {
			file := path.Join(path.Dir(page), test[2])
			if !regexp.MustCompile(`(?m)^func ` + test[1] + `\(`).Match(read(t, file)) {
				t.Errorf("%s has no %s", file, test[1])
			}
		}
	}
	if lines == 0 {
		t.Error("the page has no line")
	}
}
