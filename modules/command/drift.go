package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/drift"
)

func driftCommand() *cobra.Command {
	var from source
	var address string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "drift [--address <interface>] [--config <file> [--adapter <name>]] [--json]",
		Short: "Tells what services answer that their APIs do not say",
		Long: `
Asks a running gateway what it found in the answers of services that are held
against schemas (responses), and prints it route by route: where in the answer,
which keyword of the schema is broken, how often, and when first and last.

Exits 0 if nothing was found, 1 if something was, 2 if no answer has been checked
yet, 3 if the gateway cannot be asked.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			code, err := tellDrift(os.Stdout, address, from, asJSON)
			if code == exitDifferences && err == nil { // Caddy takes a 1 without an error for success
				err = errors.New("answers differ from what the APIs say")
			}
			return code, err
		}),
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&address, "address", "", "The address of the running gateway's admin API, if it is not in the configuration")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON")
	return cmd
}

// tellDrift prints a running gateway's report, and gives the exit code.
func tellDrift(w io.Writer, address string, from source, asJSON bool) (int, error) {
	text, err := fetch(address, "/api_gateway/drift", from)
	if err != nil {
		return exitUnanswered, fmt.Errorf("asking the gateway: %w", err)
	}
	var report drift.Report
	if err := json.Unmarshal(text, &report); err != nil {
		return exitUnanswered, fmt.Errorf("reading the gateway's answer: %w", err)
	}
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		err = e.Encode(report)
	} else {
		err = writeDrift(w, &report)
	}
	switch {
	case err != nil:
		return exitUnanswered, err
	case report.Drifted > 0:
		return exitDifferences, nil
	case report.Checked == 0:
		return exitNothingYet, nil
	}
	return caddy.ExitCodeSuccess, nil
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
