package accesslog

import (
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_access_log", parse)
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_access_log [<matcher>] {
//		output  <writer> ...
//		headers <names...>
//	}
//
// The words mean:
//
//   - output is what writes the lines, and what that takes: as in Caddy's directive log. A file is to have no other log in it.
//     Default: stderr.
//   - headers are the fields of the request's header that a line has. Default: Accept Content-Type Origin Referer User-Agent.
//
// It stands before all other directives of a site, so that their time and their answers are in the line.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	words := stage.NewWords("api_access_log", []string{"output", "headers"}, nil)
	return words.Each(d, func(word string) error {
		if word == "output" {
			return h.output(d)
		}
		names, err := stage.Arguments(d, 1, mostHeaders, "headers <names...>, at most 32")
		for _, name := range names {
			if !httpguts.ValidHeaderFieldName(name) {
				return d.Errf("headers: %q is no name of a header field", name)
			}
			if name = http.CanonicalHeaderKey(name); slices.Contains(h.Headers, name) {
				return d.Errf("headers: %s is given twice", name)
			}
			h.Headers = append(h.Headers, name)
		}
		return err
	})
}

// output reads the writer. Those of the standard streams have no grammar of their own in Caddy.
func (h *Handler) output(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("expected: output <writer> ...")
	}
	name := d.Val()
	var writer any
	switch name {
	case "stdout":
		writer = caddy.StdoutWriter{}
	case "stderr":
		writer = caddy.StderrWriter{}
	case "discard":
		writer = caddy.DiscardWriter{}
	default:
		guest, err := caddyfile.UnmarshalModule(d, "caddy.logging.writers."+name)
		if err != nil {
			return err
		}
		h.WriterRaw = caddyconfig.JSONModuleObject(guest, "output", name, nil)
		return nil
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	h.WriterRaw = caddyconfig.JSONModuleObject(writer, "output", name, nil)
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
