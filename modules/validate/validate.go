// Package validate faces Caddy for the validate stage: the directive api_validate.
package validate

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler lets only well-formed requests through: a body that is strict JSON, valid by a schema, and rules that are met.
// Everything that is wrong is told at once, with its place in the body: 400, 413, 415 or 422.
type Handler struct {
	validate.Config

	stage *stage.Stage
}

// maxSchema bounds a file of a schema: 1 MiB.
const maxSchema = 1 << 20

func read(path string) ([]byte, error) { return stage.Read(path, maxSchema) }

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_validate",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision compiles schema and rules.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	report := func(x *exchange.Exchange, p *problem.Problem) { h.stage.Report(x, p) }
	h.stage, err = stage.New(ctx, func(l *gateway.Load) []pipeline.Stage {
		stages, files, diags := h.Stages(read, report)
		l.Read(files, nil)
		l.Diagnostics = append(l.Diagnostics, diags...)
		answers, files, diags := h.Answers(read, l.Drift)
		l.Read(files, nil)
		l.Diagnostics = append(l.Diagnostics, diags...)
		if answers != nil {
			stages = append(stages, answers)
		}
		return stages
	})
	return err
}

// ServeHTTP lets a request through if nothing is wrong with it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.stage.Run(w, r, next)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
