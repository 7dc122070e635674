package gateway

import "github.com/prometheus/client_golang/prometheus"

// deliveryMetrics tell what became of webhooks' events, by webhook, over reloads of Caddy.
type deliveryMetrics struct{ attempts, dead *prometheus.Desc }

func newDeliveryMetrics(name func(name, help string) prometheus.Opts) deliveryMetrics {
	desc := func(what, help string, labels ...string) *prometheus.Desc {
		o := name(what, help)
		return prometheus.NewDesc(prometheus.BuildFQName(o.Namespace, o.Subsystem, o.Name), o.Help, labels, nil)
	}
	return deliveryMetrics{
		attempts: desc("webhook_attempts_total", "Attempts to deliver an event, by webhook and result: taken, refused or unreachable.", "webhook", "result"),
		dead:     desc("webhook_dead_letters_total", "Events that were not delivered in time and became dead letters, by webhook.", "webhook"),
	}
}

// Describe implements prometheus.Collector.
func (m deliveryMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.attempts
	to <- m.dead
}

// Collect implements prometheus.Collector. The webhooks are the configuration's.
func (m deliveryMetrics) Collect(to chan<- prometheus.Metric) {
	for _, webhook := range deliveries.Webhooks() {
		c := deliveries.Of(webhook)
		for result, n := range map[string]uint64{"taken": c.Taken, "refused": c.Refused, "unreachable": c.Unreachable} {
			to <- prometheus.MustNewConstMetric(m.attempts, prometheus.CounterValue, float64(n), webhook, result)
		}
		to <- prometheus.MustNewConstMetric(m.dead, prometheus.CounterValue, float64(c.Dead), webhook)
	}
}

// Interface guards
var _ prometheus.Collector = deliveryMetrics{}
