package limit

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// forgotten counts the keys that counters no longer in use had to forget.
var forgotten atomic.Uint64

// memoryMetrics tell of all counters in memory that are in use: one, save while a reload puts another in its place.
var memoryMetrics = func() []prometheus.Collector {
	sum := func(of func(pooled) float64) func() float64 {
		return func() float64 {
			total := 0.0
			memories.Range(func(_, value any) bool {
				total += of(value.(pooled))
				return true
			})
			return total
		}
	}
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "caddy", Subsystem: "api_gateway", Name: name, Help: help}
	}
	inUse := sum(func(m pooled) float64 { return float64(m.Forgotten()) })
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts(name("counters_keys", "Keys of limits that are counted in memory.")),
			sum(func(m pooled) float64 { return float64(m.Keys()) })),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts(name("counters_held_keys", "Keys of limits in memory that have requests under way under a bound on these.")),
			sum(func(m pooled) float64 { return float64(m.Held()) })),
		prometheus.NewCounterFunc(prometheus.CounterOpts(name("counters_forgotten_total", "Keys of limits that lost what they had used because memory had no room for more. It grows where the bound is too small, or somebody makes up keys.")),
			func() float64 { return float64(forgotten.Load()) + inUse() }),
	}
}()

func registerMemoryMetrics(registry *prometheus.Registry) error {
	for _, c := range memoryMetrics {
		if err := registry.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}
