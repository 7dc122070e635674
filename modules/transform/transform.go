// Package transform faces Caddy for the change stage where it stands alone: the directive api_transform.
package transform

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/transform"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler changes requests and answers: header fields are set and removed, members of JSON bodies renamed, moved,
// dropped, added, translated, wrapped, unwrapped, scaled, cast, split and joined. An answer whose body is changed is
// held until it is whole, unless only items of lists change: then it passes as it arrives. What cannot be changed is
// answered with a problem or broken off, and never passes as it was.
type Handler struct {
	transform.Config

	stage *stage.Stage
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_transform",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision compiles the operations.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	h.stage, err = stage.New(ctx, func(l *gateway.Load) []pipeline.Stage {
		stages, diags := h.Stages(expand)
		l.Diagnostics = append(l.Diagnostics, diags...)
		return stages
	})
	return err
}

// expand writes out Caddy's placeholders. Only the configuration's own are: what comes in their place is not looked
// through again.
func expand(ctx context.Context, text string) string {
	repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	return repl.ReplaceAll(text, "")
}

// ServeHTTP changes a request and its answer.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.stage.Run(w, r, next)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
