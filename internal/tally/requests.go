package tally

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus" // what serves metrics in Caddy

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/histogram"
)

// Requests says how many requests there were, how long they took, and where. The labels are bounded: APIs, versions and
// routes are the catalogue's, stages and classes of statuses closed sets. Each histogram is a native one, and has a few
// classic buckets for a Prometheus that does not scrape native ones. It implements prometheus.Collector.
type Requests struct {
	*counter[request]
	served *prometheus.CounterVec
	took   *histogram.Vec[answered]
	stages *histogram.Vec[part]

	kinds map[route]*kind // of requests, by who counts
	last  *kind           // which the next is likely to be of, too
}

// request is what is counted of one.
type request struct {
	route
	forwarded bool
	class     uint8
	took      time.Duration
	n         int
	laps      [exchange.MaxLaps]exchange.Lap
}

// route is what requests come for.
type route struct{ api, version, route string }

// answered is what is told apart of requests that are timed.
type answered struct {
	route
	class string
}

// part is a part of the requests to an API.
type part struct {
	api, stage string
	back       bool
}

// kind are the requests of a route, with what counts them as far as there was anything to count.
type kind struct {
	route
	served [2]prometheus.Counter // those that were not forwarded, and those that were
	took   [len(classes)]*histogram.Histogram
	laps   [exchange.MaxLaps]struct { // as the last request had them, since the next is likely to have the same
		name string
		back bool
		took *histogram.Histogram
	}
}

// classes are those of statuses, by their hundreds.
var classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// NewRequests makes the metrics of requests; name gives the names of all that are.
func NewRequests(name func(name, help string) prometheus.Opts) *Requests {
	served := name("requests_total",
		"Requests to an API of the catalogue, by API, caller's version and whether they reached the upstream.")
	took := name("request_duration_seconds",
		"How long requests to an API of the catalogue take, from their arrival to the end of the answer, by API, caller's version, route and class of the answer's status: 2xx, 4xx, … A request that matched no route has none.")
	stages := name("stage_duration_seconds",
		"How long the parts of requests take, by API, stage and way: up, or back with the answer. What the upstream takes until its answer begins is the stage upstream, and what callers take to send bodies and to read answers the stages body and answer.")
	full := func(opts prometheus.Opts) string {
		return prometheus.BuildFQName(opts.Namespace, opts.Subsystem, opts.Name)
	}
	const ms = time.Millisecond
	r := &Requests{
		served: prometheus.NewCounterVec(prometheus.CounterOpts(served), []string{"api", "version", "forwarded"}),
		took: histogram.NewVec(full(took), took.Help,
			[]time.Duration{ms, 2500 * time.Microsecond, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, time.Second, 2500 * ms, 10 * time.Second},
			func(a answered) []string { return []string{a.api, a.version, a.route.route, a.class} }, "api", "version", "route", "class"),
		stages: histogram.NewVec(full(stages), stages.Help,
			[]time.Duration{10 * time.Microsecond, 100 * time.Microsecond, ms, 10 * ms, 100 * ms, time.Second, 10 * time.Second},
			func(p part) []string {
				way := "up"
				if p.back {
					way = "back"
				}
				return []string{p.api, p.stage, way}
			}, "api", "stage", "way"),
		kinds: make(map[route]*kind),
	}
	r.counter = newCounter(r.count)
	return r
}

// Served counts a request that has ended, of which a status of 0 means that its caller has left. One that came to no API is
// not timed.
func (r *Requests) Served(x *exchange.Exchange, status int, forwarded bool) {
	r.add(func(q *request) {
		q.route, q.forwarded, q.took = route{x.API, x.Version, x.Route}, forwarded, x.Times.Elapsed()
		if q.class = 0; status >= 100 && status < 600 {
			q.class = uint8(status / 100)
		}
		q.n = copy(q.laps[:], x.Times.Laps())
	})
}

// count counts one.
func (r *Requests) count(q *request) {
	k := r.last
	if k == nil || k.route != q.route {
		if k = r.kinds[q.route]; k == nil {
			k = &kind{route: q.route}
			r.kinds[q.route] = k
		}
		r.last = k
	}
	forwarded := 0
	if q.forwarded {
		forwarded = 1
	}
	if k.served[forwarded] == nil {
		k.served[forwarded] = r.served.WithLabelValues(q.api, q.version, strconv.FormatBool(q.forwarded))
	}
	k.served[forwarded].Inc()
	if q.api == "" {
		return
	}
	if k.took[q.class] == nil {
		k.took[q.class] = r.took.Of(answered{q.route, classes[q.class]})
	}
	k.took[q.class].Observe(q.took)
	for i := range q.laps[:q.n] {
		l, of := &q.laps[i], &k.laps[i]
		if of.took == nil || of.name != l.Name || of.back != l.Back {
			of.name, of.back, of.took = l.Name, l.Back, r.stages.Of(part{q.api, l.Name, l.Back})
		}
		of.took.Observe(l.Took)
	}
}

// Describe implements prometheus.Collector.
func (r *Requests) Describe(to chan<- *prometheus.Desc) {
	r.served.Describe(to)
	r.took.Describe(to)
	r.stages.Describe(to)
}

// Collect implements prometheus.Collector. All requests that Served was told of are in it.
func (r *Requests) Collect(to chan<- prometheus.Metric) {
	r.all()
	r.served.Collect(to)
	r.took.Collect(to)
	r.stages.Collect(to)
}
