package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// errMistakes ends a command whose mistakes have been printed.
var errMistakes = errors.New("there are mistakes")

func checkCommand() *cobra.Command {
	var config, adapter string
	cmd := &cobra.Command{
		Use:   "check [--config <file> [--adapter <name>]]",
		Short: "Finds every mistake in catalogue, policies, schemas, keys and rules",
		Long: `
Loads everything that the configuration names, without running it and without a
network, and prints each mistake with its file, line and column. Exits 1 if
there is any. The configuration is the Caddyfile of this folder unless --config
names another.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			if err := check(os.Stderr, config, adapter); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			fmt.Println("no mistakes")
			return caddy.ExitCodeSuccess, nil
		}),
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "Configuration file (default: the Caddyfile of this folder)")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "Name of the config adapter to apply")
	return cmd
}

// check prints what is wrong with the gateway's files, then has Caddy look at the rest of the configuration.
func check(w io.Writer, config, adapter string) error {
	raw, _, _, err := caddycmd.LoadConfig(config, adapter)
	if err != nil {
		return err
	}
	if raw == nil {
		return errors.New("there is no Caddyfile in this folder; name a configuration with --config")
	}
	var whole struct {
		Apps map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(raw, &whole); err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	if err := checkGateway(w, whole.Apps["api_gateway"]); err != nil {
		return err
	}
	return validate(raw)
}

// checkGateway looks at the gateway's own files.
func checkGateway(w io.Writer, app json.RawMessage) error {
	if app == nil {
		return nil
	}
	quiet := &caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: onlyErrors()}
	ctx, err := caddy.ProvisionContext(quiet)
	if err != nil {
		return err
	}
	err = gateway.Check(ctx, app)
	var mistakes *gateway.LoadError
	if !errors.As(err, &mistakes) {
		return err
	}
	for _, d := range mistakes.Diagnostics {
		if d.Subject == nil {
			continue
		}
		if _, known := mistakes.Sources[d.Subject.Filename]; !known {
			if src, err := os.ReadFile(d.Subject.Filename); err == nil {
				mistakes.Sources[d.Subject.Filename] = src
			}
		}
	}
	if err := diagnostic.Write(w, mistakes.Diagnostics, mistakes.Sources); err != nil {
		return err
	}
	return errMistakes
}

// validate has Caddy provision the whole configuration, as `caddy validate` does.
func validate(raw []byte) error {
	config := &caddy.Config{}
	if err := caddy.StrictUnmarshalJSON(raw, config); err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	config.Logging = onlyErrors()
	return caddy.Validate(config)
}

func onlyErrors() *caddy.Logging {
	return &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "ERROR"}}}}
}
