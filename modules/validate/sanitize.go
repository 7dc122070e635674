package validate

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// sanitize reads what is done to a text of the body, or to the values of a query parameter.
func (h *Handler) sanitize(d *caddyfile.Dispenser, word string) error {
	what := "<path>"
	if word == "sanitize_query" {
		what = "<name>"
	}
	args, err := stage.Arguments(d, 2, 6, word+" "+what+" trim|nfc|nfkc|lower|strip...")
	if err != nil {
		return err
	}
	if word == "sanitize_query" {
		for _, other := range h.SanitizeQuery {
			if other.Name == args[0] {
				return d.Errf("api_validate: %s %s is given twice", word, args[0])
			}
		}
		one := validate.SanitizeQueryConfig{Name: args[0], Steps: args[1:]}
		h.SanitizeQuery = append(h.SanitizeQuery, one)
		return stage.Mistake(d, word, one.Check(stage.Here(d)))
	}
	for _, other := range h.Sanitize {
		if other.Field == args[0] {
			return d.Errf("api_validate: %s %s is given twice", word, args[0])
		}
	}
	one := validate.SanitizeConfig{Field: args[0], Steps: args[1:]}
	h.Sanitize = append(h.Sanitize, one)
	return stage.Mistake(d, word, one.Check(stage.Here(d)))
}
