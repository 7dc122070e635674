package limit

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/limit/shared"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// started are the counters of the configurations that have been started, the newest last. There is more than one while a
// configuration takes the place of another, and if it fails in that, the other one's is still there.
var started struct {
	sync.Mutex
	all []*shared.Counter
}

// start has the counter be the newest.
func start(c *shared.Counter) {
	end(c)
	started.Lock()
	defer started.Unlock()
	started.all = append(started.all, c)
}

func end(c *shared.Counter) {
	started.Lock()
	defer started.Unlock()
	started.all = slices.DeleteFunc(started.all, func(other *shared.Counter) bool { return other == c })
}

// newest is what the newest configuration that serves counts with; nil where that is not Redis.
func newest() *shared.Counter {
	started.Lock()
	defer started.Unlock()
	if n := len(started.all); n > 0 {
		return started.all[n-1]
	}
	return nil
}

// Start begins to keep in touch with Redis. One that is away keeps nothing from starting.
func (r *Redis) Start() {
	start(r.counter)
	r.counter.Start(r.report)
}

// Board implements gateway.SharedCounterSource.
func (r *Redis) Board() (usage.Board, func()) {
	kept, _ := redises.LoadOrStore(r.key, connected{r.counter})
	return kept.(connected).Counter, func() {
		if _, err := redises.Delete(r.key); err != nil {
			r.logger.Error("taking leave of Redis", zap.Error(err))
		}
	}
}

// report tells the log of a change of the mode.
func (r *Redis) report(c shared.Change) {
	if c.Away {
		r.logger.Error("Redis does not count, so that quotas are kept as on_error says", zap.String("on_error", r.OnError), zap.Error(c.Err))
		return
	}
	r.logger.Info("Redis counts again", zap.Duration("after", c.Took))
}

// Status says how it stands with Redis.
func (r *Redis) Status() *status.Counters {
	s := r.counter.Status()
	reachable := s.Mode == shared.Shared
	told := &status.Counters{Engine: "redis", Mode: s.Mode.String(), Reachable: &reachable, Since: &s.Since, Gateways: s.Nodes}
	if s.Err != nil {
		told.Error = s.Err.Error()
	}
	return told
}

// redisCounts count for the whole process, so that a reload of Caddy loses none.
var redisCounts = &shared.Counts{}

// redisMode tells metrics which mode is on. It tells nothing where Redis is not what counts.
type redisMode struct{ mode, gateways *prometheus.Desc }

// Describe implements prometheus.Collector.
func (m redisMode) Describe(all chan<- *prometheus.Desc) {
	all <- m.mode
	all <- m.gateways
}

// Collect implements prometheus.Collector.
func (m redisMode) Collect(all chan<- prometheus.Metric) {
	c := newest()
	if c == nil {
		return
	}
	s := c.Status()
	for mode := shared.Shared; mode <= shared.Allow; mode++ {
		on := 0.0
		if s.Mode == mode {
			on = 1
		}
		all <- prometheus.MustNewConstMetric(m.mode, prometheus.GaugeValue, on, mode.String())
	}
	all <- prometheus.MustNewConstMetric(m.gateways, prometheus.GaugeValue, float64(s.Nodes))
}

var redisMetrics = func() []prometheus.Collector {
	name := func(name string) string { return prometheus.BuildFQName("caddy", "api_gateway", name) }
	all := []prometheus.Collector{redisMode{
		mode:     prometheus.NewDesc(name("counters_mode"), "1 for who counts requests against quotas: shared, which is Redis, or what on_error says while it is away: local, deny or allow; 0 for the others.", []string{"mode"}, nil),
		gateways: prometheus.NewDesc(name("counters_gateways"), "How many gateways share the quotas, as far as this one knows.", nil, nil),
	}}
	counter := func(of, help, label, value string, count func() float64) {
		all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: name(of), Help: help, ConstLabels: prometheus.Labels{label: value},
		}, count))
	}
	for mode := shared.Shared; mode <= shared.Allow; mode++ {
		counter("counters_takes_total", "Requests counted against quotas, by who counted them.", "mode", mode.String(),
			func() float64 { return float64(redisCounts.By(mode)) })
	}
	for reason := shared.Slow; reason <= shared.Refusing; reason++ {
		counter("counters_failures_total", "How often Redis did not count: no answer in time, no connection, or an error for an answer.", "reason", reason.String(),
			func() float64 { return float64(redisCounts.Failures(reason)) })
	}
	return all
}()

func registerRedisMetrics(registry *prometheus.Registry) error {
	for _, c := range redisMetrics {
		if err := registry.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}
