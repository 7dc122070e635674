package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/progress"
)

// running is a gateway that runs, and how what it says is printed.
type running struct {
	from    source
	address string // of its admin API; "": that of the configuration
	asJSON  bool
}

func (r *running) flags(cmd *cobra.Command) {
	r.from.flags(cmd)
	cmd.Flags().StringVar(&r.address, "address", "", "The address of the running gateway's admin API, if it is not in the configuration")
	cmd.Flags().BoolVar(&r.asJSON, "json", false, "Print JSON")
}

// maxReport bounds an answer, in bytes: a hundred kinds of differences of hundreds of queries stay below, and so does an
// event with the largest body.
const maxReport = 64 << 20

// waiting tells at a terminal what a command is at that takes long, until it is stopped.
func waiting(what string) *progress.Line {
	return progress.Begin(os.Stderr, progress.System(), what)
}

// ask is send for a command that has one question.
func (r *running) ask(method, path string, to any) error {
	line := waiting("asking the gateway")
	defer line.Stop()
	return r.send(method, path, to)
}

// send sends a request to the admin API, and reads the answer, which is JSON, into what is given; nil for none.
func (r *running) send(method, path string, to any) error {
	address, err := caddycmd.DetermineAdminAPIAddress(r.address, nil, r.from.config, r.from.adapter)
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	res, err := caddycmd.AdminAPIRequest(address, method, path, nil, nil)
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReport+1))
	if err == nil && len(text) > maxReport {
		err = errors.New("the answer is too large")
	}
	if err == nil && to != nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	return nil
}

// print prints what the gateway said: as JSON, or as write does.
func (r *running) print(w io.Writer, what any, write func(io.Writer) error) error {
	if !r.asJSON {
		return write(w)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(what)
}

// Exit codes of commands that print a report, for scripts that act on it.
const (
	exitDifferences = 1
	exitNothingYet  = 2
	exitUnanswered  = 3
)

// reporting is a command that prints what a running gateway found out.
type reporting[T any] struct {
	use, short, long string
	path             string // of the admin API
	write            func(io.Writer, *T) error
	code             func(*T) int
	differs          string // what exitDifferences says
}

func (c reporting[T]) command() *cobra.Command {
	var r running
	cmd := &cobra.Command{
		Use:   c.use + " [--address <interface>] [--config <file> [--adapter <name>]] [--json]",
		Short: c.short, Long: c.long,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			code, err := c.tell(os.Stdout, r)
			if code == exitDifferences && err == nil { // Caddy takes a 1 without an error for success
				err = errors.New(c.differs)
			}
			return code, err
		}),
	}
	r.flags(cmd)
	return cmd
}

// tell prints the report, and gives the exit code.
func (c reporting[T]) tell(w io.Writer, r running) (int, error) {
	found := new(T)
	if err := r.ask(http.MethodGet, c.path, found); err != nil {
		return exitUnanswered, err
	}
	if err := r.print(w, found, func(w io.Writer) error { return c.write(w, found) }); err != nil {
		return exitUnanswered, err
	}
	return c.code(found), nil
}
