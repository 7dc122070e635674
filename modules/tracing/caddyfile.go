package tracing

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_tracing", parse)
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_tracing [<matcher>] {
//		span <name>
//		span_attributes {
//			<attribute> <value>
//		}
//	}
//
// The words mean:
//
//   - span is the name of the span, which may have placeholders. Default: method and route, as in GET /api/v2/orders/{id}.
//   - span_attributes are attributes of the span besides the conventions', whose values may have placeholders. Default: none.
//
// It stands where Caddy's tracing does: before all other directives of a site.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	words := stage.NewWords("api_tracing", []string{"span", "span_attributes"}, nil)
	return words.Each(d, func(word string) error {
		if word == "span" {
			args, err := stage.Arguments(d, 1, 1, "span <name>")
			if err == nil {
				h.SpanName = args[0]
			}
			return err
		}
		if d.NextArg() {
			return d.ArgErr()
		}
		h.SpanAttributes = make(map[string]string)
		for nesting := d.Nesting(); d.NextBlock(nesting); {
			name := d.Val()
			args, err := stage.Arguments(d, 1, 1, "<attribute> <value>")
			if err != nil {
				return err
			}
			if _, twice := h.SpanAttributes[name]; twice {
				return d.Errf("span_attributes: %s is given twice", name)
			}
			h.SpanAttributes[name] = args[0]
		}
		if len(h.SpanAttributes) == 0 {
			return d.Err("span_attributes names none")
		}
		return nil
	})
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
