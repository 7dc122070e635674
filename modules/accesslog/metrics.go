package accesslog

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/accesslog"
)

// metrics count what becomes of lines. There is one set in the process, registered anew with each configuration's registry, so
// that a reload of Caddy loses no count.
type metrics struct {
	written, lost prometheus.Counter

	mu   sync.Mutex
	told time.Time // when lost lines were last logged
}

var lines = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy", Subsystem: "api_gateway", Name: "access_log_lines_total",
	Help: "Lines of api_access_log by what became of them: written, or lost, since what writes them was slow or failed.",
}, []string{"result"})

var theMetrics = &metrics{written: lines.WithLabelValues("written"), lost: lines.WithLabelValues("lost")}

func registerMetrics(registry *prometheus.Registry) (*metrics, error) {
	if err := registry.Register(lines); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return theMetrics, nil
}

// Written implements accesslog.Meter.
func (m *metrics) Written(n int) { m.written.Add(float64(n)) }

// quiet is how long lost lines are not logged again: what fails would fill the log that tells of it.
const quiet = 10 * time.Second

// Lost implements accesslog.Meter. The log outlives the configuration that began it, so it tells Caddy's own.
func (m *metrics) Lost(n int, why error) {
	m.lost.Add(float64(n))
	m.mu.Lock()
	now := time.Now()
	again := now.Sub(m.told) < quiet
	if !again {
		m.told = now
	}
	m.mu.Unlock()
	if !again {
		caddy.Log().Named("api_gateway.access_log").Error("losing lines of the access log", zap.Error(why))
	}
}

// Interface guards
var _ accesslog.Meter = (*metrics)(nil)
