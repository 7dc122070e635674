package health

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	httpcaddyfile.RegisterDirective("api_health", parse)
}

// parse reads the directive, whose path is exact and so no matcher of Caddy's.
func parse(helper httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h := &Handler{}
	if err := h.UnmarshalCaddyfile(helper.Dispenser); err != nil {
		return nil, err
	}
	return helper.NewRoute(nil, h), nil
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_health [<path>]
//
// The words mean:
//
//   - path is where balancers ask, exactly. Default: /healthz.
//
// It stands before redirections, rewriting and all authentication of a site. With Caddy's global option shutdown_delay, a
// node that is to stop first answers 503 here for that long and everything else as ever.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	if args := d.RemainingArgs(); len(args) > 1 {
		return d.Errf("expected: api_health [<path>]")
	} else if len(args) == 1 {
		if err := checkPath(args[0]); err != nil {
			return d.WrapErr(err)
		}
		h.Path = args[0]
	}
	if d.NextBlock(0) {
		return d.Errf("api_health takes no block")
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
