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

var (
	// errMistakes ends a command whose mistakes have been printed.
	errMistakes = errors.New("there are mistakes")
	// errNoCaddyfile says that nothing tells what the gateway serves.
	errNoCaddyfile = errors.New("there is no Caddyfile in this folder; name a configuration with --config")
)

func checkCommand() *cobra.Command {
	var from source
	cmd := &cobra.Command{
		Use:   "check [--config <file> [--adapter <name>]]",
		Short: "Finds every mistake in catalogue, policies, schemas, keys and rules",
		Long: `
Loads everything that the configuration names, without running it and without a
network, and prints each mistake and each warning with its file, line and column,
and warns of logs that show API keys.
Exits 1 if there is any mistake; warnings alone do not fail. The configuration is the Caddyfile of this folder unless --config
names another.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			if err := check(os.Stderr, from.config, from.adapter); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			fmt.Println("no mistakes")
			return caddy.ExitCodeSuccess, nil
		}),
	}
	from.flags(cmd)
	return cmd
}

// check prints what is wrong with the gateway's files, then has Caddy look at the rest of the configuration.
func check(w io.Writer, config, adapter string) error {
	raw, app, err := configuration(config, adapter)
	if err != nil {
		return err
	}
	var catalogue sent
	if app != nil {
		if err := alone(w, func(ctx caddy.Context) error {
			line := waiting("loading catalogue and policies")
			found, err := gateway.Check(ctx, app)
			line.Stop()
			if err != nil {
				return err
			}
			catalogue.add(found.Credentials, found.Parameters)
			return show(w, found.Warnings)
		}); err != nil {
			return err
		}
	}
	line := waiting("checking the configuration")
	err = validate(raw)
	line.Stop()
	if err != nil {
		return err
	}
	warnings, err := logged(raw, catalogue)
	if err != nil {
		return err
	}
	return show(w, &gateway.LoadError{Diagnostics: warnings})
}

// configuration gives Caddy's whole configuration, and of it that of the gateway, nil where there is none.
func configuration(config, adapter string) (raw []byte, app json.RawMessage, err error) {
	raw, _, _, err = caddycmd.LoadConfig(config, adapter)
	if err != nil {
		return nil, nil, err
	}
	if raw == nil {
		return nil, nil, errNoCaddyfile
	}
	var whole struct {
		Apps map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return raw, whole.Apps["api_gateway"], nil
}

// alone looks at the gateway's own files, with no other part of Caddy there, and prints the mistakes in them.
func alone(w io.Writer, look func(caddy.Context) error) error {
	ctx, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: onlyErrors()})
	if err != nil {
		return err
	}
	err = look(ctx)
	var mistakes *gateway.LoadError
	if !errors.As(err, &mistakes) {
		return err
	}
	if err := show(w, mistakes); err != nil {
		return err
	}
	return errMistakes
}

// show prints what a load tells, with the lines that are meant.
func show(w io.Writer, told *gateway.LoadError) error {
	for _, d := range told.Diagnostics {
		if d.Subject == nil {
			continue
		}
		if _, known := told.Sources[d.Subject.Filename]; !known {
			if src, err := os.ReadFile(d.Subject.Filename); err == nil {
				told.Sources[d.Subject.Filename] = src
			}
		}
	}
	return diagnostic.Write(w, told.Diagnostics, told.Sources)
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
