package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(admin{})
}

// admin is the gateway's part of Caddy's admin API, below /api_gateway/.
type admin struct{}

// CaddyModule returns the Caddy module information.
func (admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.api_gateway",
		New: func() caddy.Module { return new(admin) },
	}
}

// Routes are the routes of the admin API that the gateway answers.
func (a *admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/api_gateway/status", Handler: caddy.AdminHandlerFunc(a.status)},
		{Pattern: "/api_gateway/reload", Handler: caddy.AdminHandlerFunc(a.reload)},
		{Pattern: "/api_gateway/shadow", Handler: caddy.AdminHandlerFunc(a.shadow)},
		{Pattern: "/api_gateway/explain", Handler: caddy.AdminHandlerFunc(a.explain)},
		{Pattern: "/api_gateway/drift", Handler: caddy.AdminHandlerFunc(a.drift)},
		{Pattern: "/api_gateway/usage", Handler: caddy.AdminHandlerFunc(a.usage)},
		{Pattern: "/api_gateway/webhooks", Handler: caddy.AdminHandlerFunc(a.events)},
		{Pattern: "/api_gateway/webhooks/", Handler: caddy.AdminHandlerFunc(a.events)},
	}
}

// status answers what is in force, and what is wrong with what lies in the files.
func (a *admin) status(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("method not allowed")}
	}
	app, err := running()
	if err != nil {
		return err
	}
	return tell(w, app)
}

// reload loads the files now, whether or not they are being watched, and answers the status after it.
func (a *admin) reload(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("method not allowed")}
	}
	app, err := running()
	if err != nil {
		return err
	}
	app.Reload()
	return tell(w, app)
}

func running() (*App, error) {
	app, err := caddy.ActiveContext().AppIfConfigured("api_gateway")
	if err != nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusNotFound, Err: fmt.Errorf("the api_gateway app is not configured")}
	}
	return app.(*App), nil
}

func tell(w http.ResponseWriter, app *App) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(app.Status())
}

// Interface guards
var _ caddy.AdminRouter = (*admin)(nil)
