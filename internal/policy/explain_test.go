package policy

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// What stands behind a `not` fails where the line holds: only a line that does not hold is told.
func TestTraceOfNegations(t *testing.T) {
	for body, want := range map[string][]string{
		"not denied":  {"allow true"},
		"not granted": {"granted true", "not granted"},
		"not startswith(input.request.path, \"/x\")": {"allow true"},
		"not startswith(input.request.path, \"/\")":  {"not startswith(input.request.path, \"/\")"},
	} {
		snapshot := files{"a.rego": "package a.b\n\ngranted := true\n\ndenied if input.request.method == \"NONE\"\n\nallow if " + body + "\n"}.load(t)
		q, diags := snapshot.Prepare("data.a.b.allow", here)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		x := fullExchange()
		x.Account = &exchange.Account{}
		x.Account.Begin("authorize", false)
		q.Handle(x)
		var got []string
		for _, step := range x.Account.Steps {
			for _, note := range step.Notes {
				for _, l := range note.(Note).Trace {
					if text := l.Text; l.Holds {
						got = append(got, fmt.Sprint(text, " ", l.Value))
					} else if text != `input.request.method == "NONE"` {
						got = append(got, text)
					}
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}
