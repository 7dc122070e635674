package gateway

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/accesslog"
)

//go:generate go test -run TestTheAccessTableIsCurrent -update .

var update = flag.Bool("update", false, "write the table of fields in docs/observability.md anew")

// TestTheAccessTableIsCurrent holds the page's table of the fields of access logs against the fields themselves.
func TestTheAccessTableIsCurrent(t *testing.T) {
	const (
		page  = "../../docs/observability.md"
		begin = "<!-- Made of the fields themselves by go generate ./modules/gateway -->\n\n"
		end   = "\n<!-- end -->\n"
	)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, began := strings.Cut(string(text), begin)
	table, after, ended := strings.Cut(rest, end)
	if !began || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	var want strings.Builder
	want.WriteString("| field | |\n|---|---|\n")
	for _, f := range accesslog.Fields {
		want.WriteString("| `" + f.Name + "` | " + f.Help + " |\n")
	}
	if *update {
		table = want.String()
		if err := os.WriteFile(page, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if table != want.String() {
		t.Errorf("%s does not have the fields that there are: run go generate ./modules/gateway", page)
	}
}
