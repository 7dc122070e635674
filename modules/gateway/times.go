package gateway

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// timeMetrics say how long requests take, and where. The labels are bounded: APIs, versions and routes are the
// catalogue's, stages and classes of statuses closed sets. Each histogram is a native one, and has a few classic buckets
// for a Prometheus that does not scrape native ones.
type timeMetrics struct {
	requests *prometheus.HistogramVec
	stages   *prometheus.HistogramVec

	// Looking an observer up by its labels costs more than observing: those of stages are remembered. A catalogue has few.
	known atomic.Pointer[map[part]prometheus.Observer]
	mu    sync.Mutex // of whoever makes a new one
}

// part is a part of the requests to an API.
type part struct {
	api, stage string
	back       bool
}

func newTimeMetrics(name func(name, help string) prometheus.Opts) *timeMetrics {
	histogram := func(opts prometheus.Opts, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: opts.Namespace, Subsystem: opts.Subsystem, Name: opts.Name, Help: opts.Help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, labels)
	}
	m := &timeMetrics{
		requests: histogram(name("request_duration_seconds",
			"How long requests to an API of the catalogue take, from their arrival to the end of the answer, by API, caller's version, route and class of the answer's status: 2xx, 4xx, … A request that matched no route has none."),
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}, "api", "version", "route", "class"),
		stages: histogram(name("stage_duration_seconds",
			"How long the parts of requests take, by API, stage and way: up, or back with the answer. What the upstream takes until its answer begins is the stage upstream, and what callers take to send bodies and to read answers the stages body and answer."),
			[]float64{.00001, .0001, .001, .01, .1, 1, 10}, "api", "stage", "way"),
	}
	m.known.Store(&map[part]prometheus.Observer{})
	return m
}

func (m *timeMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.stages}
}

// classes are those of statuses, by their hundreds.
var classes = [...]string{1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

// took observes a request that has been answered, of which a status of 0 means that its caller has left.
func (m *timeMetrics) took(x *exchange.Exchange, status int) {
	if x.API == "" {
		return
	}
	class := "none"
	if h := status / 100; h > 0 && h < len(classes) {
		class = classes[h]
	}
	m.requests.WithLabelValues(x.API, x.Version, x.Route, class).Observe(x.Times.Elapsed().Seconds())
	known := *m.known.Load()
	for _, lap := range x.Times.Laps() {
		key := part{x.API, lap.Name, lap.Back}
		o := known[key]
		if o == nil {
			o = m.learn(key)
		}
		o.Observe(lap.Took.Seconds())
	}
}

// learn remembers the observer of a part. The map of all is copied for that, which happens once for each.
func (m *timeMetrics) learn(key part) prometheus.Observer {
	m.mu.Lock()
	defer m.mu.Unlock()
	grown := maps.Clone(*m.known.Load())
	way := "up"
	if key.back {
		way = "back"
	}
	o := m.stages.WithLabelValues(key.api, key.stage, way)
	grown[key] = o
	m.known.Store(&grown)
	return o
}
