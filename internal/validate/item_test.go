package validate

import (
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/pipeline"
)

// Of a list of which all items must meet a condition, the item that fails it is told in the caller's shape, unless the rule
// says itself where the mistake is.
func TestItemOfRule(t *testing.T) {
	p := pipeline.New(NewContent(ContentConfig{}), New(Checks{
		Rules: []Rule{
			must(t, "quantities", `header["X-Tenant"] == "acme" && all(body.lines, .qty > 0)`, "d", ""),
			must(t, "prices", `all(body.lines, .price > 0)`, "d", "/lines"),
		},
		Pointer: func(newest string) string { return strings.Replace(newest, "/lines", "/items", 1) },
	}))
	for _, c := range []struct{ tenant, body, told string }{
		{"acme", `{"lines": [{"qty": 1, "price": 1}, {"qty": 0, "price": 1}]}`, `[{"pointer":"/items/1","rule":"quantities","detail":"d"}]`},
		{"acme", `{"lines": [{"qty": 1, "price": 0}]}`, `[{"pointer":"/items","rule":"prices","detail":"d"}]`},
		{"", `{"lines": [{"qty": 0, "price": 1}]}`, `[{"pointer":"/items","rule":"quantities","detail":"d"}]`},
	} {
		x := post("application/json", c.body)
		x.Header.Set("X-Tenant", c.tenant)
		if got := told(t, p.Handle(x)); got != c.told {
			t.Errorf("%s\n got %s\nwant %s", c.body, got, c.told)
		}
	}
}
