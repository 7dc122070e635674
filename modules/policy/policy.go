package policy

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler asks a policy whether a request may pass, and answers 403, or what the policy says, unless the answer is a
// boolean true. Where the policy reads the body, bodies are strict JSON of at most 1 MiB. The policies are those of the
// global option api_gateway.
type Handler struct {
	// The package or rule that is asked: "data.httpapi.authz". Required.
	Query string `json:"query"`

	// Deny nothing, but log and count what would have been denied. Default: false.
	ReportOnly bool `json:"report_only,omitempty"`

	stage *stage.Stage
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_policy",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision prepares the query.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	h.stage, err = stage.New(ctx, h.build)
	return err
}

func (h *Handler) build(l *gateway.Load) []pipeline.Stage {
	if l.Policies == nil {
		if !l.Configured { // otherwise the mistakes in them have been told
			l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No policies", Detail: "api_policy " + h.Query + " " + missing + "."})
		}
		return nil
	}
	q, diags := l.Policies.Prepare(h.Query, hcl.Range{Filename: "api_policy " + h.Query, Start: hcl.InitialPos, End: hcl.InitialPos})
	l.Diagnostics = append(l.Diagnostics, diags...)
	if q == nil {
		return nil
	}
	var stages []pipeline.Stage
	if q.Needs().Body == exchange.JSON {
		content := validate.ContentConfig{}
		if h.ReportOnly { // the policy reports a body that it cannot read
			content.Report = func(*exchange.Exchange, *problem.Problem) {}
		}
		stages = append(stages, validate.NewContent(content))
	}
	if h.ReportOnly {
		return append(stages, &reported{q, h})
	}
	return append(stages, q)
}

// reported is a policy that denies nothing: what it would have denied is logged and counted.
type reported struct {
	*policy.Query
	handler *Handler
}

// Handle implements pipeline.Stage.
func (r *reported) Handle(x *exchange.Exchange) *problem.Problem {
	if prob := r.Query.Handle(x); prob != nil {
		r.handler.stage.Report(x, prob)
	}
	return nil
}

// ServeHTTP lets a request through if the policy says so.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.stage.Run(w, r, next)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
