package limit

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_limit", parse)
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_limit [<matcher>] <name> {
//		key   "<expression>"
//		quota <requests> <window> [<name>]
//	}
//
// The words mean:
//
//   - name keeps the counts apart from those of other limits; limits of one name share them.
//   - key is an expression for who is counted. Default: the consumer's id, or for an anonymous caller the client's
//     address, IPv6 by its /64. A request whose key cannot be computed, or is empty, is answered 403.
//   - quota is an allowance: so many requests in a span of time (30s, 1m, 1h, 1d). Its name in the RateLimit fields is
//     the window unless another is given. 1 to 4; a request must fit into all of them and is charged to all or to none.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	args, err := stage.Arguments(d, 1, 1, "api_limit <name> { and at least one quota")
	if err != nil {
		return err
	}
	begin := *d
	h.Name = args[0]
	words := stage.NewWords("api_limit", []string{"key", "quota"}, nil)
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		if word == "quota" {
			err = h.quota(d)
		} else if err = words.Once(d, word); err == nil {
			err = h.key(d)
		}
		if err != nil {
			return err
		}
	}
	return stage.Mistake(&begin, "api_limit", h.Check())
}

func (h *Handler) key(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 1, 1, `key "<expression>"`)
	if err != nil {
		return err
	}
	h.Key = args[0]
	_, diags := compile(h.Key, stage.Here(d))
	return stage.Mistake(d, "key", diags)
}

func (h *Handler) quota(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 2, 3, "quota <requests> <window> [<name>]")
	if err != nil {
		return err
	}
	q := limit.Quota{}
	if q.Requests, err = strconv.ParseInt(args[0], 10, 64); err != nil {
		return d.Errf("quota: expected a number of requests, not %q", args[0])
	}
	window, err := caddy.ParseDuration(args[1])
	if err != nil {
		return d.Errf("quota: expected a span of time such as 1m, not %q", args[1])
	}
	q.Window = duration.Duration(window)
	if len(args) == 3 {
		q.Name = args[2]
	}
	h.Quotas = append(h.Quotas, q)
	// With a name that is right, what is wrong is the quota, and this is its line.
	only := limit.Config{Name: "limit", Quotas: h.Quotas}
	return stage.Mistake(d, "quota", only.Check())
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
