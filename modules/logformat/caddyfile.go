package logformat

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/logging"
)

// UnmarshalCaddyfile sets up the format from a log's format. Syntax:
//
//	format api_gateway {
//		wrap <format> ...
//		<field> <filter> ...
//	}
//
// The words mean:
//
//   - wrap is the format that lines are written in, and what it takes. Default: json, or console on a terminal.
//   - <field> is any field of a line, with a filter for it and what that takes: those of Caddy's format filter.
//
// The block may be left out. Caddy writes down a copy of each request that no handler can change, in access logs and, of
// requests that end in an error, in the default log. So a gateway that takes API keys wants the format in all of them:
//
//	{
//		log {
//			format api_gateway
//		}
//	}
//	https://api.example {
//		log {
//			output file /var/log/caddy/access.log
//			format api_gateway
//		}
//		api_gateway
//	}
//
// caddy gateway check warns of logs that show API keys.
func (e *Encoder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the format's name
	if d.NextArg() {
		return d.ArgErr()
	}
	d.Reset()
	var filter logging.FilterEncoder
	if err := filter.UnmarshalCaddyfile(d); err != nil {
		return err
	}
	e.WrappedRaw, e.FieldsRaw = filter.WrappedRaw, filter.FieldsRaw
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Encoder)(nil)
