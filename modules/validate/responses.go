package validate

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// responses reads what answers are held against.
func (h *Handler) responses(d *caddyfile.Dispenser) error {
	const usage = "responses report|enforce [max <size>] {"
	args, err := stage.Arguments(d, 1, 3, usage)
	if err != nil {
		return err
	}
	if args[0] != "report" && args[0] != "enforce" || len(args) == 2 || len(args) == 3 && args[1] != "max" {
		return d.Errf("expected: %s", usage)
	}
	c := &validate.ResponsesConfig{Mode: args[0]}
	if len(args) == 3 {
		if c.Max, err = stage.Size(d, args[2]); err != nil {
			return err
		}
	}
	at := stage.Here(d)
	begin := *d
	words := stage.NewWords("responses", []string{"schema"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if _, err := words.Take(d); err != nil {
			return err
		}
		args, err := stage.Arguments(d, 1, 17, "schema <file> [<statuses...>]")
		if err != nil {
			return err
		}
		c.Schemas = append(c.Schemas, validate.ResponseSchema{File: stage.Path(d, args[0]), Statuses: args[1:]})
		if err := stage.Mistake(d, "schema", c.Check(at)); err != nil {
			return err
		}
	}
	h.Responses = c
	return stage.Mistake(&begin, "responses", c.Check(at))
}
