package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/keyfile"
)

// soon is how long before its end a key is said to be expiring.
const soon = 14 * 24 * time.Hour

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Makes, lists, revokes and replaces API keys",
		Long: `
Works with the file that holds the hashes of API keys. A running gateway watches
the file: what a command changes is in force within a second. Without --file it is
the key file that the configuration names, if it names one only.`,
		RunE: func(cmd *cobra.Command, args []string) error { // cobra would take a misspelt command for none
			if len(args) > 0 {
				return fmt.Errorf("there is no command %q.%s", args[0], diagnostic.DidYouMean(args[0], []string{"add", "list", "revoke", "rotate"}))
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(keysAddCommand(), keysListCommand(), keysRevokeCommand(), keysRotateCommand())
	return cmd
}

// keysOptions are the flags that name a key file, and where a command writes.
type keysOptions struct {
	source
	file       string
	out, words io.Writer
	now        func() time.Time
}

func (o *keysOptions) flags(cmd *cobra.Command) {
	o.out, o.words, o.now = os.Stdout, os.Stderr, time.Now
	cmd.Flags().StringVarP(&o.file, "file", "f", "", "The key file (default: the one that the configuration names)")
	o.source.flags(cmd)
}

// run runs a command on the key file that was named or found, and prints the mistakes of a broken one.
func (o *keysOptions) run(do func(path string) error) (int, error) {
	path, err := o.find()
	if err == nil {
		err = do(path)
	}
	var broken *keyfile.Broken
	if errors.As(err, &broken) {
		if err = diagnostic.Write(o.words, broken.Diagnostics, broken.Sources); err == nil {
			err = errMistakes
		}
	}
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return caddy.ExitCodeSuccess, nil
}

func keysAddCommand() *cobra.Command {
	var o keysOptions
	var k identity.Key
	var expires string
	cmd := &cobra.Command{
		Use:   "add --consumer <id> [--expires <90d|date>] [--version <version>] [--plan <plan>] [--scopes <a,b>] [--groups <a,b>] [--name <name>] [--file <file>]",
		Short: "Makes an API key and shows it once",
		Long: `
Makes an API key, prints it, and adds its line to the key file, which is made if it
is not there. The file holds a hash: nobody can tell the key again. Only the key
goes to the standard output, so that a script can take it.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			return o.run(func(path string) error { return o.add(path, k, expires) })
		}),
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&k.Consumer, "consumer", "", "Whom the key belongs to (required)")
	cmd.Flags().StringVar(&expires, "expires", "", "When the key ends: in 90d or 12h, on 2027-01-31, or at 2027-01-31T12:00:00Z (default: never)")
	cmd.Flags().StringVar(&k.Version, "version", "", "The version of the API that the consumer is pinned to")
	cmd.Flags().StringVar(&k.Plan, "plan", "", "The consumer's plan of quotas")
	cmd.Flags().StringSliceVar(&k.Scopes, "scopes", nil, "What the key may be used for")
	cmd.Flags().StringSliceVar(&k.Groups, "groups", nil, "What the consumer belongs to")
	cmd.Flags().StringVar(&k.Name, "name", "", "What people call the consumer")
	_ = cmd.MarkFlagRequired("consumer") //nolint:errcheck // the flag is there
	return cmd
}

func (o *keysOptions) add(path string, k identity.Key, expires string) (err error) {
	if k.Expires, err = ending(expires, o.now()); err != nil {
		return err
	}
	printed, made, err := keyfile.Add(path, &k)
	if err != nil {
		return err
	}
	if made {
		fmt.Fprintf(o.words, "made %s, which only its owner may read\n", path) //nolint:errcheck // the key matters
	}
	return o.show(printed, &k, path)
}

// show prints a new key, the only time that it can be.
func (o *keysOptions) show(printed string, k *identity.Key, path string) error {
	if _, err := fmt.Fprintln(o.out, printed); err != nil {
		return fmt.Errorf("the key %s was added to %s but could not be shown; revoke it: %w", k.ID, path, err)
	}
	_, err := fmt.Fprintf(o.words, "added key %s of %s, %s, to %s; it is shown this once\n", k.ID, k.Consumer, end(k.Expires), path)
	return err
}

func end(expires time.Time) string {
	if expires.IsZero() {
		return "which never expires"
	}
	return "which expires at " + expires.UTC().Format(time.RFC3339)
}

func keysListCommand() *cobra.Command {
	var o keysOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [--file <file>] [--json]",
		Short: "Lists API keys, without what is secret",
		Long: `
Lists the keys of the file in its order: active, expiring (within 14 days) or
expired. Neither keys nor hashes are shown.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			return o.run(func(path string) error { return o.list(path, asJSON) })
		}),
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON")
	return cmd
}

