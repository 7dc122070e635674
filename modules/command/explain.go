package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wicketgate/wicketgate/internal/casetest"
	"github.com/wicketgate/wicketgate/internal/explain"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// explaining is what the command's line says.
type explaining struct {
	source
	asked   explained
	live    bool
	address string
	asJSON  bool
	colour  string
}

func explainCommand() *cobra.Command {
	var e explaining
	cmd := &cobra.Command{
		Use: "explain [<method>] [<URL or path>] [-H <field>]... [-d <body>] [--as <consumer>] [--at <time>] [--har <file>] [--status <number>] " +
			"[--answer <body>] [--signed] [--log <file> --id <request>] [--running [--address <interface>]] [--json] [--color auto|always|never] [--config <file> [--adapter <name>]]",
		Short: "Tells why a request gets the answer that it gets",
		Long: `
Takes a request through the stages of the gateway that a configuration describes,
without a network and without serving anybody, and tells what each of them saw: the
route and why it is no other, who calls, where the quotas stand, each rule with its
values, the lines of the policy that decided, what each change between versions made
of the body, what the upstream is sent, and what the caller is answered. Credentials
are never shown.

The request is written as for curl, or taken from a HAR file, as browsers save them,
or from an access log in JSON by its request_id: that has no credentials and no
bodies, but says who called. --as says who calls, without a credential; --signed, that a
call to a webhook is its sender's. The upstream's answer is that of --status and --answer,
otherwise 204.

Without --running the files of the configuration are looked at, and counters begin at
zero. With it, a running gateway is asked for what is in force there: its policies
with what they remember, its quotas as they stand. Nothing is counted, sent or kept.

Exits 0 whether or not the request is refused.`,
		Args: cobra.MaximumNArgs(2),
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			e.asked.words = flags.Args()
			if err := e.run(context.Background(), os.Stdout, os.Stderr); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		}),
	}
	e.flags(cmd)
	e.asked.flags(cmd)
	cmd.Flags().BoolVar(&e.live, "running", false, "Ask the running gateway, and not the files of the configuration")
	cmd.Flags().StringVar(&e.address, "address", "", "The address of the running gateway's admin API, if it is not in the configuration; implies --running")
	cmd.Flags().BoolVar(&e.asJSON, "json", false, "Print JSON")
	cmd.Flags().StringVar(&e.colour, "color", "auto", "Colours: auto (on a terminal), always or never")
	return cmd
}

// run explains the request, and writes to w, and mistakes in the configuration to mistakes.
func (e *explaining) run(ctx context.Context, w, mistakes io.Writer) error {
	colours, err := e.colours(w)
	if err != nil {
		return err
	}
	q, err := e.asked.question()
	if err != nil {
		return err
	}
	if e.live || e.address != "" {
		q.Text, q.Colours = !e.asJSON, colours
		return e.ask(w, q)
	}
	step, err := q.Step()
	if err != nil {
		return err
	}
	_, app, err := configuration(e.config, e.adapter)
	if err != nil {
		return err
	}
	if app == nil {
		return errors.New("the configuration has no global option api_gateway")
	}
	alone, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: noLogs()})
	if err != nil {
		return err
	}
	line := waiting("loading catalogue and policies")
	defer line.Stop()
	trial, err := onTrial(alone, app)
	if trial != nil {
		defer trial.Close() //nolint:errcheck // it never ran
	}
	var wrong *gateway.LoadError
	if err != nil {
		line.Stop()
	}
	switch {
	case errors.As(err, &wrong):
		return errors.Join(show(mistakes, wrong), errMistakes)
	case err != nil:
		return err
	case trial.Catalogue() == nil:
		return errors.New("the configuration has no catalogue: there is nothing that serves requests to explain")
	}
	line.Next("explaining")
	told, err := explain.Request(ctx, trial, trial.Catalogue(), step)
	line.Stop()
	if err != nil {
		return err
	}
	if e.asJSON {
		return told.JSON(w)
	}
	return told.Text(w, colours)
}

// ask has a running gateway explain, and copies what it says.
func (e *explaining) ask(w io.Writer, q *explain.Question) error {
	address, err := caddycmd.DetermineAdminAPIAddress(e.address, nil, e.config, e.adapter)
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	line := waiting("asking the gateway")
	res, err := caddycmd.AdminAPIRequest(address, http.MethodPost, "/api_gateway/explain", http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(body))
	line.Stop()
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	_, err = io.Copy(w, io.LimitReader(res.Body, maxReport))
	return err
}

// colours says whether to write in colours.
func (e *explaining) colours(w io.Writer) (bool, error) {
	switch e.colour {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		file, ok := w.(*os.File)
		return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(file.Fd())), nil
	}
	return false, fmt.Errorf("--color is auto, always or never, not %q", e.colour)
}

// onTrial puts the gateway that a configuration describes on trial, with nothing of the world around it.
func onTrial(ctx caddy.Context, app []byte) (*gateway.Trial, error) {
	var rig casetest.Rig
	return gateway.Try(ctx, app, gateway.TrialConfig{Network: rig, Counter: rig, Answers: rig, Events: rig, Signed: rig.Signed, Method: rig.Method})
}
