package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/status"
)

// toldStatus is what a running gateway says of itself. What queries see is only passed on.
type toldStatus struct {
	status.Status
	Decisions json.RawMessage `json:"decisions,omitempty"`
}

var errNotReady = errors.New("the gateway is not ready for requests")

func statusCommand() *cobra.Command {
	var r running
	cmd := &cobra.Command{
		Use:   "status [--json] [--address <interface>] [--config <file> [--adapter <name>]]",
		Short: "Tells how a running gateway does",
		Long: `
Asks a running gateway what is in force and how it does: whether it is ready for
requests, what it loaded and what is wrong with what lies in the files, its policies,
the keys of issuers, the counters, the ledger and what waits in it, upstreams and
third parties with their circuit breakers, and versions that end.

Exits 0 if the gateway is ready, 1 if it is not, or 3 if it cannot be asked.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return tellStatus(os.Stdout, &r) }),
	}
	r.flags(cmd)
	return cmd
}

// tellStatus prints how the gateway does, and gives the exit code.
func tellStatus(w io.Writer, r *running) (int, error) {
	var text json.RawMessage
	if err := r.ask(http.MethodGet, "/api_gateway/status", &text); err != nil {
		return exitUnanswered, err
	}
	var s toldStatus
	if err := json.Unmarshal(text, &s); err != nil {
		return exitUnanswered, fmt.Errorf("reading the gateway's answer: %w", err)
	}
	if err := r.print(w, text, func(w io.Writer) error { return writeStatus(w, &s.Status) }); err != nil {
		return exitUnanswered, err
	}
	if !s.Health.Ready {
		return exitDifferences, errNotReady
	}
	return caddy.ExitCodeSuccess, nil
}

// writeStatus prints it for a terminal: a line for each part, then what is wrong, then what there is more than one of.
func writeStatus(w io.Writer, s *status.Status) error {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, line := range statusLines(s) {
		_, _ = fmt.Fprintf(table, "%s\t%s\n", line[0], cell(line[1]))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, text := range wrongs(s) {
		fmt.Fprintf(&out, "! %s\n", cell(text))
	}
	if err := statusTables(&out, s); err != nil {
		return err
	}
	return clean(w, out.String())
}

// statusLines are those of the parts that there is one of.
func statusLines(s *status.Status) [][2]string {
	ready := "ready"
	switch {
	case s.Health.Draining:
		ready = "draining"
	case !s.Health.Ready:
		ready = "not ready"
	}
	lines := [][2]string{
		{"gateway", fmt.Sprintf("%s; %s on Caddy %s, up %s", ready, s.Version, s.Caddy, seconds(s.Uptime))},
		{"in force", fmt.Sprintf("since %s, load %d, from %s", s.Loaded.UTC().Format(time.RFC3339), s.Generation, many(s.Files, "file"))},
	}
	if c := s.Catalogue; c != nil {
		lines = append(lines, [2]string{"catalogue", many(c.APIs, "API") + ", " + many(c.Webhooks, "webhook")})
	}
	for _, p := range []struct {
		name string
		of   *status.Policies
	}{{"policies", s.Policies}, {"candidate", s.Candidate}} {
		if p.of != nil {
			lines = append(lines, [2]string{p.name, policiesLine(p.of)})
		}
	}
	if c := s.Counters; c != nil {
		text := c.Engine
		if c.Since != nil {
			text += fmt.Sprintf("; %s since %s, %s", c.Mode, c.Since.UTC().Format(time.RFC3339), many(c.Gateways, "gateway"))
		}
		lines = append(lines, [2]string{"counters", text})
	}
	if l := s.Ledger; l != nil {
		text := "not open"
		if l.Ready {
			text = "open"
		}
		if l.Waiting != nil && l.Dead != nil {
			text += fmt.Sprintf("; %d events wait, %d are dead letters", *l.Waiting, *l.Dead)
		}
		lines = append(lines, [2]string{"ledger", text})
	}
	if u := s.Usage; u != nil {
		text := "in " + u.Folder
		if u.Gateways > 0 {
			text += ", shared by " + many(u.Gateways, "gateway")
		}
		lines = append(lines, [2]string{"usage", text})
	}
	for i := range s.Issuers {
		one := &s.Issuers[i]
		text := one.Issuer + "; " + many(one.Keys, "key")
		if one.Confirmed != nil {
			text += ", confirmed " + seconds(one.Age) + " ago"
		}
		lines = append(lines, [2]string{"issuer", text})
	}
	for i := range s.Signing {
		lines = append(lines, [2]string{"signing", fmt.Sprintf("key %s of the %s, %d published", dash(s.Signing[i].Signs), s.Signing[i].Source, s.Signing[i].Keys)})
	}
	return lines
}

func policiesLine(p *status.Policies) string {
	text := p.Source + " " + strings.Join(p.Paths, ", ") + p.URL
	if p.Revision != "" {
		text += "; revision " + p.Revision
	}
	if p.Signature != "" {
		text += "; signature " + p.Signature
	}
	if p.Activated != nil {
		text += "; activated " + seconds(p.Age) + " ago"
	}
	if p.Unconfirmed {
		text += "; from disk, not confirmed yet"
	}
	return text
}

// wrongs are all that is wrong.
func wrongs(s *status.Status) (all []string) {
	all = append(all, s.Health.Because...)
	if e := s.Error; e != nil {
		all = append(all, fmt.Sprintf("loads have failed since %s, and what was read before stays in force:", e.Since.UTC().Format(time.RFC3339)))
		all = append(all, mistakeLines(e.Mistakes)...)
	}
	all = append(all, mistakeLines(s.Warnings)...)
	for _, p := range []*status.Policies{s.Policies, s.Candidate} {
		if p == nil {
			continue
		}
		for _, f := range []*status.Failure{p.Unreachable, p.Error} {
			if f == nil {
				continue
			}
			all = append(all, fmt.Sprintf("%s %s since %s: %s", p.URL, f.Kind, f.Time.UTC().Format(time.RFC3339), f.Detail))
			all = append(all, mistakeLines(f.Mistakes)...)
		}
	}
	told := func(what, text string) {
		if text != "" {
			all = append(all, what+": "+text)
		}
	}
	for i := range s.Issuers {
		if e := s.Issuers[i].Error; e != nil {
			told(s.Issuers[i].Issuer+" since "+e.Time.UTC().Format(time.RFC3339), e.Detail)
		}
	}
	for i := range s.Introspection {
		if s.Introspection[i].Failing {
			told(s.Introspection[i].Endpoint, s.Introspection[i].Error)
		}
	}
	for i := range s.Signing {
		told("signing keys", s.Signing[i].Error)
	}
	if s.Counters != nil {
		told("counters", s.Counters.Error)
	}
	if s.Usage != nil {
		told("usage", s.Usage.Error)
		told("usage of other gateways", s.Usage.Unshared)
	}
	return all
}

func mistakeLines(mistakes []status.Mistake) (all []string) {
	for _, m := range mistakes {
		place := ""
		if m.File != "" {
			place = fmt.Sprintf("%s:%d:%d: ", m.File, m.Line, m.Column)
		}
		all = append(all, strings.TrimSuffix(fmt.Sprintf("%s%s: %s", place, m.Summary, m.Detail), ": "))
	}
	return all
}

// statusTables prints what there may be more than one of.
func statusTables(out *strings.Builder, s *status.Status) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...any) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = dash(cell(fmt.Sprint(c)))
		}
		_, _ = fmt.Fprintln(table, strings.Join(texts, "\t"))
	}
	head := func(is bool, names ...any) {
		if is {
			_, _ = fmt.Fprintln(table)
			row(names...)
		}
	}
	head(len(s.Upstreams) > 0, "UPSTREAM", "SERVER", "HEALTHY", "BREAKER", "SINCE")
	for _, u := range s.Upstreams {
		row(u.Upstream, u.Host, u.Healthy, u.Breaker, stamp(u.Since))
	}
	head(len(s.Integrations) > 0, "INTEGRATION", "HOST", "ASKED", "FAILED", "BREAKER", "SINCE")
	for i := range s.Integrations {
		p := &s.Integrations[i]
		row(p.Integration, p.Host, p.Asked, p.Failed, p.Breaker, stamp(p.Since))
	}
	head(len(s.Introspection) > 0, "INTROSPECTION", "CLIENT", "ASKED", "FAILED")
	for i := range s.Introspection {
		p := &s.Introspection[i]
		row(p.Endpoint, p.Client, p.Asked, p.Failed)
	}
	head(len(s.Webhooks) > 0, "WEBHOOK", "WAITING", "OLDEST", "DEAD")
	for _, h := range s.Webhooks {
		row(h.Name, h.Waiting, seconds(h.Oldest), h.Dead)
	}
	head(len(s.Versions) > 0, "API", "VERSION", "SUNSET", "DAYS")
	for _, v := range s.Versions {
		days := fmt.Sprintf("%d left", v.Days)
		if v.Ended {
			days = fmt.Sprintf("ended %d ago", v.Days)
		}
		row(v.API, v.Version, v.Sunset.UTC().Format(time.DateOnly), days)
	}
	return table.Flush()
}

func stamp(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// many is a number of things.
func many(n int, of string) string {
	if n != 1 {
		of += "s"
	}
	return fmt.Sprint(n, " ", of)
}

// seconds is a time for people.
func seconds(n int64) string { return (time.Duration(n) * time.Second).String() }
