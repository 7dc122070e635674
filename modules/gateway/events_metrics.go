package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wicketgate/wicketgate/internal/ledger"
)

// counting bounds how long a scrape waits for the ledger, and how long what it said is told again: 2 s, 5 s.
const (
	counting = 2 * time.Second
	counted  = 5 * time.Second
)

// eventsMetrics tell what became of webhooks' events, and what waits, by webhook, over reloads of Caddy.
type eventsMetrics struct {
	attempts, dead, waiting, oldest, letters, ready *prometheus.Desc

	mu     sync.Mutex
	open   map[*events]bool
	asked  time.Time
	latest map[string]*ledger.Backlog
}

func newEventsMetrics(name func(name, help string) prometheus.Opts) *eventsMetrics {
	desc := func(what, help string, labels ...string) *prometheus.Desc {
		o := name(what, help)
		return prometheus.NewDesc(prometheus.BuildFQName(o.Namespace, o.Subsystem, o.Name), o.Help, labels, nil)
	}
	return &eventsMetrics{
		open:     map[*events]bool{},
		attempts: desc("webhook_attempts_total", "Attempts to deliver an event, by webhook and result: taken, refused or unreachable.", "webhook", "result"),
		dead:     desc("webhook_dead_letters_total", "Events that were not delivered in time and became dead letters, by webhook.", "webhook"),
		waiting:  desc("webhook_backlog", "Events that came and are not delivered yet, by webhook.", "webhook"),
		oldest:   desc("webhook_oldest_seconds", "How long the oldest event has waited that is not delivered yet, by webhook.", "webhook"),
		ready:    desc("ledger_ready", "1 while the ledger is open, otherwise 0: webhooks and requests with idempotency keys are answered 503 then. There is none where no ledger is needed."),
		letters:  desc("webhook_dead_letters_kept", "Dead letters that are in the ledger, by webhook.", "webhook"),
	}
}

// Describe implements prometheus.Collector.
func (m *eventsMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.attempts, m.dead, m.waiting, m.oldest, m.letters, m.ready} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *eventsMetrics) Collect(to chan<- prometheus.Metric) {
	for _, name := range m.names() {
		c := deliveries.Of(name)
		for result, n := range map[string]uint64{"taken": c.Taken, "refused": c.Refused, "unreachable": c.Unreachable} {
			to <- prometheus.MustNewConstMetric(m.attempts, prometheus.CounterValue, float64(n), name, result)
		}
		to <- prometheus.MustNewConstMetric(m.dead, prometheus.CounterValue, float64(c.Dead), name)
	}
	if ready, known := m.opened(); known {
		to <- prometheus.MustNewConstMetric(m.ready, prometheus.GaugeValue, ready)
	}
	for name, b := range m.backlogs() {
		to <- prometheus.MustNewConstMetric(m.waiting, prometheus.GaugeValue, float64(b.Events), name)
		to <- prometheus.MustNewConstMetric(m.oldest, prometheus.GaugeValue, b.Oldest.Seconds(), name)
		to <- prometheus.MustNewConstMetric(m.letters, prometheus.GaugeValue, float64(b.Dead), name)
	}
}

// names are those of the webhooks that events were delivered for, or are to be.
func (m *eventsMetrics) names() []string {
	names := deliveries.Webhooks()
	m.mu.Lock()
	defer m.mu.Unlock()
	for e := range m.open {
		names = append(names, e.desk.Webhooks()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// opened says whether all ledgers are open that run.
func (m *eventsMetrics) opened() (ready float64, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ready = 1
	for e := range m.open {
		if e.Ready() != nil {
			ready = 0
		}
	}
	return ready, len(m.open) > 0
}

// backlogs asks the ledgers that are open, unless it did a moment ago.
func (m *eventsMetrics) backlogs() map[string]*ledger.Backlog {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.asked) < counted {
		return m.latest
	}
	all := map[string]*ledger.Backlog{}
	ctx, cancel := context.WithTimeout(context.Background(), counting)
	defer cancel()
	for e := range m.open {
		s, err := e.Session()
		if err != nil {
			continue
		}
		some, err := s.Backlogs(ctx)
		if err != nil {
			continue
		}
		for name, b := range some {
			all[name] = b
		}
		for _, name := range e.desk.Webhooks() { // of which nothing waits
			if all[name] == nil {
				all[name] = &ledger.Backlog{}
			}
		}
	}
	m.latest, m.asked = all, time.Now()
	return all
}

// runs says that a ledger runs from now on, or no longer.
func (m *eventsMetrics) runs(e *events, does bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = time.Time{}
	if does {
		m.open[e] = true
		return
	}
	delete(m.open, e)
}

// Interface guards
var _ prometheus.Collector = (*eventsMetrics)(nil)
