package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/drift"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// validated counts and logs what validation of a request to the catalogue's APIs would have refused, had report_only not
// let it pass.
func (a *App) validated(x *exchange.Exchange, prob *problem.Problem) {
	a.metrics.reports.WithLabelValues(x.API, prob.Type.Slug()).Inc()
	a.logger.Warn("request would have been refused", zap.String("id", x.ID), zap.String("api", x.API), zap.String("version", x.Version),
		zap.String("route", x.Route), zap.Error(prob), zap.Reflect("problem", prob))
}

// answered counts an answer that was held against schemas, or was to be.
func (m *metrics) answered(api string, became drift.Result) {
	m.answers.WithLabelValues(api, string(became)).Inc()
}

// Drift gives what is kept of a route whose answers are held against schemas.
func (l *Load) Drift(k drift.Key) *drift.Route { return l.app.drift.Route(k) }

// drift answers what services send that their APIs do not say.
func (a *admin) drift(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("method not allowed")}
	}
	app, err := running()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(app.drift.Report())
}
