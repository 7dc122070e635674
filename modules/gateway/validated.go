package gateway

import (
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// validated counts and logs what validation of a request to the catalogue's APIs would have refused, had report_only not
// let it pass.
func (a *App) validated(x *exchange.Exchange, prob *problem.Problem) {
	a.metrics.reports.WithLabelValues(x.API, slug(prob)).Inc()
	a.logger.Warn("request would have been refused", zap.String("id", x.ID), zap.String("api", x.API), zap.String("version", x.Version),
		zap.String("route", x.Route), zap.Error(prob), zap.Reflect("problem", prob))
}
