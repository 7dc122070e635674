package command

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/changelog"
	gatewaycore "github.com/wicketgate/wicketgate/internal/gateway"
)

// layout is how a changelog is printed: for a terminal unless one of these is set.
type layout struct{ json, markdown bool }

func diffCommand() *cobra.Command {
	var from source
	var as layout
	cmd := &cobra.Command{
		Use:   "diff [<API>] <version> <version> [--json | --markdown] [--config <file> [--adapter <name>]]",
		Short: "Tells what changed between two versions",
		Long: `
Tells what changed between two versions of an API, version by version, in the
words of the catalogue's summaries, and what each change does to older callers:

  iso   it runs both ways, and nothing is lost
  R     older versions do not see it, and a PUT of theirs that is not merged
        resets it
  S     what older versions send there is lost; the catalogue says why it may be
  none  both

The older version comes first, whichever is named first. The API may be left out
where the catalogue has but one.`,
		Args: cobra.RangeArgs(2, 3),
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			if err := diff(os.Stdout, os.Stderr, from, as, flags.Args()); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		}),
	}
	from.flags(cmd)
	cmd.Flags().BoolVar(&as.json, "json", false, "Print JSON")
	cmd.Flags().BoolVar(&as.markdown, "markdown", false, "Print a page in Markdown")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown")
	return cmd
}

// diff prints what changed between the versions that args name last, of the API that they name first.
func diff(w, mistakes io.Writer, from source, as layout, args []string) error {
	s, err := from.load(mistakes)
	if err != nil {
		return err
	}
	name := ""
	if len(args) == 3 {
		name, args = args[0], args[1:]
	}
	a, err := s.api(name)
	if err != nil {
		return err
	}
	one, err := version(a, args[0])
	other, wrong := version(a, args[1])
	if err := errors.Join(err, wrong); err != nil {
		return err
	}
	log := changelog.Between(a, gatewaycore.Changes(a), one, other)
	switch {
	case as.json:
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(log)
	case as.markdown:
		_, err = io.WriteString(w, log.Markdown())
	default:
		_, err = io.WriteString(w, log.Text())
	}
	return err
}
