package decisionlog

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/decisionlog"
)

// metrics count what becomes of decisions. There is one set in the process, registered anew with each configuration's
// registry, so that a reload of Caddy loses no count.
type metrics struct {
	events  *prometheus.CounterVec
	refused prometheus.Counter
	uploads *prometheus.CounterVec
	spooled prometheus.Gauge

	mu   sync.Mutex
	told map[string]time.Time // when a failure was last logged, by what failed
}

var theMetrics = func() *metrics {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "caddy", Subsystem: "api_gateway", Name: name, Help: help}
	}
	return &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts(name("decision_log_events_total",
			"Decisions by what became of them: logged, or why they are in no log: full, failed, rejected, corrupt.")), []string{"result"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts(name("decision_log_refusals_total",
			"Requests that ended because their decision could not be logged."))),
		uploads: prometheus.NewCounterVec(prometheus.CounterOpts(name("decision_log_uploads_total",
			"Attempts to send a chunk of decisions, by result: success, failure, rejected.")), []string{"result"}),
		spooled: prometheus.NewGauge(prometheus.GaugeOpts(name("decision_log_spool_bytes",
			"How many bytes of decisions wait on the disk to be sent."))),
		told: map[string]time.Time{},
	}
}()

func registerMetrics(registry *prometheus.Registry) (*metrics, error) {
	m := theMetrics
	for _, c := range []prometheus.Collector{m.events, m.refused, m.uploads, m.spooled} {
		if err := registry.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

// Logged implements decisionlog.Meter.
func (m *metrics) Logged(n int) { m.events.WithLabelValues("logged").Add(float64(n)) }

// Lost implements decisionlog.Meter.
func (m *metrics) Lost(n int, reason string) { m.events.WithLabelValues(reason).Add(float64(n)) }

// Refused implements decisionlog.Meter.
func (m *metrics) Refused() { m.refused.Inc() }

// Uploaded implements decisionlog.Meter.
func (m *metrics) Uploaded(result string) { m.uploads.WithLabelValues(result).Inc() }

// Spooled implements decisionlog.Meter.
func (m *metrics) Spooled(bytes int64) { m.spooled.Set(float64(bytes)) }

const (
	// quiet is how long the same failure is not logged again: one that lasts would fill the log that tells of it.
	quiet = 10 * time.Second
	// mostTold bounds what is remembered of failures.
	mostTold = 100
)

// Failed implements decisionlog.Meter. The log outlives the configuration that began it, so it tells Caddy's own.
func (m *metrics) Failed(doing string, err error) {
	m.mu.Lock()
	now := time.Now()
	last, again := m.told[doing]
	if again = again && now.Sub(last) < quiet; !again {
		if len(m.told) >= mostTold {
			clear(m.told)
		}
		m.told[doing] = now
	}
	m.mu.Unlock()
	if !again {
		caddy.Log().Named("api_gateway.decision_log").Error(doing, zap.Error(err))
	}
}

// Interface guards
var _ decisionlog.Meter = (*metrics)(nil)
