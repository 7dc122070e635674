package limit

import (
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"

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
//		key        "<expression>"
//		cost       "<expression>"
//		quota      <requests> <window> [<name>]
//		concurrent <requests>
//		plan <name> {
//			quota      <requests> <window> [<name>]
//			concurrent <requests>
//		}
//		hidden
//	}
//
// The words mean:
//
//   - name keeps the counts apart from those of other limits; limits of one name share them.
//   - key is an expression for who is counted, or a list of such: "[consumer.id, request.host]". Default: the consumer's
//     id, or for an anonymous caller the client's address. An IPv6 address counts by its /64, in client.address too. A
//     request whose key cannot be computed, or has an empty part, is answered 403.
//   - cost is an expression for how many units of each quota a request takes, a whole number from 0 on:
//     "len(body.items)", whose body is strict JSON of at most 1 MiB. Default: 1. A cost of "request.size" counts bytes.
//     A request whose cost cannot be computed costs 1 where it has no body, else it is answered 403; one that costs more
//     than a quota holds, 429.
//   - quota is an allowance: so many requests in a span of time (30s, 1m, 1h, 1d). Its name in the RateLimit fields is
//     the window unless another is given. At most 4; a request must fit into all of them and is charged to all or to
//     none.
//   - concurrent is how many requests of a key may be under way at once, 1 to 1000000. Default: any number.
//   - plan says what is different for the consumers of a plan, as their keys and tokens name it: its quotas take the
//     place of the limit's of the same names. At most 16. Callers of another plan, or of none, have the limit as it is.
//   - hidden keeps the limit from callers: no RateLimit fields, and a 429 that says nothing but that.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	args, err := stage.Arguments(d, 1, 1, "api_limit <name> { and at least one quota")
	if err != nil {
		return err
	}
	begin := *d
	h.Name = args[0]
	named := limit.Config{Name: h.Name, Concurrent: 1}
	if err := stage.Mistake(&begin, "api_limit", named.Check()); err != nil {
		return err // before the lines that name the limit in their mistakes
	}
	words := stage.NewWords("api_limit", []string{"key", "cost", "quota", "concurrent", "plan", "hidden"}, nil)
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		switch word {
		case "quota":
			err = quota(d, h.Name, &h.Quotas)
		case "plan":
			err = h.plan(d)
		default:
			if err = words.Once(d, word); err == nil {
				err = h.word(d, word)
			}
		}
		if err != nil {
			return err
		}
	}
	return stage.Mistake(&begin, "api_limit", h.Check())
}

// word reads one of those that may be given once.
func (h *Handler) word(d *caddyfile.Dispenser, word string) error {
	switch word {
	case "hidden":
		h.Hidden = true
		_, err := stage.Arguments(d, 0, 0, word)
		return err
	case "concurrent":
		return concurrent(d, h.Name, &h.Concurrent)
	}
	args, err := stage.Arguments(d, 1, 1, word+` "<expression>"`)
	if err != nil {
		return err
	}
	var diags hcl.Diagnostics
	if word == "key" {
		h.Key = args[0]
		_, diags = compileKey(h.Key, stage.Here(d))
	} else {
		h.Cost = args[0]
		_, diags = compileCost(h.Cost, stage.Here(d))
	}
	return stage.Mistake(d, word, diags)
}

func (h *Handler) plan(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 1, 1, "plan <name> { and what is different")
	if err != nil {
		return err
	}
	begin := *d
	p := limit.Plan{Name: args[0]}
	words := stage.NewWords("plan", []string{"quota", "concurrent"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		if word == "quota" {
			err = quota(d, h.Name, &p.Quotas)
		} else if err = words.Once(d, word); err == nil {
			err = concurrent(d, h.Name, &p.Concurrent)
		}
		if err != nil {
			return err
		}
	}
	h.Plans = append(h.Plans, p)
	// The limit's own quotas may be written below, so whether the plan's are among them is looked at when all are known.
	// Beside such quotas, what is wrong is the plan, and this is its line.
	only := limit.Config{Name: h.Name, Quotas: p.Quotas, Concurrent: 1, Plans: []limit.Plan{p}}
	if slices.ContainsFunc(h.Plans[:len(h.Plans)-1], func(other limit.Plan) bool { return other.Name == p.Name }) {
		return begin.Errf("plan %s is given twice", p.Name)
	}
	return stage.Mistake(&begin, "plan", only.Check())
}

func concurrent(d *caddyfile.Dispenser, of string, to *int64) error {
	const usage = "concurrent <requests>"
	args, err := stage.Arguments(d, 1, 1, usage)
	if err != nil {
		return err
	}
	if *to, err = strconv.ParseInt(args[0], 10, 64); err != nil || *to == 0 {
		return d.Errf("concurrent: expected a number of requests, 1 to 1000000, not %q", args[0])
	}
	only := limit.Config{Name: of, Concurrent: *to}
	return stage.Mistake(d, "concurrent", only.Check())
}

func quota(d *caddyfile.Dispenser, of string, to *[]limit.Quota) error {
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
	*to = append(*to, q)
	// The limit's name is right, so what is wrong is the quota, and this is its line.
	only := limit.Config{Name: of, Quotas: *to}
	return stage.Mistake(d, "quota", only.Check())
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
