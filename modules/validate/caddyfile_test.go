package validate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// What the schema does not have is a mistake in the line of the rule that names it, wherever the schema stands; a schema that
// cannot be read is told by whoever loads it.
func TestRulesAreTyped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(file, []byte(`{"type":"object","properties":{"total":{"type":"integer"},"lines":{"items":{"type":"object","properties":{"qty":{"type":"integer"}}}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, block, told string }{
		{"right", "schema " + file + "\nrule `body.total > 0` d\nrule `all(body.lines, .qty > 0)` d", ""},
		{"misspelt", "schema " + file + "\nrule `body.total > 0` d\nrule `body.totl > 0` d", `rule: Unknown field: The schema has no member "totl" here. Did you mean "total"? It has lines, total, at Testfile:4`},
		{"before the schema", "rule `all(body.lines, .quantity > 0)` d\nschema " + file, `rule: Unknown field: The schema has no member "quantity" here. It has qty, at Testfile:2`},
		{"of another type", "schema " + file + "\nrule `body.total == \"1\"` d", `rule: Invalid expression: Invalid operation: == (mismatched types int and string), at Testfile:3`},
		{"no schema", "rule `body.totl > 0` d", ""},
		{"a schema that is not there", "schema " + file + ".old\nrule `body.totl > 0` d", ""},
	} {
		h := &Handler{}
		err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser("api_validate {\n" + c.block + "\n}"))
		got := ""
		if err != nil {
			got = strings.TrimSpace(err.Error())
		}
		if got != c.told {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.told)
		}
	}
}
