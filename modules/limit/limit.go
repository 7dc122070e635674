package limit

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler counts requests against quotas, answers 429 when one is used up, and tells every caller where it stands in
// the RateLimit fields. What counts is the engine of the global option api_gateway, so that all limits of one name
// share their counts, and a reload forgets none.
type Handler struct {
	limit.Config

	stage *stage.Stage
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_limit",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision finds the counters and compiles the key.
func (h *Handler) Provision(ctx caddy.Context) error {
	app, err := ctx.App("api_gateway")
	if err != nil {
		return err
	}
	h.stage, err = stage.New(ctx, func(l *gateway.Load) []pipeline.Stage {
		s, diags := build(h.Config, app.(*gateway.App))
		l.Diagnostics = append(l.Diagnostics, diags...)
		switch {
		case s == nil:
			return nil
		case s.ReadsJSON():
			return []pipeline.Stage{validate.NewContent(validate.ContentConfig{}), limit.Late{Stage: s}}
		}
		return []pipeline.Stage{s}
	})
	return err
}

// build makes the stage of c; nil after a mistake.
func build(c limit.Config, app *gateway.App) (*limit.Stage, hcl.Diagnostics) {
	l := limit.Limit{Config: c}
	l.Used = func(quota string, window time.Duration) func(string, float64) {
		return app.QuotaUsed(c.Name, quota, l.Needs.Header, window)
	}
	at := hcl.Range{Filename: "api_limit " + c.Name, Start: hcl.InitialPos, End: hcl.InitialPos}
	if c.Key != "" {
		p, diags := compileKey(c.Key, at)
		if diags.HasErrors() {
			return nil, diags
		}
		l.KeyOf, l.Needs = p.Key, p.Needs()
	}
	if c.Cost != "" {
		p, diags := compileCost(c.Cost, at)
		if diags.HasErrors() {
			return nil, diags
		}
		l.CostOf, l.CostNeeds = p.Integer, p.Needs()
	}
	return limit.New(app.Counter(), l)
}

// here are the roots of expressions: there is no API or route to name.
const here = rule.All &^ rule.API &^ rule.Path

// compileKey makes the expression of a key ready. It cannot read the body, for who is counted must be known of a request
// without one, too.
func compileKey(expression string, at hcl.Range) (*rule.Program, hcl.Diagnostics) {
	return rule.CompileText(expression, at, rule.Environment{Roots: here &^ rule.Body}, rule.Key)
}

// compileCost makes the expression of a cost ready.
func compileCost(expression string, at hcl.Range) (*rule.Program, hcl.Diagnostics) {
	return rule.CompileText(expression, at, rule.Environment{Roots: here}, rule.Integer)
}

// ServeHTTP counts a request and lets it through if it fits into every quota.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.stage.Run(w, r, next)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
