// Package auth faces Caddy for the identify stage: the directive api_auth.
package auth

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/exchange"
	internalgateway "github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler finds out who calls, and answers 401 where that cannot be told. Later stages know the caller as the consumer,
// Caddy's own modules as the user {http.auth.user.id}, and the service by a header field. The credential ends here.
type Handler struct {
	identity.Config

	app      *gateway.App
	stage    *stage.Stage
	resource atomic.Pointer[identity.Resource] // what is published; nil where nothing is
	signer   atomic.Pointer[assertion.Signer]  // of the tokens that services are told in; nil for none
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_auth",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision reads the keys.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	app, err := ctx.App("api_gateway")
	if err != nil {
		return err
	}
	h.app = app.(*gateway.App)
	h.stage, err = stage.New(ctx, func(l *gateway.Load) []pipeline.Stage {
		s, tells := load(h.Config, l), h.telling(l)
		if s == nil || tells == nil {
			return nil
		}
		h.resource.Store(s.Resource()) // which is made of what the configuration says, whatever the files do
		return []pipeline.Stage{s, tells}
	})
	return err
}

// ServeHTTP lets through who proves to be somebody. Anybody may read the keys that services verify tokens with.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if s := h.signer.Load(); s != nil && r.URL.EscapedPath() == assertion.Path {
		if prob := internalgateway.Publish(w, r, s); prob != nil {
			return prob.Write(w, r)
		}
		return nil
	}
	if resource := h.resource.Load(); resource != nil && strings.HasPrefix(r.URL.Path, "/.well-known/") {
		if x, prob := stage.Look(h.app, r); prob == nil && resource.Asked(x) {
			resource.Serve(w, x)
			return nil
		}
	}
	return h.stage.Run(w, r, known{next})
}

// known tells Caddy's own modules who calls, before they come to the request.
type known struct{ next caddyhttp.Handler }

// ServeHTTP sets the placeholder that all of Caddy's authentication sets, and takes away one that says otherwise. What
// else is known of the user, gateway.Describe tells.
func (k known) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		if x := exchange.FromContext(r.Context()); x.Consumer != nil {
			repl.Set("http.auth.user.id", x.Consumer.ID)
		} else {
			repl.Delete("http.auth.user.id")
		}
	}
	return k.next.ServeHTTP(w, r)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
