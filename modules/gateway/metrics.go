package gateway

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/tally"
)

// metrics are the gateway's own. There is one set in the process, registered anew with each configuration's registry,
// so that a reload of Caddy loses no count.
type metrics struct {
	requests *tally.Requests
	denials  *prometheus.CounterVec
	reports  *prometheus.CounterVec
	answers  *prometheus.CounterVec
	exceeded *prometheus.CounterVec
	used     *tally.Shares // of quotas
	unmet    *prometheus.CounterVec
	unknown  *prometheus.CounterVec // query parameters
	keyed    *prometheus.CounterVec
	loads    *prometheus.CounterVec
	failing  prometheus.Gauge
	last     prometheus.Gauge
	signing  prometheus.Gauge
	shadows  *shadowMetrics
	issuers  *issuerMetrics
	asked    *prometheus.CounterVec // introspection endpoints
	parties  *partyMetrics
	kept     usageMetric

	events *eventsMetrics

	decisions *policy.Counts
	decided   []prometheus.Collector // of decisions
}

var theMetrics = func() *metrics {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "caddy", Subsystem: "api_gateway", Name: name, Help: help}
	}
	m := &metrics{
		decisions: &policy.Counts{},

		requests: tally.NewRequests(name),
		denials: prometheus.NewCounterVec(prometheus.CounterOpts(name("denials_total",
			"Requests that a stage ended, and answers that broke off in one, by API, stage and problem type.")), []string{"api", "stage", "problem"}),
		reports: prometheus.NewCounterVec(prometheus.CounterOpts(name("validation_reports_total",
			"Problems that validation with report_only found and let pass, by API and problem type.")), []string{"api", "problem"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts(name("answers_checked_total",
			"Answers of services that are held against schemas, by API, which is empty for api_validate, and result: valid, drifted, or too_large, unread or broken where they were not.")), []string{"api", "result"}),
		exceeded: prometheus.NewCounterVec(prometheus.CounterOpts(name("limits_exceeded_total",
			"Requests that a limit refused, by the limit's name.")), []string{"limit"}),
		used: tally.NewShares(prometheus.HistogramOpts{
			Namespace: "caddy", Subsystem: "api_gateway", Name: "quota_used_ratio",
			Help:    "How much of a quota was used up, by its caller, once a request was counted or refused, by limit and quota: 1 is all of it.",
			Buckets: []float64{.1, .25, .5, .75, .9, .95, .99},
		}, "limit", "quota"),
		unmet: prometheus.NewCounterVec(prometheus.CounterOpts(name("rules_unmet_total",
			"Rules that a request did not meet, by API, caller's version, route and rule; the first three are empty for api_validate standing alone in a Caddyfile. Those that only report are counted, too.")), []string{"api", "version", "route", "rule"}),
		unknown: prometheus.NewCounterVec(prometheus.CounterOpts(name("unknown_query_total",
			"Requests with query parameters that their route does not declare and reports, by API and route.")), []string{"api", "route"}),
		keyed: prometheus.NewCounterVec(prometheus.CounterOpts(name("idempotency_total",
			"Requests with an idempotency key, by API and result. Of the first with a key: stored, not_kept (answered, but there was no room for the answer), released (not carried out) or lost (no answer is known). Of later ones: replayed, in_flight, mismatch (another request) or refused (there is no answer). Of either: over_share (the caller has too many keys) or unavailable, for want of the ledger.")), []string{"api", "result"}),
		loads: prometheus.NewCounterVec(prometheus.CounterOpts(name("loads_total",
			"Loads of catalogue, policies, schemas and keys, by result.")), []string{"result"}),
		failing: prometheus.NewGauge(prometheus.GaugeOpts(name("load_failing",
			"1 while the files have a mistake and the last good ones are in force, otherwise 0."))),
		last: prometheus.NewGauge(prometheus.GaugeOpts(name("last_load_timestamp_seconds",
			"When what is in force was loaded, in seconds since 1970."))),
		signing: prometheus.NewGauge(prometheus.GaugeOpts(name("signing_keys_failing",
			"1 while the signing keys cannot be had from the storage, or the next one not be stored there, and those in force stay, otherwise 0."))),
		shadows: newShadowMetrics(name),
		events:  newEventsMetrics(name),
		issuers: newIssuerMetrics(name),
		parties: newPartyMetrics(name),
		kept:    newUsageMetric(name),
		asked: prometheus.NewCounterVec(prometheus.CounterOpts(name("introspections_total",
			"What came of asking introspection endpoints for tokens: answered or failed.")), []string{"result"}),
	}
	decided := func(opts prometheus.Opts, labels prometheus.Labels, count func() uint64) {
		opts.ConstLabels = labels
		m.decided = append(m.decided, prometheus.NewCounterFunc(prometheus.CounterOpts(opts), func() float64 { return float64(count()) }))
	}
	decisions := name("decisions_total", "Decisions of policies: evaluated, or remembered from an equal request.")
	decided(decisions, prometheus.Labels{"by": "evaluation"}, m.decisions.Evaluations)
	decided(decisions, prometheus.Labels{"by": "memory"}, m.decisions.Hits)
	for _, b := range policy.Bypasses() {
		decided(name("decisions_not_remembered_total", "Decisions that were evaluated and could not be remembered, by reason."),
			prometheus.Labels{"reason": b.String()}, func() uint64 { return m.decisions.Bypassed(b) })
	}
	decided(name("decision_disagreements_total", "Remembered decisions that differed from a new one about an equal request; after the first, none are remembered until policies are loaded again."),
		nil, m.decisions.Disagreements)
	return m
}()

func registerMetrics(registry *prometheus.Registry) (*metrics, error) {
	m := theMetrics
	for _, c := range slices.Concat([]prometheus.Collector{m.requests, m.denials, m.reports, m.answers, m.exceeded, m.used, m.unmet, m.unknown, m.keyed, m.loads, m.failing, m.last, m.issuers, m.signing, m.asked, m.events, m.kept}, m.decided, m.shadows.collectors(), m.parties.collectors()) {
		if err := registry.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) loaded(ok bool) {
	if !ok {
		m.loads.WithLabelValues("failure").Inc()
		m.failing.Set(1)
		return
	}
	m.loads.WithLabelValues("success").Inc()
	m.failing.Set(0)
	m.last.SetToCurrentTime()
}

// served counts one request, of which a status of 0 means that its caller has left. The labels are bounded: APIs, versions
// and routes are the catalogue's, problems the table's.
func (m *metrics) served(x *exchange.Exchange, prob *problem.Problem, status int) {
	m.requests.Served(x, status, prob == x.Broken)
	if prob != nil {
		m.denials.WithLabelValues(x.API, x.Ended, prob.Type.Slug()).Inc()
	}
	if x.Unknown != nil {
		m.unknown.WithLabelValues(x.API, x.Route).Inc()
	}
	if x.Once != nil && x.Once.Result != "" {
		m.keyed.WithLabelValues(x.API, x.Once.Result).Inc()
	}
	m.limited(x)
	m.rules(x)
}

// rules counts the rules that a request did not meet, each once. APIs, versions, routes and rules are the configuration's.
func (m *metrics) rules(x *exchange.Exchange) {
	for _, name := range x.Unmet {
		m.unmet.WithLabelValues(x.API, x.Version, x.Route, name).Inc()
	}
	x.Unmet = nil
}

// limited counts a request that limits refused. Their names are the configuration's.
func (m *metrics) limited(x *exchange.Exchange) {
	for _, name := range x.Exceeded {
		m.exceeded.WithLabelValues(name).Inc()
	}
}
