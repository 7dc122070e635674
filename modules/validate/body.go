package validate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// body reads what bodies are.
func (h *Handler) body(d *caddyfile.Dispenser) error {
	const usage = "body json|xml|form|multipart [max <size>]"
	args, err := stage.Arguments(d, 1, 3, usage)
	if err != nil {
		return err
	}
	formats := validate.BodyFormats()
	if !slices.Contains(formats, args[0]) {
		return d.Errf("body: expected %s or %s, not %q", strings.Join(formats[:len(formats)-1], ", "), formats[len(formats)-1], args[0])
	}
	h.Body = args[0]
	if len(args) > 1 {
		if len(args) != 3 || args[1] != "max" {
			return d.Errf("expected: %s", usage)
		}
		if h.Max, err = stage.Size(d, args[2]); err != nil {
			return err
		}
	}
	var parts *validate.PartsConfig
	words := stage.NewWords("body", []string{"max_parts", "max_part", "file"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if h.Body != "multipart" {
			return d.Errf("body %s has no block", h.Body)
		}
		word, err := words.Take(d)
		if err == nil && word != "file" {
			err = words.Once(d, word)
		}
		if parts == nil {
			parts = &validate.PartsConfig{}
		}
		if err == nil {
			err = part(d, word, parts)
		}
		if err != nil {
			return err
		}
	}
	h.Parts = parts
	return nil
}

// part reads one line of what the parts of a form may be.
func part(d *caddyfile.Dispenser, word string, to *validate.PartsConfig) error {
	switch word {
	case "max_parts":
		args, err := stage.Arguments(d, 1, 1, "max_parts <count>")
		if err != nil {
			return err
		}
		if to.Max, err = strconv.Atoi(args[0]); err != nil || to.Max < 1 {
			return d.Errf("max_parts: expected a number, 1 to 1000, not %q", args[0])
		}
	case "max_part":
		args, err := stage.Arguments(d, 1, 1, "max_part <size>")
		if err != nil {
			return err
		}
		if to.MaxPart, err = stage.Size(d, args[0]); err != nil {
			return err
		}
	case "file":
		const usage = "file <field> <types...> [max <size>]"
		args, err := stage.Arguments(d, 2, 66, usage)
		if err != nil {
			return err
		}
		f := validate.FileConfig{Field: args[0], Types: args[1:]}
		if n := len(args); args[n-2] == "max" {
			if f.Types = args[1 : n-2]; len(f.Types) == 0 {
				return d.Errf("expected: %s", usage)
			}
			if f.Max, err = stage.Size(d, args[n-1]); err != nil {
				return err
			}
		}
		to.Files = append(to.Files, f)
	}
	return stage.Mistake(d, word, to.Check(stage.Here(d)))
}
