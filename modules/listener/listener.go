// Package listener is the listener wrapper api_listener, with which a reload of Caddy loses no connection.
package listener

import (
	"errors"
	"net"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/socket"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

func init() {
	caddy.RegisterModule(Wrapper{})
}

// Wrapper keeps sockets open over reloads of Caddy. Caddy opens another socket on the same address for each configuration
// and closes the one before, with whoever waits in its queue: on a busy site some callers of each reload are reset. With
// this wrapper in the servers' listener_wrappers, sockets stay open, up to 64 for each address and each with a file
// descriptor, and connections are taken from all of them, until nobody listens on the address any longer. With the global
// option's drain, a configuration that is about to end takes no more of them. It has no fields.
// Connections have Go's own TCP keep-alive, every 15 s, whatever the server's keepalive_interval says. HTTP/3 does not need it.
type Wrapper struct {
	app *gateway.App // nil where there is none
}

// CaddyModule returns the Caddy module information.
func (Wrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.listeners.api_listener",
		New: func() caddy.Module { return new(Wrapper) },
	}
}

// Provision finds the app, if there is one.
func (w *Wrapper) Provision(ctx caddy.Context) error {
	app, err := ctx.AppIfConfigured("api_gateway")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil
	}
	if err != nil {
		return err
	}
	w.app = app.(*gateway.App)
	return nil
}

// WrapListener implements caddy.ListenerWrapper.
func (w *Wrapper) WrapListener(l net.Listener) net.Listener {
	kept, retire := socket.Keep(l)
	if w.app != nil {
		w.app.OnDrain(retire)
	}
	return kept
}

// UnmarshalCaddyfile sets up the wrapper:
//
//	api_listener
//
// It takes no words and stands before all other listener wrappers, which do not show it Caddy's socket. Behind it stands tls.
func (*Wrapper) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the wrapper's name
	if d.NextArg() {
		return d.ArgErr()
	}
	if d.NextBlock(0) {
		return d.Errf("api_listener takes no block")
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Wrapper)(nil)
	_ caddy.ListenerWrapper = (*Wrapper)(nil)
	_ caddyfile.Unmarshaler = (*Wrapper)(nil)
)
