package auth

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_auth", parse)
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_auth [<matcher>] {
//		key <header> <key file> {
//			bearer
//			query <parameter>
//		}
//		jwt {
//			issuer     <iss>
//			jwks       <file>
//			audience   <names...>
//			algorithms <names...>
//			consumer   "<expression>"
//		}
//		anonymous
//		forward {
//			header <name> "<expression>"
//			credential
//		}
//	}
//
// The words mean:
//
//   - key takes API keys in a header field of their own, such as X-API-Key, from a file that holds their hashes. It may
//     be given again for another header field. The block may be left out.
//   - bearer takes the key as a bearer token too, Authorization: Bearer wg_…, beside jwt as well.
//   - query takes the key in a parameter of the query too, which is taken off before the request goes on. An address is
//     written down in many places: only for callers that cannot send a header field.
//   - jwt takes bearer tokens in the field Authorization.
//   - issuer is what a token's iss must be, to the character. Required.
//   - jwks is the file of the issuer's key set. Required.
//   - audience are the names under which tokens address this API; one of them must be in a token's aud. Required.
//   - algorithms are those allowed. Default: all that are known but those with a shared secret (HS256, HS384, HS512).
//   - consumer is an expression over claims for the consumer's id. Default: claims.sub.
//   - anonymous lets requests without any credential pass; a wrong credential is a 401 all the same.
//   - forward is what the service is told of who calls, all of it. Default: consumer.id in X-Consumer-Id. What clients
//     send in these fields is taken off, wherever a stage of the gateway stands first.
//   - header is a header field and an expression over consumer, claims, client, api and request for its value, a list
//     with commas between its items. Null, an empty text, and what an anonymous caller or a credential without that
//     claim does not have, leave the field out. It may be given again, at most 16 times.
//   - credential lets the caller's own credential go on to the service. Default: it ends here.
//
// A block names at least one key or jwt. Relative paths are relative to the Caddyfile. The files are watched.
//
// Caddy's access logs show a request's header fields as they came, Authorization and Cookie excepted. What keeps API keys
// out of them is written where the logs are:
//
//	log {
//		format filter {
//			request>headers>X-Api-Key delete
//		}
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	begin := *d
	words := stage.NewWords("api_auth", []string{"key", "jwt", "anonymous", "forward"}, []string{"introspection", "certificate"})
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		switch word {
		case "key":
			err = h.key(d, words)
		case "jwt":
			if err = words.Once(d, word); err == nil {
				err = h.jwt(d)
			}
		case "anonymous":
			if err = words.Once(d, word); err == nil {
				_, err = stage.Arguments(d, 0, 0, "anonymous")
			}
			h.Anonymous = true
		case "forward":
			if err = words.Once(d, word); err == nil {
				err = h.told(d)
			}
		}
		if err != nil {
			return err
		}
	}
	if len(h.Methods) == 0 {
		return begin.Err("api_auth needs at least one way to identify: key or jwt")
	}
	return nil
}

func (h *Handler) jwt(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("expected: jwt { and its keywords, a line each")
	}
	begin := *d
	c := &identity.JWTConfig{}
	words := stage.NewWords("jwt", []string{"issuer", "jwks", "audience", "algorithms", "consumer"}, nil)
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
	case c.Keys == "":
		return begin.Err("jwt needs jwks: the file of the issuer's key set")
	case len(c.Audience) == 0:
		return begin.Err("jwt needs audience: without one, a token meant for another service of the issuer would do")
	}
	h.Methods = append(h.Methods, identity.MethodConfig{JWT: c})
	return nil
}

// token reads one line of a jwt block.
func token(d *caddyfile.Dispenser, word string, c *identity.JWTConfig) error {
	most, usage := 1, word+" <value>"
	switch word {
	case "audience", "algorithms":
		most, usage = 16, word+" <names...>, 1 to 16"
	case "jwks":
		usage = "jwks <file>"
	case "consumer":
		usage = `consumer "<expression>"`
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
			return d.Errf("jwks: a key set that is fetched from %s is not supported by this version; name a file", args[0])
		}
		c.Keys = stage.Path(d, args[0])
	case "audience":
		c.Audience = args
	case "algorithms":
		c.Algorithms = args
		return stage.Mistake(d, word, identity.CheckAlgorithms(args))
	case "consumer":
		c.Consumer = args[0]
		_, diags := compile(args[0], stage.Here(d))
		return stage.Mistake(d, word, diags)
	}
	return nil
}

// remote says whether a key set lies at an address and not in a file.
func remote(path string) bool {
	return strings.Contains(path, "://")
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
