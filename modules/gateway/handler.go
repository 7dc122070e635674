package gateway

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/accesslog"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/tracing"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler serves the catalogue's APIs: it takes a request through all stages, from admission to the upstream and back.
// What no API claims goes to the next handler; where there is none, the answer is 404.
type Handler struct {
	// The APIs that are served here, by their labels in the catalogue. Default: all of them.
	APIs []string `json:"apis,omitempty"`

	app    *App
	logger *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_gateway",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision finds the app and checks that it serves the APIs named.
func (h *Handler) Provision(ctx caddy.Context) error {
	app, err := ctx.App("api_gateway")
	if err != nil {
		return err
	}
	h.app, h.logger = app.(*App), ctx.Logger()
	if h.app.gateway == nil {
		return errors.New("api_gateway serves a catalogue, but the global option api_gateway names none")
	}
	for _, name := range h.APIs {
		if err := h.app.gateway.want(name); err != nil {
			return err
		}
	}
	h.app.unframed(ctx, h.logger)
	return nil
}

// ServeHTTP takes a request through the stages.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	h.app.drains(w, r)
	stranger, err := h.serve(w, r)
	if stranger != nil {
		return unclaimed(w, r, next, stranger)
	}
	return err
}

// serve answers a request, unless no API claims it: then stranger is the answer that it has if nobody else answers it.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (stranger *problem.Problem, err error) {
	g := h.app.gateway.hold()
	defer g.release()
	s := &served{Exchange: exchange.Exchange{Address: Address(r)}}
	w = s.to(w)
	x := &s.Exchange
	x.Recorded, x.Unrecorded = tracing.Recorded(r.Context()), Unrecorded(r)
	x.Times.Begin()
	returned := false
	defer func() {
		if !returned { // the answer broke off, which the proxy tells the caller by a panic
			h.describe(r, g, s, x.Broken)
		}
	}()
	claimed, err := g.Serve(w, r, x, ClientAddress(r), h.serves)
	returned = true
	if claimed {
		Conceal(r, x)
	}
	if !claimed && err == nil {
		return g.Unclaimed(x), nil
	}
	var prob *problem.Problem
	answered := errors.As(err, &prob)
	h.describe(r, g, s, prob)
	if answered {
		return nil, nil
	}
	if handled := (caddyhttp.HandlerError{}); err != nil && r.Context().Err() != nil && !errors.As(err, &handled) {
		return nil, caddyhttp.Error(statusClientClosed, err) // the caller went away: nobody reads an answer
	}
	return nil, err
}

// statusClientClosed is Caddy's status for a caller who went away.
const statusClientClosed = 499

func (h *Handler) serves(api string) bool {
	return len(h.APIs) == 0 || slices.Contains(h.APIs, api)
}

// unclaimed hands on what no API claims. Caddy ends a request that no handler answered with an empty 200, which tells
// the caller of a misspelt address that all is well.
func unclaimed(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, prob *problem.Problem) error {
	if err := next.ServeHTTP(w, r); err != nil {
		return err
	}
	if unhandled, _ := caddyhttp.GetVar(r.Context(), "unhandled").(bool); !unhandled {
		return nil
	}
	return prob.Write(w, r)
}

// describe tells placeholders, metrics, usage, traces and the log what became of a request.
func (h *Handler) describe(r *http.Request, g *generation, s *served, prob *problem.Problem) {
	x := &s.Exchange
	x.Times.Lap("answer", true)
	x.Problem = prob
	Describe(r, x)
	h.app.metrics.served(x, prob, s.answer.Status)
	g.called(s, prob)
	if x.Recorded {
		tracing.Served(r.Context(), x, g.Template(x))
	}
	h.app.shown(r, g, s, prob)
	if x.Unknown != nil {
		h.logger.Info("unknown query parameters", zap.String("id", x.ID), zap.String("api", x.API), zap.String("route", x.Route), zap.Strings("parameters", x.Unknown))
	}
	if prob == nil {
		return
	}
	level := h.logger.Debug
	switch {
	case prob.StatusCode() >= 500:
		level = h.logger.Error
	case x.PolicyFailed():
		level = h.logger.Warn
	}
	what := "request ended"
	if prob == x.Broken {
		what = "answer broken off"
	}
	level(what, zap.String("id", x.ID), zap.String("api", x.API), zap.String("version", x.Version),
		zap.String("route", x.Route), zap.String("stage", x.Ended), zap.Error(prob))
}

// Describe sets the placeholders {http.api.name}, {http.api.version}, {http.api.route}, {http.api.request_id},
// {http.api.stage}, {http.api.consumer}, {http.api.plan} and {http.api.decision} for access logs and later handlers, and
// {http.auth.user.*} as far as identity.UserFact tells it; and adds the former to Caddy's access log as the object
// api_gateway.
func Describe(r *http.Request, x *exchange.Exchange) {
	describeAccess(r, x)
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	repl.Map(func(key string) (any, bool) {
		if name, ok := strings.CutPrefix(key, "http.auth.user."); ok {
			if x.Consumer == nil {
				return nil, false
			}
			text, ok := identity.UserFact(x.Consumer, name)
			return text, ok
		}
		switch key {
		case "http.api.name":
			return x.API, true
		case "http.api.version":
			return x.Version, true
		case "http.api.route":
			return x.Route, true
		case "http.api.request_id":
			return x.ID, true
		case "http.api.stage":
			return x.Ended, true
		case "http.api.consumer":
			return accesslog.Consumer(x), true
		case "http.api.plan":
			if x.Consumer == nil {
				return "", true
			}
			return x.Consumer.Plan, true
		case "http.api.decision":
			return accesslog.Decision(x), true
		}
		return nil, false
	})
}

// ClientAddress is the caller's address as Caddy's trusted proxies tell it.
func ClientAddress(r *http.Request) netip.Addr {
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	if text == "" {
		text = r.RemoteAddr
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap().WithZone("")
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
