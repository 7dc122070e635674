// Package greeting is a Caddy plugin of somebody else's: a module of its own, outside this repository's, that the
// build links beside the gateway.
package greeting

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { caddy.RegisterModule(Handler{}) }

// Handler greets.
type Handler struct{}

// CaddyModule returns the module's name and how to make one.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.greeting", New: func() caddy.Module { return new(Handler) }}
}

// ServeHTTP greets whoever calls.
func (Handler) ServeHTTP(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
	_, err := io.WriteString(w, "hello\n")
	return err
}

var _ caddyhttp.MiddlewareHandler = Handler{}
