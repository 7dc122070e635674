package auth

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// possession reads a line of a jwt or introspection block about what tokens are bound to.
func possession(d *caddyfile.Dispenser, word string, p *identity.Possession) error {
	if word == "bound" {
		args, err := stage.Arguments(d, 1, 2, "bound dpop|certificate...")
		if err != nil {
			return err
		}
		p.Bound = args
		one := identity.Possession{Bound: args, DPoP: &dpop.Config{}} // whether dpop is on is known at the end
		return stage.Mistake(d, word, one.Check())
	}
	if d.NextArg() {
		return d.Err("expected: dpop, or dpop { and its keywords, a line each")
	}
	c := &dpop.Config{}
	p.DPoP = c
	words := stage.NewWords("dpop", []string{"algorithms", "window", "nonce"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err == nil {
			err = words.Once(d, word)
		}
		if err != nil {
			return err
		}
		var args []string
		switch word {
		case "algorithms":
			args, err = stage.Arguments(d, 1, len(dpop.Algorithms), "algorithms <names...>")
			c.Algorithms = args
		case "window":
			if args, err = stage.Arguments(d, 1, 1, "window <duration>"); err == nil {
				c.Window, err = lasting(d, word, args[0])
			}
		case "nonce":
			_, err = stage.Arguments(d, 0, 0, "nonce")
			c.Nonce = true
		}
		if err == nil {
			err = stage.Mistake(d, word, c.Check())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lasting reads a duration.
func lasting(d *caddyfile.Dispenser, word, text string) (duration.Duration, error) {
	v, err := caddy.ParseDuration(text)
	if err != nil || v <= 0 {
		return 0, d.Errf("%s: expected a duration such as 90s or 5m, not %q", word, text)
	}
	return duration.Duration(v), nil
}

// introspectionWords are the keywords of an introspection block, each with how its line is written and how many
// arguments it takes.
var introspectionWords = []struct {
	name, usage string
	least, most int
}{
	{"client", "client <id> [<placeholder of its secret>]", 1, 2},
	{"client_auth", "client_auth basic|post", 1, 1},
	{"client_key", "client_key <file>", 1, 1},
	{"client_certificate", "client_certificate <file> <key file>", 2, 2},
	{"ca_file", "ca_file <file>", 1, 1},
	{"issuer", "issuer <value>", 1, 1},
	{"audience", "audience <names...>, 1 to 16", 1, 16},
	{"scopes", "scopes <scopes...>, 1 to 16", 1, 16},
	{"consumer", `consumer "<expression>"`, 1, 1},
	{"plan", `plan "<expression>"`, 1, 1},
	{"version", `version "<expression>"`, 1, 1},
	{"groups", `groups "<expression>"`, 1, 1},
	{"cache", "cache <duration>", 1, 1},
	{"timeout", "timeout <duration>", 1, 1},
	{"dpop", "", 0, 0},
	{"bound", "", 0, 0},
}

func (h *Handler) introspection(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 1, 1, "introspection <url> {")
	if err != nil {
		return err
	}
	begin := *d
	c := &identity.IntrospectionConfig{URL: args[0]}
	var known []string
	for _, w := range introspectionWords {
		known = append(known, w.name)
	}
	words := stage.NewWords("introspection", known, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err == nil {
			err = words.Once(d, word)
		}
		if err == nil {
			err = introspected(d, word, c)
		}
		if err != nil {
			return err
		}
	}
	ways := 0
	for _, given := range []string{c.Secret, c.Key, c.Certificate} {
		if given != "" {
			ways++
		}
	}
	switch {
	case !strings.HasPrefix(c.URL, "https://"):
		return begin.Err("introspection: tokens are sent over https alone")
	case c.Client == "":
		return begin.Err("introspection needs client: by whom the gateway asks")
	case ways != 1:
		return begin.Err("introspection needs one way in which the client proves who it is: a secret, client_key or client_certificate")
	}
	if err := stage.Mistake(&begin, "introspection", c.Check()); err != nil {
		return err
	}
	h.Methods = append(h.Methods, identity.MethodConfig{Introspection: c})
	return nil
}

// introspected reads one line of an introspection block.
func introspected(d *caddyfile.Dispenser, word string, c *identity.IntrospectionConfig) error {
	if word == "dpop" || word == "bound" {
		return possession(d, word, &c.Possession)
	}
	var args []string
	var err error
	for _, w := range introspectionWords {
		if w.name == word {
			if args, err = stage.Arguments(d, w.least, w.most, w.usage); err != nil {
				return err
			}
		}
	}
	switch word {
	case "client":
		c.Client = args[0]
		if len(args) == 2 {
			c.Secret = args[1]
			if !placeholder(c.Secret) {
				return d.Err("client: a secret that is written here shows in Caddy's configuration; say where it is, {env.INTROSPECTION_SECRET} or {file./run/secrets/introspection}")
			}
		}
	case "client_auth":
		if args[0] != "basic" && args[0] != "post" {
			return d.Errf("client_auth: expected basic or post, not %q", args[0])
		}
		c.Post = args[0] == "post"
	case "client_key":
		c.Key = stage.Path(d, args[0])
	case "client_certificate":
		c.Certificate, c.CertificateKey = stage.Path(d, args[0]), stage.Path(d, args[1])
	case "ca_file":
		c.CAFile = stage.Path(d, args[0])
	case "issuer":
		c.Issuer = args[0]
	case "audience":
		c.Audience = args
	case "scopes":
		c.Scopes = args
		return stage.Mistake(d, word, identity.IntrospectionConfig{Scopes: args}.Check())
	case "cache":
		if c.Cache, err = lasting(d, word, args[0]); err != nil {
			return err
		}
		return stage.Mistake(d, word, identity.IntrospectionConfig{Cache: c.Cache}.Check())
	case "timeout":
		if c.Timeout, err = lasting(d, word, args[0]); err != nil {
			return err
		}
		return stage.Mistake(d, word, identity.IntrospectionConfig{Timeout: c.Timeout}.Check())
	default:
		claims := identity.JWTConfig{}
		e := expressions[word]
		*e.of(&claims) = args[0]
		if err := stage.Mistake(d, word, second(compile(args[0], stage.Here(d), e.want))); err != nil {
			return err
		}
		for from, to := range map[*string]*string{&claims.Consumer: &c.Consumer, &claims.Plan: &c.Plan, &claims.Version: &c.Version, &claims.Groups: &c.Groups} {
			if *from != "" {
				*to = *from
			}
		}
	}
	return nil
}

func second(_ *rule.Program, diags hcl.Diagnostics) hcl.Diagnostics { return diags }

// placeholder says whether a text is one placeholder and nothing else.
func placeholder(text string) bool {
	return len(text) > 2 && text[0] == '{' && strings.IndexByte(text, '}') == len(text)-1
}

func (h *Handler) certificate(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("expected: certificate, or certificate { and its keywords, a line each")
	}
	begin := *d
	c := &identity.CertificateConfig{}
	words := stage.NewWords("certificate", []string{"consumer", "fingerprints", "issuers", "trusted_ca_file"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err == nil {
			err = words.Once(d, word)
		}
		if err != nil {
			return err
		}
		var args []string
		var diags hcl.Diagnostics
		switch word {
		case "consumer":
			if args, err = stage.Arguments(d, 1, 1, `consumer "<expression>"`); err == nil {
				c.Consumer = args[0]
				diags = second(certified(c.Consumer, stage.Here(d)))
			}
		case "fingerprints":
			if args, err = stage.Arguments(d, 1, 1000, "fingerprints <hashes...>, 1 to 1000"); err == nil {
				c.Fingerprints = args
				diags = identity.CertificateConfig{Fingerprints: args}.Check()
			}
		case "issuers":
			args, err = stage.Arguments(d, 1, 100, "issuers <names...>, 1 to 100")
			c.Issuers = args
		case "trusted_ca_file":
			if args, err = stage.Arguments(d, 1, 1, "trusted_ca_file <file>"); err == nil {
				c.TrustedCAFile = stage.Path(d, args[0])
			}
		}
		if err == nil {
			err = stage.Mistake(d, word, diags)
		}
		if err != nil {
			return err
		}
	}
	if err := stage.Mistake(&begin, "certificate", c.Check()); err != nil {
		return err
	}
	h.Methods = append(h.Methods, identity.MethodConfig{Certificate: c})
	return nil
}
