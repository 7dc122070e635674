// Package console faces Caddy for the operator's page: the directive api_console.
package console

import (
	"errors"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/console"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// defaultPath is where the console is unless the configuration says otherwise.
const defaultPath = "/console"

// Handler serves the console, a page for operators: traffic, versions and who calls them, refused requests with why, what
// is in force and how it stands, events of webhooks, and the APIs' documentation with requests to try. It does not load
// where anybody could reach it who has not said who they are, unless its site listens on loopback alone.
type Handler struct {
	// Where the page is, a canonical path; what is below it belongs to the console. Default: /console.
	Path string `json:"path,omitempty"`

	app      *gateway.App
	opened   bool
	logger   *zap.Logger
	open     bool // nobody is asked who they are: only this machine may be answered
	usage    console.Usage
	stopping chan struct{} // is closed when the server is about to end
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_console",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision checks who may come to the console, and has what it shows kept.
func (h *Handler) Provision(ctx caddy.Context) error {
	if h.Path == "" {
		h.Path = defaultPath
	}
	if !canonical(h.Path) {
		return errors.New("api_console: path is one such as /console")
	}
	h.logger, h.stopping = ctx.Logger(), make(chan struct{})
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return errors.New("api_console: it is part of no server")
	}
	guarded, err := guarded(server)
	if err != nil {
		return err
	}
	h.open = !guarded
	server.RegisterOnShutdown(func() { close(h.stopping) })
	app, err := ctx.App("api_gateway")
	if err != nil {
		return err
	}
	h.app = app.(*gateway.App)
	if err := h.app.OpenConsole(); err != nil {
		return err
	}
	h.opened = true
	return nil
}

// Cleanup lets go of what the console shows.
func (h *Handler) Cleanup() error {
	if !h.opened {
		return nil
	}
	return h.app.CloseConsole()
}

// canonical says whether a path is one in the form in which requests are compared with it.
func canonical(p string) bool {
	return strings.HasPrefix(p, "/") && path.Clean(p) == p && !strings.ContainsAny(p, "*{}%\\?# ")
}

// ServeHTTP answers what is below the console's path.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	name, ok := strings.CutPrefix(r.URL.Path, strings.TrimSuffix(h.Path, "/"))
	switch {
	case !ok || name != "" && name[0] != '/':
		return next.ServeHTTP(w, r)
	case h.open && !local(r):
		return answer(w, r, problem.New(problem.Misdirected, "the console answers this machine alone"))
	case name == "":
		// To the last element of the path and not to all of it: directives before this one may have taken off others.
		w.Header().Set("Location", path.Base(h.Path)+"/")
		w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
	gateway.Shown(r) // where a stage stands before the page
	protect(w.Header())
	if of, data := strings.CutPrefix(name, "/api/"); data {
		return h.data(w, r, of)
	}
	if prob := serveAsset(w, r, name); prob != nil {
		return answer(w, r, prob)
	}
	return nil
}

// protect puts the fields on an answer that keep a page from doing, and others from doing with it, what it is not for.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

// local says whether a request comes from this machine, with a host that is this machine's: that of a page of somebody
// else's is another, even where its name leads here. What came through a proxy comes from wherever.
func local(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header[name] != nil {
			return false
		}
	}
	return console.Loopback(r.Host) && (console.Loopback(r.RemoteAddr) || strings.HasPrefix(r.RemoteAddr, "@") || r.RemoteAddr == "")
}

// answer answers a problem.
func answer(w http.ResponseWriter, r *http.Request, prob *problem.Problem) error {
	return prob.Write(w, r)
}

// longest bounds how long what reads a file or asks the ledger may take: 10 s.
const longest = 10 * time.Second

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
