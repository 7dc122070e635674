package backend

import (
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(&Handler{})
	httpcaddyfile.RegisterHandlerDirective("shop_backend", parse)
	httpcaddyfile.RegisterDirectiveOrder("shop_backend", httpcaddyfile.Before, "respond")
}

// stores holds the one store that all configurations of a process share, so that a reload loses no order.
var stores = caddy.NewUsagePool()

// Handler serves the example shop from Caddy's own process, for the quick start.
type Handler struct {
	shop http.Handler
}

// CaddyModule returns the module's name and how to make one.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.shop_backend", New: func() caddy.Module { return new(Handler) }}
}

// Provision takes the process's store, or makes it.
func (h *Handler) Provision(caddy.Context) error {
	store, _, err := stores.LoadOrNew("orders", func() (caddy.Destructor, error) { return NewStore(time.Now), nil })
	if err != nil {
		return fmt.Errorf("opening the shop's store: %w", err)
	}
	h.shop = NewHandler(store.(*Store))
	return nil
}

// Cleanup gives the store back; the last configuration to do so ends it.
func (h *Handler) Cleanup() error {
	if h.shop == nil {
		return nil
	}
	_, err := stores.Delete("orders")
	return err
}

// ServeHTTP answers every request itself; no handler after this one runs.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	h.shop.ServeHTTP(w, r)
	return nil
}

// parse reads the directive, which takes no argument and no block:
//
//	shop_backend
func parse(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h.Next() // the directive's name
	if h.NextArg() {
		return nil, h.ArgErr()
	}
	if h.NextBlock(0) {
		return nil, h.Errf("shop_backend takes no block")
	}
	return new(Handler), nil
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
