package gateway

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// signing reads how tokens are signed.
func (a *App) signing(d *caddyfile.Dispenser, base string) error {
	if d.NextArg() {
		return d.Err("expected: signing { and its keywords, a line each")
	}
	begin := *d
	words := []string{"issuer", "key", "rotate"}
	given := map[string]bool{}
	a.Signing = &Signing{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if !slices.Contains(words, word) {
			if s := diagnostic.Suggest(word, words); s != "" {
				return d.Errf("signing has no keyword %q; did you mean %s?", word, s)
			}
			return d.Errf("signing has no keyword %q; it takes issuer, key, rotate", word)
		}
		if given[word] {
			return d.Errf("signing: %s is given twice", word)
		}
		given[word] = true
		args := d.RemainingArgs()
		if len(args) != 1 || args[0] == "" {
			return d.Errf("signing: expected one word after %s", word)
		}
		switch word {
		case "issuer":
			a.Signing.Issuer = args[0]
			if err := assertion.CheckIssuer(args[0]); err != nil {
				return d.Errf("signing: %v, not %q", err, args[0])
			}
		case "key":
			a.Signing.Key = relative(base, args[0])
		case "rotate":
			span, err := caddy.ParseDuration(args[0])
			if err != nil || span < assertion.MinRotate || span > assertion.MaxRotate {
				return d.Errf("signing: rotate takes a span from 1h to 366d, not %q", args[0])
			}
			a.Signing.Rotate = caddy.Duration(span)
		}
	}
	if a.Signing.Issuer == "" {
		return begin.Err("signing needs issuer: services believe a token only of one that they know")
	}
	if given["key"] && given["rotate"] {
		return begin.Err("signing: rotate is for keys that the gateway makes, and not for those of a file")
	}
	return nil
}
