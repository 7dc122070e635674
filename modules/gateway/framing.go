package gateway

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// Framed notes that a server refuses HTTP/1.1 messages that have two readings.
func (a *App) Framed(s *caddyhttp.Server) { a.framed.Store(s, true) }

// unframed tells the operator, once for a server, where nobody refuses them: a module cannot do it for a server that does not
// name it, since Caddy has loaded the server's listener wrappers when it comes to the handlers.
func (a *App) unframed(ctx caddy.Context, logger *zap.Logger) {
	s, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || !slices.Contains(s.Protocols, "h1") {
		return
	}
	if _, known := a.framed.LoadOrStore(s, false); !known {
		logger.Warn("HTTP/1.1 requests that another proxy may read in another way are not refused: api_framing is missing in the server's listener_wrappers", zap.String("server", s.Name()))
	}
}
