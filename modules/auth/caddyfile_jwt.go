package auth

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// jwtWords are the keywords of a jwt block, each with how its line is written and how many arguments it takes at most.
var jwtWords = []struct {
	name, usage string
	most        int
}{
	{"issuer", "issuer <value>", 1},
	{"jwks", "jwks <file>|<url>", 1},
	{"ca_file", "ca_file <file>", 1},
	{"max_stale", "max_stale <duration>", 1},
	{"audience", "audience <names...>, 1 to 16", 16},
	{"algorithms", "algorithms <names...>, 1 to 16", 16},
	{"consumer", `consumer "<expression>"`, 1},
	{"plan", `plan "<expression>"`, 1},
	{"version", `version "<expression>"`, 1},
	{"groups", `groups "<expression>"`, 1},
	{"required", "required <claims...>, 1 to 16", 16},
	{"type", "type at+jwt", 1},
	{"scopes", "scopes <scopes...>, 1 to 16", 16},
	{"leeway", "leeway <duration>", 1},
	{"dpop", "", 0},
	{"bound", "", 0},
}

func (h *Handler) jwt(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("expected: jwt { and its keywords, a line each")
	}
	begin := *d
	c := &identity.JWTConfig{}
	var known []string
	for _, w := range jwtWords {
		known = append(known, w.name)
	}
	words := stage.NewWords("jwt", known, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err == nil {
			err = words.Once(d, word)
		}
		if err == nil {
			err = token(d, word, c)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case c.Issuer == "":
		return begin.Err("jwt needs issuer: a token is believed only from one")
	case len(c.Audience) == 0:
		return begin.Err("jwt needs audience: without one, a token meant for another service of the issuer would do")
	}
	if err := stage.Mistake(&begin, "jwt", identity.CheckKeys(*c)); err != nil {
		return err
	}
	if err := stage.Mistake(&begin, "jwt", c.Possession.Check()); err != nil {
		return err
	}
	if c.Keys == "" {
		if err := issuer.Check(issuerOf(*c)); err != nil {
			return begin.Errf("jwt: %v", err)
		}
	}
	h.Methods = append(h.Methods, identity.MethodConfig{JWT: c})
	return nil
}

// token reads one line of a jwt block.
func token(d *caddyfile.Dispenser, word string, c *identity.JWTConfig) error {
	if word == "dpop" || word == "bound" {
		return possession(d, word, &c.Possession)
	}
	most, usage := 0, ""
	for _, w := range jwtWords {
		if w.name == word {
			most, usage = w.most, w.usage
		}
	}
	args, err := stage.Arguments(d, 1, most, usage)
	if err != nil {
		return err
	}
	switch word {
	case "issuer":
		c.Issuer = args[0]
	case "jwks":
		if remote(args[0]) {
			c.JWKS = args[0]
		} else {
			c.Keys = stage.Path(d, args[0])
		}
	case "ca_file":
		c.CAFile = stage.Path(d, args[0])
	case "audience":
		c.Audience = args
	case "algorithms":
		c.Algorithms = args
		return stage.Mistake(d, word, identity.CheckAlgorithms(args))
	case "required", "type", "scopes":
		one := identity.JWTConfig{}
		switch word {
		case "required":
			one.Required, c.Required = args, args
		case "type":
			one.Type, c.Type = args[0], args[0]
		case "scopes":
			one.Scopes, c.Scopes = args, args
		}
		return stage.Mistake(d, word, identity.CheckDemands(one))
	case "max_stale":
		return span(d, word, args[0], &c.MaxStale)
	case "leeway":
		return span(d, word, args[0], &c.Leeway)
	default:
		e := expressions[word]
		*e.of(c) = args[0]
		_, diags := compile(args[0], stage.Here(d), e.want)
		return stage.Mistake(d, word, diags)
	}
	return nil
}

// span reads a duration.
func span(d *caddyfile.Dispenser, word, text string, to *duration.Duration) error {
	v, err := caddy.ParseDuration(text)
	if err != nil || v <= 0 {
		return d.Errf("%s: expected a duration such as 90s or 12h, not %q", word, text)
	}
	*to = duration.Duration(v)
	one := identity.JWTConfig{}
	switch word {
	case "max_stale":
		one.MaxStale = *to
		return stage.Mistake(d, word, identity.CheckKeys(one))
	default:
		one.Leeway = *to
		return stage.Mistake(d, word, identity.CheckDemands(one))
	}
}

// remote says whether a key set lies at an address and not in a file.
func remote(path string) bool {
	return strings.Contains(path, "://")
}
