package stage

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// metrics count what stages that stand alone refuse. There is one set in the process, registered anew with each
// configuration's registry, so that a reload of Caddy loses no count. The labels are bounded: stages and problem types
// are closed tables.
type metrics struct {
	problems *prometheus.CounterVec
	reports  *prometheus.CounterVec
}

var theMetrics = func() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "caddy", Subsystem: "api_gateway", Name: name, Help: help}, labels)
	}
	return &metrics{
		problems: counter("stage_denials_total", "Requests that a stage standing alone in a Caddyfile ended, by stage and problem type.", "stage", "problem"),
		reports:  counter("stage_reports_total", "Problems that a stage with report_only found and let pass, by problem type.", "problem"),
	}
}()

func registerMetrics(registry *prometheus.Registry) (*metrics, error) {
	m := theMetrics
	for _, c := range []prometheus.Collector{m.problems, m.reports} {
		if err := registry.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) refused(x *exchange.Exchange, prob *problem.Problem) {
	m.problems.WithLabelValues(x.Ended, prob.Type.Slug()).Inc()
}

func (m *metrics) reported(prob *problem.Problem) {
	m.reports.WithLabelValues(prob.Type.Slug()).Inc()
}
