// Package health is the route by which load balancers know whether a node takes requests: the directive api_health.
package health

import (
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// defaultPath is where balancers ask unless the configuration says otherwise.
const defaultPath = "/healthz"

// Handler tells load balancers whether this node takes requests: 200 while the catalogue is in force and, where they are
// configured, there are policies and the ledger is open; otherwise 503, and also from the moment at which the process
// begins to stop, or only the listener, for as long as Caddy's shutdown_delay lets requests come on. It says why to nobody:
// GET /api_gateway/status does. It asks for no credentials, and nothing is waited for.
type Handler struct {
	// The canonical path at which balancers ask, with GET or HEAD. Default: /healthz.
	Path string `json:"path,omitempty"`

	app *gateway.App
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_health",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision finds the app.
func (h *Handler) Provision(ctx caddy.Context) error {
	if h.Path == "" {
		h.Path = defaultPath
	}
	if err := checkPath(h.Path); err != nil {
		return err
	}
	app, err := ctx.App("api_gateway")
	if err != nil {
		return err
	}
	h.app = app.(*gateway.App)
	return nil
}

// canonical is a path that can be read in one way only.
var canonical = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

func checkPath(path string) error {
	if !canonical.MatchString(path) {
		return fmt.Errorf("api_health takes a canonical path such as %s, not %q", defaultPath, path)
	}
	return nil
}

const (
	allowed = "GET, HEAD"
	ready   = "ready\n"
)

// ServeHTTP answers at its path, and hands on everything else.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.URL.Path != h.Path {
		return next.ServeHTTP(w, r)
	}
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return problem.New(problem.MethodNotAllowed, "").WithHeader("Allow", allowed).Write(w, r)
	case !h.app.Healthy(ends(r)):
		return problem.New(problem.NotServing, "").Write(w, r)
	}
	header := w.Header()
	header["Cache-Control"] = []string{"no-store"}
	header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	header["X-Content-Type-Options"] = []string{"nosniff"}
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(w, ready)
	return err
}

// ends says whether the server that a request came to is about to stop, which Caddy tells by a placeholder.
func ends(r *http.Request) bool {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return false
	}
	stopping, _ := repl.Get("http.shutting_down")
	is, _ := stopping.(bool)
	return is
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
