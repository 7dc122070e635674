package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/histogram"
)

// timeMetrics say how long requests take, and where. The labels are bounded: APIs, versions and routes are the
// catalogue's, stages and classes of statuses closed sets. Each histogram is a native one, and has a few classic buckets
// for a Prometheus that does not scrape native ones.
type timeMetrics struct {
	requests *histogram.Vec[requested]
	stages   *histogram.Vec[part]
}

// requested is what is told apart of requests.
type requested struct{ api, version, route, class string }

// part is a part of the requests to an API.
type part struct {
	api, stage string
	back       bool
}

func newTimeMetrics(name func(name, help string) prometheus.Opts) *timeMetrics {
	requests := name("request_duration_seconds",
		"How long requests to an API of the catalogue take, from their arrival to the end of the answer, by API, caller's version, route and class of the answer's status: 2xx, 4xx, … A request that matched no route has none.")
	stages := name("stage_duration_seconds",
		"How long the parts of requests take, by API, stage and way: up, or back with the answer. What the upstream takes until its answer begins is the stage upstream, and what callers take to send bodies and to read answers the stages body and answer.")
	full := func(opts prometheus.Opts) string {
		return prometheus.BuildFQName(opts.Namespace, opts.Subsystem, opts.Name)
	}
	const ms = time.Millisecond
	return &timeMetrics{
		requests: histogram.NewVec(full(requests), requests.Help,
			[]time.Duration{ms, 2500 * time.Microsecond, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, time.Second, 2500 * ms, 10 * time.Second},
			func(r requested) []string { return []string{r.api, r.version, r.route, r.class} }, "api", "version", "route", "class"),
		stages: histogram.NewVec(full(stages), stages.Help,
			[]time.Duration{10 * time.Microsecond, 100 * time.Microsecond, ms, 10 * ms, 100 * ms, time.Second, 10 * time.Second},
			func(p part) []string {
				way := "up"
				if p.back {
					way = "back"
				}
				return []string{p.api, p.stage, way}
			}, "api", "stage", "way"),
	}
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
	m.requests.Of(requested{x.API, x.Version, x.Route, class}).Observe(x.Times.Elapsed())
	for _, lap := range x.Times.Laps() {
		m.stages.Of(part{x.API, lap.Name, lap.Back}).Observe(lap.Took)
	}
}
