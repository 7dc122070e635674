package auth

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// key reads a key line and its block.
func (h *Handler) key(d *caddyfile.Dispenser, words *stage.Words) error {
	args, err := stage.Arguments(d, 2, 2, "key <header> <key file>")
	if err != nil {
		return err
	}
	if err := words.Once(d, "key "+strings.ToLower(args[0])); err != nil {
		return err
	}
	c := &identity.APIKeyConfig{Header: args[0], Keys: stage.Path(d, args[1])}
	if err := checkKey(d, c); err != nil {
		return err
	}
	within := stage.NewWords("key", []string{"bearer", "query"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := within.Take(d)
		if err == nil {
			err = within.Once(d, word)
		}
		if err == nil && word == "bearer" {
			c.Bearer = true
			_, err = stage.Arguments(d, 0, 0, "bearer")
		} else if err == nil {
			if args, err = stage.Arguments(d, 1, 1, "query <parameter>"); err == nil {
				c.Query = args[0]
			}
		}
		if err == nil {
			err = checkKey(d, c)
		}
		if err != nil {
			return err
		}
	}
	h.Methods = append(h.Methods, identity.MethodConfig{APIKey: c})
	return nil
}

func checkKey(d *caddyfile.Dispenser, c *identity.APIKeyConfig) error {
	_, diags := identity.NewAPIKeys(*c, nil)
	return stage.Mistake(d, "key", diags)
}

// publish reads a metadata line.
func (h *Handler) publish(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 0, 1, "metadata [<resource>]")
	if err != nil {
		return err
	}
	h.Metadata = &identity.MetadataConfig{}
	if len(args) > 0 {
		h.Metadata.Resource = args[0]
	}
	_, diags := identity.NewResource(*h.Metadata)
	return stage.Mistake(d, "metadata", diags)
}
