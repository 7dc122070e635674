// Package framing is the listener wrapper api_framing, with which HTTP/1.1 messages that have two readings are refused.
package framing

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/framing"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

func init() {
	caddy.RegisterModule(Wrapper{})
}

// Wrapper refuses HTTP/1.1 messages of whose end two readers may think differently, which is what request smuggling is made
// of (RFC 9112, section 11.2). Caddy serves some of them: it drops the length of a request that has a coding, too, takes a line
// feed for a line's end, joins lines, and reads HTTP/1.2 as 1.1. A proxy before it that keeps connections for several callers
// may have seen two requests there. With this wrapper in the servers' listener_wrappers they are answered 400 and the
// connection is closed, before anything else of Caddy sees the request; in a body, the stages' answer is 400. Allowed is one
// Content-Length of up to 18 digits, or one Transfer-Encoding, chunked; lines end in CR LF. It has no fields.
// HTTP/2 and HTTP/3 need none of it, and are let through as they are. What follows an upgrade, such as a WebSocket, is, too.
type Wrapper struct {
	server *caddyhttp.Server // nil where something else listens
	logger *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Wrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.listeners.api_framing",
		New: func() caddy.Module { return new(Wrapper) },
	}
}

// Provision finds the server, whose time-outs handshakes have, and what counts. The app is told, if there is one.
func (w *Wrapper) Provision(ctx caddy.Context) error {
	w.logger = ctx.Logger()
	w.server, _ = ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	switch app, err := ctx.AppIfConfigured("api_gateway"); {
	case errors.Is(err, caddy.ErrNotConfigured):
	case err != nil:
		return err
	case w.server != nil:
		app.(*gateway.App).Framed(w.server)
	}
	if err := ctx.GetMetricsRegistry().Register(refusals); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}

// WrapListener implements caddy.ListenerWrapper.
func (w *Wrapper) WrapListener(l net.Listener) net.Listener {
	return framing.Listen(l, w.handshake, w.refused)
}

// handshake is how long TLS handshakes may take: what net/http gives them.
func (w *Wrapper) handshake() time.Duration {
	var least time.Duration
	if w.server == nil {
		return 0
	}
	for _, span := range []caddy.Duration{w.server.ReadHeaderTimeout, w.server.ReadTimeout, w.server.WriteTimeout} {
		if span > 0 && (least == 0 || time.Duration(span) < least) {
			least = time.Duration(span)
		}
	}
	return least
}

// refusals count for the process, so that a reload of Caddy loses none.
var refusals = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy", Subsystem: "api_gateway", Name: "framing_refusals_total",
	Help: "HTTP/1.1 messages that api_framing refused, by reason: line_feed, carriage_return, folded, version, length, coding, length_and_coding, chunk or trailer.",
}, []string{"reason"})

// refused counts a message, and tells operators who look closer who sent it.
func (w *Wrapper) refused(why framing.Reason, caller net.Addr) {
	refusals.WithLabelValues(why.String()).Inc()
	if e := w.logger.Check(zap.DebugLevel, "refused an ambiguous HTTP/1.1 message"); e != nil {
		e.Write(zap.Stringer("reason", why), zap.Stringer("remote", caller))
	}
}

// UnmarshalCaddyfile sets up the wrapper:
//
//	api_framing
//
// It takes no words and stands behind tls, or alone: what it reads is not encrypted any longer.
func (*Wrapper) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the wrapper's name
	if d.NextArg() {
		return d.ArgErr()
	}
	if d.NextBlock(0) {
		return d.Errf("api_framing takes no block")
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Wrapper)(nil)
	_ caddy.ListenerWrapper = (*Wrapper)(nil)
	_ caddyfile.Unmarshaler = (*Wrapper)(nil)
)
