package command

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/usage"
)

// askedUsage are the flags of usage.
type askedUsage struct {
	running
	api, version, consumer, since string
	asCSV                         bool
}

func usageCommand() *cobra.Command {
	var a askedUsage
	cmd := &cobra.Command{
		Use:   "usage [--api <name>] [--version <name>] [--consumer <id>] [--since 30d] [--csv|--json] [--address <interface>] [--config <file> [--adapter <name>]]",
		Short: "Tells who calls what",
		Long: `
Asks a running gateway who calls its APIs: for each consumer, API, version and way in
which the version was chosen, how many requests came, how many were refused (4xx) or
failed (5xx), how long they took, how many bytes went in and out, and when the last
one came; and which versions that are deprecated or end somebody has called in the
last 14 days. Where several gateways count on one Redis, it tells the sums of all of
them, and says so where Redis is away.

Counts of the last 7 days are told by the hour, those from before by the day, in UTC;
what is older than 400 days is gone.

Exits 0, or 3 if the gateway cannot be asked.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return a.tell(os.Stdout) }),
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&a.api, "api", "", "Only calls of this API")
	cmd.Flags().StringVar(&a.version, "version", "", "Only calls of this version")
	cmd.Flags().StringVar(&a.consumer, "consumer", "", "Only calls of this consumer")
	cmd.Flags().StringVar(&a.since, "since", "30d", "How far back, such as 12h or 90d")
	cmd.Flags().BoolVar(&a.asCSV, "csv", false, "Print CSV")
	return cmd
}

// tell prints who calls what, and gives the exit code.
func (a askedUsage) tell(w io.Writer) (int, error) {
	if a.asCSV && a.asJSON {
		return exitUnanswered, errors.New("--csv and --json exclude each other")
	}
	query := url.Values{}
	for name, value := range map[string]string{"api": a.api, "version": a.version, "consumer": a.consumer, "since": a.since} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var r usage.Report
	if err := a.ask(http.MethodGet, "/api_gateway/usage?"+query.Encode(), &r); err != nil {
		return exitUnanswered, err
	}
	err := a.print(w, r, func(w io.Writer) error {
		if a.asCSV {
			return writeUsageCSV(w, &r)
		}
		return writeUsage(w, &r)
	})
	if err != nil {
		return exitUnanswered, err
	}
	return caddy.ExitCodeSuccess, nil
}

// writeUsage prints a report for a terminal.
func writeUsage(w io.Writer, r *usage.Report) error {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	if len(r.Rows) > 0 {
		_, _ = fmt.Fprintln(table, "CONSUMER\tAPI\tVERSION\tBY\tREQUESTS\t4XX\t5XX\tMEAN\tSLOWEST\tIN\tOUT\tLAST SEEN")
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", cell(row.Consumer), cell(row.API), cell(dash(row.Version)), dash(row.Selected),
			row.Requests, row.Denied, row.Errors, rounded(row.Mean), rounded(row.Slowest), size(row.In), size(row.Out), row.Last.UTC().Format(time.RFC3339))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(r.Rows) == 0 {
		fmt.Fprintf(&out, "nobody called since %s\n", r.From.Format(time.RFC3339))
	} else {
		fmt.Fprintf(&out, "since %s\n", r.From.Format(time.RFC3339))
	}
	switch {
	case r.Alone != "":
		fmt.Fprintf(&out, "! of this gateway alone, for the counters' Redis does not tell of the others: %s\n", cell(r.Alone))
	case r.Gateways > 1:
		fmt.Fprintf(&out, "of %d gateways; what the others counted in the last 30 s may be missing\n", r.Gateways)
	}
	if r.More > 0 {
		fmt.Fprintf(&out, "and %d rows with fewer requests: ask for an API, a version or a consumer\n", r.More)
	}
	for i := range r.Ending {
		writeEnding(&out, &r.Ending[i], r.Until)
	}
	return clean(w, out.String())
}

// writeEnding prints who still calls a version.
func writeEnding(out *strings.Builder, e *usage.Ending, now time.Time) {
	fmt.Fprintf(out, "\n%s %s", cell(e.API), cell(e.Version))
	switch {
	case e.Sunset != nil && !now.Before(*e.Sunset):
		fmt.Fprintf(out, " has ended on %s", e.Sunset.Format(time.DateOnly))
	case e.Sunset != nil:
		fmt.Fprintf(out, " ends on %s", e.Sunset.Format(time.DateOnly))
	default:
		fmt.Fprintf(out, " is deprecated since %s", e.Deprecated.Format(time.DateOnly))
	}
	names := make([]string, len(e.Consumers))
	for i, name := range e.Consumers {
		names[i] = cell(name)
	}
	if more := e.Callers - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	fmt.Fprintf(out, ", and in the last 14 days was called by %s, last at %s\n", strings.Join(names, ", "), e.Last.Format(time.RFC3339))
	if len(e.Changes) > 0 {
		fmt.Fprintf(out, "  changes before its callers: %s\n", cell(strings.Join(e.Changes, ", ")))
	}
}

// rounded is a time for people.
func rounded(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// size is a number of bytes for people.
func size(n uint64) string {
	const unit = 1024
	if n < unit {
		return strconv.FormatUint(n, 10) + " B"
	}
	value, i := float64(n)/unit, 0
	for ; value >= unit && i < 4; i++ {
		value /= unit
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + string("KMGTP"[i]) + "iB"
}

// writeUsageCSV prints the rows for other programs. A spreadsheet would take a name that begins with = for a formula, and
// names are callers': those have a ' before them (OWASP, CSV injection).
func writeUsageCSV(w io.Writer, r *usage.Report) error {
	to := csv.NewWriter(w)
	rows := [][]string{{"api", "version", "selected", "consumer", "requests", "denied", "errors", "mean_seconds", "slowest_seconds", "bytes_in", "bytes_out", "last_seen"}}
	for i := range r.Rows {
		row := &r.Rows[i]
		cells := []string{row.API, row.Version, row.Selected, row.Consumer}
		for j, cell := range cells {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				cells[j] = "'" + cell
			}
		}
		for _, n := range []uint64{row.Requests, row.Denied, row.Errors} {
			cells = append(cells, strconv.FormatUint(n, 10))
		}
		for _, n := range []float64{row.Mean, row.Slowest} {
			cells = append(cells, strconv.FormatFloat(n, 'f', 6, 64))
		}
		rows = append(rows, append(cells, strconv.FormatUint(row.In, 10), strconv.FormatUint(row.Out, 10), row.Last.UTC().Format(time.RFC3339)))
	}
	return to.WriteAll(rows)
}
