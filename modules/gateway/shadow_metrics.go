package gateway

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wicketgate/wicketgate/internal/shadow"
)

// shadowMetrics count what became of decisions in the shadow. The labels are bounded: queries are the configuration's,
// results and rules closed tables, and of reasons maxReasons are told apart.
type shadowMetrics struct {
	decisions *prometheus.CounterVec
	rules     *prometheus.CounterVec
	reasons   *prometheus.CounterVec

	mu    sync.Mutex
	known map[string]struct{} // reasons told apart; bound: maxReasons
}

// maxReasons is how many codes of reasons are told apart in metrics; the rest counts as "other". Policies choose codes, and
// one that makes them of the request would fill the memory.
const maxReasons = 200

func newShadowMetrics(name func(name, help string) prometheus.Opts) *shadowMetrics {
	return &shadowMetrics{
		known: map[string]struct{}{},
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts(name("shadow_decisions_total",
			"Decisions that a candidate, or a policy that only reports, had to make beside those in force, by query and what became of them.")), []string{"query", "result"}),
		rules: prometheus.NewCounterVec(prometheus.CounterOpts(name("shadow_differences_total",
			"Decisions in which a candidate differs, by query and key of the answer.")), []string{"query", "rule"}),
		reasons: prometheus.NewCounterVec(prometheus.CounterOpts(name("shadow_reasons_total",
			"Decisions in which a candidate differs, by query and reason.")), []string{"query", "reason"}),
	}
}

func (m *shadowMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.decisions, m.rules, m.reasons}
}

func (m *shadowMetrics) counted(query string, became shadow.Result, rules, reasons []string) {
	m.decisions.WithLabelValues(query, string(became)).Inc()
	for _, r := range rules {
		m.rules.WithLabelValues(query, r).Inc()
	}
	for _, r := range reasons {
		m.reasons.WithLabelValues(query, m.reason(r)).Inc()
	}
}

func (m *shadowMetrics) reason(code string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.known[code]; !known {
		if len(m.known) >= maxReasons {
			return "other"
		}
		m.known[code] = struct{}{}
	}
	return code
}
