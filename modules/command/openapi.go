package command

import (
	"io"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func openapiCommand() *cobra.Command {
	var from source
	var name string
	cmd := &cobra.Command{
		Use:   "openapi [<API>] [--version <version>] [--config <file> [--adapter <name>]]",
		Short: "Prints the OpenAPI description of a version",
		Long: `
Prints the OpenAPI 3.1 description of one version of an API, as that version's
callers see it: its routes, its objects in the shape they have there, who is let
in, and every error of the gateway's. Default: the newest version. The API may be
left out where the catalogue has but one.

The gateway serves the same at /openapi.json below the API's base path and the
version, unless the catalogue says describe = "nobody".`,
		Args: cobra.MaximumNArgs(1),
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			if err := openapi(os.Stdout, os.Stderr, from, flags.Arg(0), name, time.Now()); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		}),
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&name, "version", "", "Version to describe (default: the newest)")
	return cmd
}

// openapi prints the description of a version as it is now.
func openapi(w, mistakes io.Writer, from source, api, name string, now time.Time) error {
	s, err := from.load(mistakes)
	if err != nil {
		return err
	}
	a, err := s.api(api)
	if err != nil {
		return err
	}
	v, err := version(a, name)
	if err != nil {
		return err
	}
	if v != nil {
		name = v.Name
	}
	text, err := s.gateway.Describe(a.Name, name, now)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
