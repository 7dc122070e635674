package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/drift"
)

var driftReport = reporting[drift.Report]{
	use:   "drift",
	short: "Tells what services answer that their APIs do not say",
	long: `
Asks a running gateway what it found in the answers of services that are held
against schemas (responses), and prints it route by route: where in the answer,
which keyword of the schema is broken, how often, and when first and last.

Exits 0 if nothing was found, 1 if something was, 2 if no answer has been checked
yet, 3 if the gateway cannot be asked.`,
	path:    "/api_gateway/drift",
	write:   writeDrift,
	differs: "answers differ from what the APIs say",
	code: func(r *drift.Report) int {
		switch {
		case r.Drifted > 0:
			return exitDifferences
		case r.Checked == 0:
			return exitNothingYet
		}
		return caddy.ExitCodeSuccess
	},
}

// writeDrift prints a report for a terminal.
func writeDrift(w io.Writer, r *drift.Report) error {
	var out strings.Builder
	for _, one := range r.Routes {
		name := one.Route
		if one.API != "" {
			name = one.API + ": " + name
		}
		if one.Version != "" {
			name += ", as version " + one.Version + " has it"
		}
		if one.Enforced {
			name += ", enforced"
		}
		fmt.Fprintf(&out, "%s\n  %d of %d answers differ, since %s\n", name, one.Drifted, one.Checked, one.Since.UTC().Format(time.RFC3339))
		for _, skipped := range []struct {
			n   uint64
			why string
		}{{one.TooLarge, "too large"}, {one.Unread, "a part, or in a content coding"}, {one.Broken, "broken off"}} {
			if skipped.n > 0 {
				fmt.Fprintf(&out, "  %d not checked: %s\n", skipped.n, skipped.why)
			}
		}
		for _, f := range one.Findings {
			pointer := f.Pointer
			if pointer == "" {
				pointer = "the whole"
			}
			fmt.Fprintf(&out, "  %d × %d %s: %s (%s), %s to %s\n", f.Count, f.Status, pointer, f.Message, f.Keyword,
				f.First.UTC().Format(time.RFC3339), f.Last.UTC().Format(time.RFC3339))
		}
		if one.Others > 0 {
			fmt.Fprintf(&out, "  %d × other\n", one.Others)
		}
		out.WriteString("\n")
	}
	switch {
	case len(r.Routes) == 0:
		out.WriteString("no route's answers are checked\n")
	case r.Checked == 0:
		out.WriteString("no answer has been checked yet\n")
	default:
		fmt.Fprintf(&out, "%d of %d answers differ\n", r.Drifted, r.Checked)
	}
	for line := range strings.Lines(out.String()) {
		// What services send is not ours: nothing in it speaks to the terminal.
		if _, err := fmt.Fprintln(w, diagnostic.Clean(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
