package console

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterDirective("api_console", parse)
}

// parse reads the directive, whose path is where the page is and so no matcher of Caddy's.
func parse(helper httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h := &Handler{}
	if err := h.UnmarshalCaddyfile(helper.Dispenser); err != nil {
		return nil, err
	}
	if h.Path == "/" {
		return helper.NewRoute(nil, h), nil
	}
	at := h.Path
	if at == "" {
		at = defaultPath
	}
	return helper.NewRoute(caddy.ModuleMap{"path": helper.JSON(caddyhttp.MatchPath{at, at + "/*"})}, h), nil
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_console [<path>]
//
// The path is where the page is. Default: /console.
//
// Something before it in the site has to ask everybody who they are: basic_auth, api_auth without anonymous, forward_auth or
// another authentication of Caddy's, without a matcher or with one for the console's path, such as /console*. A site that
// listens on loopback alone, with bind 127.0.0.1, may do without; then the console answers this machine only. Who sees the
// console sees what callers send, may send requests as anybody whose credential they have, and has events delivered again:
// it is for operators.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	args, err := stage.Arguments(d, 0, 1, "api_console [<path>]")
	if err != nil {
		return err
	}
	if len(args) == 1 {
		if h.Path = args[0]; !canonical(h.Path) {
			return d.Errf("api_console takes a canonical path such as /console, not %q", h.Path)
		}
	}
	if d.NextBlock(0) {
		return d.Err("api_console takes no block")
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
