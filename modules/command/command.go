// Package command adds `caddy gateway` to Caddy's commands.
package command

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra" // Caddy's own commands are built with it
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "gateway",
		Usage: "check|diff|drift|explain|fmt|keys|openapi|shadow|status|test|usage|webhooks",
		Short: "Works with the gateway's catalogue and policies",
		Long: `
Works with the files of the API gateway: the catalogue (*.hcl) that says what is
served, the policies (*.rego) that say who may do what, and the keys of callers; and
with a gateway that runs: how it does, what it found out, who calls it, and the events that
it keeps.

A command that takes longer than a second tells on a terminal what it is at; in a pipe
it does not.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(checkCommand(), diffCommand(), driftReport.command(), explainCommand(), fmtCommand(), keysCommand(), openapiCommand(), shadowReport.command(), statusCommand(), testCommand(), usageCommand(), webhooksCommand())
		},
	})
}
