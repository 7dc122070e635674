package command

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/shadow"
)

var shadowReport = reporting[shadow.Report]{
	use:   "shadow",
	short: "Tells whether policies that are tried out can take over",
	long: `
Asks a running gateway what the policies that it tries out (shadow, report_only)
would have decided differently, and prints it query by query: how many decisions
agreed, how many requests would newly be denied or allowed, what else differs,
and on which routes and for which reasons.

Exits 0 if there is no difference, 1 if there is one or a candidate has mistakes,
2 if nothing has been evaluated yet, by all of them or by one that had decisions to
make, 3 if the gateway cannot be asked.`,
	path:    "/api_gateway/shadow",
	write:   writeReport,
	differs: "candidates decide differently",
	code: func(r *shadow.Report) int {
		switch {
		case r.Safe:
			return caddy.ExitCodeSuccess
		case r.Different():
			return exitDifferences
		}
		return exitNothingYet
	},
}

// writeReport prints a report for a terminal.
func writeReport(w io.Writer, r *shadow.Report) error {
	var out strings.Builder
	for _, c := range r.Comparisons {
		if c.Kind == shadow.ReportOnly {
			fmt.Fprintf(&out, "%s, which only reports\n", c.Query)
		} else {
			fmt.Fprintf(&out, "%s, beside it: %s\n", c.Query, c.Candidate)
		}
		for _, m := range c.Mistakes {
			fmt.Fprintf(&out, "  %s\n", m)
		}
		table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, row := range []struct {
			what   string
			n      uint64
			always bool
		}{
			{"evaluated", c.Evaluated, true},
			{"agreed", c.Agreed, true},
			{"would newly deny", c.WouldDeny, true},
			{"would newly allow", c.WouldAllow, true},
			{"answered in another way", c.Differs, true},
			{"without an answer", c.Failed, true},
			{"dropped, for too much was waiting", c.Dropped, false},
			{"not evaluated: the body is not read, or no JSON", c.NoBody, false},
			{"not evaluated: no input can be made of the request", c.Unreadable, false},
			{"not evaluated: the candidate has mistakes", c.Mistaken, false},
		} {
			if row.always || row.n > 0 {
				_, _ = fmt.Fprintf(table, "%d\t  %s\n", row.n, row.what)
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		writeDifferences(&out, &c)
		fmt.Fprintf(&out, "  %s\n\n", c.Verdict)
	}
	fmt.Fprintln(&out, r.Verdict)
	for line := range strings.Lines(out.String()) {
		// Routes and reasons are not ours: nothing in them speaks to the terminal.
		if _, err := fmt.Fprintln(w, diagnostic.Clean(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// writeDifferences prints what differs in which decisions.
func writeDifferences(out *strings.Builder, c *shadow.Compared) {
	var rules []string
	for name, n := range c.Rules {
		rules = append(rules, fmt.Sprintf("%s (%d)", name, n))
	}
	if rules != nil {
		slices.Sort(rules)
		fmt.Fprintf(out, "  differs in: %s\n", strings.Join(rules, ", "))
	}
	for _, e := range c.Examples {
		route := e.Route
		if e.API != "" {
			route = e.API + ": " + route
		}
		reasons := e.Reasons
		if reasons == "" {
			reasons = "no reason given"
		}
		fmt.Fprintf(out, "  %d × %s, %s: %s\n", e.Count, strings.ReplaceAll(string(e.Became), "_", " "), route, reasons)
	}
	if c.Others > 0 {
		fmt.Fprintf(out, "  %d × other\n", c.Others)
	}
}
