package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/ledger"
)

// asked is which events of a running gateway are meant.
type asked struct {
	running
	state, webhook string
	limit          int
	all            bool
}

func webhooksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Looks at events in the ledger of a running gateway, and has them delivered again",
		Long: `
Asks a running gateway for the events of its webhooks: those that came and are
pending, those that are tried again (retrying), dead letters (dead), and those that
were delivered within the last day.`,
	}
	list, show := &asked{limit: 100}, &asked{}
	replay, drop := &asked{}, &asked{}
	listing := list.command("list [--state pending|retrying|dead|delivered] [--webhook <name>]", "Lists events, the oldest first", cobra.NoArgs, listWebhooks)
	list.choose(listing)
	listing.Flags().IntVar(&list.limit, "limit", list.limit, "How many, at most 1000")
	replaying := replay.command("replay <ref>... | --all [--state dead|delivered] [--webhook <name>]", "Has events delivered again, under their names", cobra.ArbitraryArgs, replayWebhooks)
	replay.chooseAll(replaying)
	dropping := drop.command("drop <ref>... | --all [--state pending|retrying|dead|delivered] [--webhook <name>]", "Lets go of events for good", cobra.ArbitraryArgs, dropWebhooks)
	drop.chooseAll(dropping)
	cmd.AddCommand(listing, replaying, dropping,
		show.command("show <ref>", "Shows an event: what is known of it, its header fields, its body", cobra.ExactArgs(1), showWebhook))
	return cmd
}

// command makes the command that does run.
func (a *asked) command(use, short string, args cobra.PositionalArgs, run func(io.Writer, *asked, []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: args}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			if err := run(cmd.OutOrStdout(), a, args); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		})(cmd, args)
	}
	a.flags(cmd)
	return cmd
}

// choose adds the flags that say which events are meant.
func (a *asked) choose(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.state, "state", string(ledger.Dead), "Where the events are: pending, retrying, dead or delivered")
	cmd.Flags().StringVar(&a.webhook, "webhook", "", "The webhook that they came by (default: all)")
}

func (a *asked) chooseAll(cmd *cobra.Command) {
	a.choose(cmd)
	cmd.Flags().BoolVar(&a.all, "all", false, "All events of the state, instead of those named")
}

// webhooksPath is where the admin API has events.
const webhooksPath = "/api_gateway/webhooks"

// list gives events behind a number.
func (a *asked) list(after uint64, limit int) (*ledger.List, error) {
	if !slices.Contains(ledger.States(), ledger.State(a.state)) {
		return nil, fmt.Errorf("there is no state %q: pending, retrying, dead or delivered", a.state)
	}
	query := url.Values{"state": {a.state}, "limit": {strconv.Itoa(limit)}, "after": {strconv.FormatUint(after, 10)}}
	if a.webhook != "" {
		query.Set("webhook", a.webhook)
	}
	list := &ledger.List{}
	return list, a.send(http.MethodGet, webhooksPath+"?"+query.Encode(), list)
}

func listWebhooks(w io.Writer, a *asked, _ []string) error {
	line := waiting("asking the gateway")
	list, err := a.list(0, a.limit)
	line.Stop()
	if err != nil {
		return err
	}
	return a.print(w, list.Events, func(w io.Writer) error { return writeEvents(w, a.state, list.Events) })
}

// writeEvents prints events for a terminal.
func writeEvents(w io.Writer, state string, all []ledger.Entry) error {
	if len(all) == 0 {
		_, err := fmt.Fprintf(w, "no %s events\n", state)
		return err
	}
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "REF\tWEBHOOK\tKIND\tRECEIVED\tBYTES\tATTEMPTS\tREASON\tID")
	for _, e := range all {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", e.Ref, e.Webhook, dash(cell(e.Kind)), e.Received.UTC().Format(time.RFC3339), e.Size, e.Attempts, dash(e.Reason), e.ID)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return clean(w, out.String())
}

// cell is a text that a sender wrote, in which nothing begins another cell or row.
func cell(text string) string { return strings.Join(strings.Fields(text), " ") }

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// clean prints what senders wrote, of which nothing speaks to the terminal.
func clean(w io.Writer, text string) error {
	for line := range strings.Lines(text) {
		if _, err := fmt.Fprintln(w, diagnostic.Clean(strings.TrimRight(line, " \n"))); err != nil {
			return err
		}
	}
	return nil
}

func showWebhook(w io.Writer, a *asked, args []string) error {
	if _, _, err := ledger.ParseRef(args[0]); err != nil {
		return err
	}
	e := &ledger.Entry{}
	if err := a.ask(http.MethodGet, webhooksPath+"/"+args[0], e); err != nil {
		return err
	}
	return a.print(w, e, func(w io.Writer) error { return writeEvent(w, e) })
}

// writeEvent prints an event for a terminal.
func writeEvent(w io.Writer, e *ledger.Entry) error {
	var out strings.Builder
	for _, row := range [][2]string{{"id", e.ID}, {"webhook", e.Webhook}, {"kind", e.Kind}, {"key", e.Key}, {"received", e.Received.UTC().Format(time.RFC3339Nano)}, {"reason", e.Reason}} {
		if row[1] != "" {
			fmt.Fprintf(&out, "%s: %s\n", row[0], row[1])
		}
	}
	if e.Attempts > 0 {
		fmt.Fprintf(&out, "attempts: %d\n", e.Attempts)
	}
	out.WriteString("\n")
	names := make([]string, 0, len(e.Header))
	for name := range e.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range e.Header[name] {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	if utf8.Valid(e.Body) {
		fmt.Fprintf(&out, "\n%s\n", e.Body)
	} else {
		fmt.Fprintf(&out, "\n(%d bytes that are no text; --json has them in base64)\n", len(e.Body))
	}
	return clean(w, out.String())
}

func replayWebhooks(w io.Writer, a *asked, args []string) error {
	return a.each(w, args, http.MethodPost, "replaying events", "replayed")
}

func dropWebhooks(w io.Writer, a *asked, args []string) error {
	return a.each(w, args, http.MethodDelete, "dropping events", "dropped")
}

// each does the same with all events meant.
func (a *asked) each(w io.Writer, refs []string, method, doing, did string) error {
	if (len(refs) > 0) == a.all {
		return errors.New("name events as they are listed, dead/17, or give --all")
	}
	if a.all {
		n, err := a.everything(method, doing)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s %d events\n", did, n)
		return err
	}
	for _, ref := range refs {
		if _, _, err := ledger.ParseRef(ref); err != nil {
			return err
		}
	}
	for _, ref := range refs {
		if err := a.ask(method, webhooksPath+"/"+ref, nil); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s %s\n", did, ref); err != nil {
			return err
		}
	}
	return nil
}

// everything does it with all events of the state that are there now; what is replayed comes there again behind them.
func (a *asked) everything(method, doing string) (n int, err error) {
	line := waiting(doing)
	defer line.Stop()
	last, end := uint64(0), uint64(0)
	for {
		list, err := a.list(last, ledger.MaxList)
		if err != nil {
			return n, err
		}
		if end == 0 {
			end = list.Last
		}
		for _, e := range list.Events {
			_, number, err := ledger.ParseRef(e.Ref)
			if err == nil && number <= end {
				err = a.send(method, webhooksPath+"/"+e.Ref, nil)
				n++
				line.Count(doing, n, 0)
			}
			if err != nil {
				return n, fmt.Errorf("after %d events: %w", n, err)
			}
			last = number
		}
		if len(list.Events) < ledger.MaxList || last >= end {
			return n, nil
		}
	}
}