// listed is a key as it is listed.
type listed struct {
	ID       string     `json:"id"`
	Consumer string     `json:"consumer"`
	State    string     `json:"state"`
	Expires  *time.Time `json:"expires,omitempty"`
	Name     string     `json:"name,omitempty"`
	Version  string     `json:"version,omitempty"`
	Plan     string     `json:"plan,omitempty"`
	Scopes   []string   `json:"scopes,omitempty"`
	Groups   []string   `json:"groups,omitempty"`
}

func (o *keysOptions) list(path string, asJSON bool) error {
	keys, err := keyfile.Read(path)
	if err != nil {
		return err
	}
	all := []listed{}
	for _, k := range keys.All() {
		l := listed{ID: k.ID, Consumer: k.Consumer, State: state(k, o.now()), Version: k.Version, Plan: k.Plan, Scopes: k.Scopes, Groups: k.Groups}
		if k.Name != k.Consumer {
			l.Name = k.Name
		}
		if !k.Expires.IsZero() {
			at := k.Expires.UTC()
			l.Expires = &at
		}
		all = append(all, l)
	}
	if asJSON {
		e := json.NewEncoder(o.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		for i, c := range cells {
			if c == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t")) //nolint:errcheck // Flush tells
	}
	row("ID", "CONSUMER", "STATE", "EXPIRES", "VERSION", "PLAN", "SCOPES", "GROUPS", "NAME")
	for _, l := range all {
		expires := ""
		if l.Expires != nil {
			expires = l.Expires.Format(time.RFC3339)
		}
		row(l.ID, l.Consumer, l.State, expires, l.Version, l.Plan, strings.Join(l.Scopes, ","), strings.Join(l.Groups, ","), l.Name)
	}
	return table.Flush()
}

func state(k *identity.Key, now time.Time) string {
	switch {
	case k.Expires.IsZero() || k.Expires.After(now.Add(soon)):
		return "active"
	case k.Expires.After(now):
		return "expiring"
	}
	return "expired"
}

func keysRevokeCommand() *cobra.Command {
	var o keysOptions
	cmd := &cobra.Command{
		Use:   "revoke <id> [--file <file>]",
		Short: "Revokes an API key",
		Long: `
Takes a key off the file. The id is the 12 characters after wg_ in the key; list
and the gateway's log name keys by it.`,
		Args: cobra.ExactArgs(1),
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			return o.run(func(path string) error {
				k, err := keyfile.Revoke(path, flags.Arg(0))
				if err == nil {
					_, err = fmt.Fprintf(o.words, "revoked key %s of %s in %s\n", k.ID, k.Consumer, path)
				}
				return err
			})
		}),
	}
	o.flags(cmd)
	return cmd
}

func keysRotateCommand() *cobra.Command {
	var o keysOptions
	var overlap, expires string
	cmd := &cobra.Command{
		Use:   "rotate <id> [--overlap <24h>] [--expires <90d|date>] [--file <file>]",
		Short: "Replaces an API key by a new one",
		Long: `
Makes a new key that says what the old one said, prints it, and lets the old one
expire after the overlap, in which both are good.`,
		Args: cobra.ExactArgs(1),
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			return o.run(func(path string) error { return o.rotate(path, flags.Arg(0), overlap, expires) })
		}),
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&overlap, "overlap", "24h", "How long the old key stays good: 24h, 7d, 0 for not at all")
	cmd.Flags().StringVar(&expires, "expires", "", "When the new key ends (default: when the old one was to)")
	return cmd
}

func (o *keysOptions) rotate(path, id, overlap, expires string) error {
	now := o.now().UTC().Truncate(time.Second)
	both, ok := span(overlap)
	if !ok || both < 0 {
		return fmt.Errorf("--overlap is a span of time such as 24h or 7d, not %q", overlap)
	}
	printed, made, old, err := keyfile.Rotate(path, id, now.Add(both), func(k *identity.Key) (err error) {
		if expires != "" {
			k.Expires, err = ending(expires, now)
			return err
		}
		if !k.Expires.IsZero() && !k.Expires.After(now) {
			return fmt.Errorf("the key %s expired at %s; say with --expires when the new one is to", id, k.Expires.UTC().Format(time.RFC3339))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := o.show(printed, made, path); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.words, "the old key %s, %s\n", old.ID, end(old.Expires))
	return err
}

// ending reads when a key is to end, which lies ahead; the zero time is never.
func ending(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	var at time.Time
	if d, ok := span(text); ok {
		at = now.Add(d)
	} else if day, err := time.Parse(time.DateOnly, text); err == nil {
		at = day
	} else if at, err = time.Parse(time.RFC3339, text); err != nil {
		return time.Time{}, fmt.Errorf("--expires is a span of time such as 90d or 12h, a day such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z, not %q", text)
	}
	at = at.UTC().Truncate(time.Second)
	if !at.After(now) || at.Year() > 9999 {
		return time.Time{}, fmt.Errorf("--expires %s does not lie ahead", text)
	}
	return at, nil
}

// maxDays bounds a span of days: a century.
const maxDays = 36525

// span reads a span of time in Go's notation, or in days.
func span(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n >= 0 && n <= maxDays
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}
