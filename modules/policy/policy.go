package policy

import (
	"context"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/carry"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/shadow"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler asks a policy whether a request may pass, and answers 403, or what the policy says, unless the answer is a
// boolean true. Where the policy reads the body, it has at most 1 MiB, and is strict JSON where it says so or the policy
// reads input.request.body. The policies are those of the global option api_gateway.
type Handler struct {
	// The package or rule that is asked: "data.httpapi.authz". Required.
	Query string `json:"query"`

	// Who calls, where a placeholder says so. Default: who api_auth found; else the user of Caddy's own authentication;
	// else whom a verified client certificate names.
	Consumer *Consumer `json:"consumer,omitempty"`

	// A candidate for the query, evaluated beside it off the request's path; differences are counted and logged.
	// Default: none.
	Shadow *Shadow `json:"shadow,omitempty"`

	// Deny nothing, and change nothing, but log and count what would have been denied. Default: false.
	ReportOnly bool `json:"report_only,omitempty"`

	stage *stage.Stage
	ctx   context.Context // of loads
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
	if h.Consumer != nil {
		if err := h.Consumer.check(); err != nil {
			return fmt.Errorf("consumer: %w", err)
		}
	}
	if h.Shadow != nil {
		if err := h.Shadow.provision(); err != nil {
			return err
		}
	}
	h.ctx = ctx
	h.stage, err = stage.New(ctx, h.build)
	return err
}

func (h *Handler) build(l *gateway.Load) []pipeline.Stage {
	q := prepare(l, h.Query)
	if q == nil {
		return nil
	}
	if q.MustLimit() && !h.ReportOnly {
		at := placeOf(h.Query)
		l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{
			Severity: hcl.DiagError, Subject: &at,
			Summary: "Quotas that nobody counts",
			Detail:  h.Query + " has a rule limits, which overrides quotas of a catalogue's routes; api_policy counts nothing. Ask another package here, or give the rule another name.",
		})
		return nil
	}
	if h.Shadow != nil {
		q = h.Shadow.compare(h.ctx, l, q)
	}
	var stages []pipeline.Stage
	if h.Consumer != nil {
		stages = append(stages, named{h.Consumer})
	}
	if need := q.Needs().Body; need != exchange.None {
		content := validate.ContentConfig{Any: need == exchange.Whole}
		if h.ReportOnly { // the policy reports a body that it cannot read
			content.Report = func(*exchange.Exchange, *problem.Problem) {}
		}
		stages = append(stages, validate.NewContent(content))
	}
	switch {
	case h.ReportOnly:
		return append(stages, &reported{q, h, l.Report(q)})
	case q.Hides():
		return append(stages, &carry.Hiding{Max: policy.MaxAnswer}, q, policy.Hiding{Query: q})
	}
	return append(stages, q)
}

// prepare prepares a query of the load's policies; nil after a mistake, which the load tells.
func prepare(l *gateway.Load, query string) *policy.Query {
	if l.Policies == nil {
		if !l.Configured { // otherwise the mistakes in them have been told
			l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No policies", Detail: "api_policy " + query + " " + missing + "."})
		}
		return nil
	}
	q, diags := l.Policies.Prepare(query, placeOf(query))
	l.Diagnostics = append(l.Diagnostics, diags...)
	return q
}

// placeOf is where mistakes about a query lie, as far as it is known once a Caddyfile has become JSON.
func placeOf(query string) hcl.Range {
	return hcl.Range{Filename: "api_policy " + query, Start: hcl.InitialPos, End: hcl.InitialPos}
}

// reported is a policy that denies nothing: what it would have denied is logged and counted. Nor does it change
// anything where it allows: a policy that is not in force does not reach the service.
type reported struct {
	query   *policy.Query
	handler *Handler
	counted *shadow.Comparison
}

// Name implements pipeline.Stage.
func (r *reported) Name() string { return r.query.Name() }

// Needs implements pipeline.Stage.
func (r *reported) Needs() exchange.Needs { return r.query.Needs() }

// Handle implements pipeline.Stage.
func (r *reported) Handle(x *exchange.Exchange) *problem.Problem {
	d, prob := r.query.Decide(x)
	r.counted.Reported(x, d, prob)
	if prob != nil {
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
