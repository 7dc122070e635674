package policy

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/bundle"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// Start begins to look for new bundles.
func (b *Bundle) Start(take func(*policy.Snapshot) error) (err error) {
	s := b.feed.Status()
	b.inForce, b.none = s.Revision, s.Waiting
	b.told = gateway.NewAnnouncer()
	b.told.Start(b.ctx)
	if !b.beside && s.Activated != nil {
		b.metrics.last.at.Store(s.Activated)
	}
	if s.FromDisk {
		b.logger.Info("beginning with the bundle kept on disk", zap.String("url", b.shown), zap.String("revision", s.Revision), zap.String("etag", s.ETag))
	}
	if b.member, err = b.feed.Join(b.given, take, b.report); err != nil {
		b.told.Close()
	}
	return err
}

// Stop ends it. The bundle in force stays so for requests under way.
func (b *Bundle) Stop() {
	if b.member != nil {
		b.member.Leave()
		b.member = nil
		b.told.Close()
	}
}

// report tells log and metrics what happened, one after the other. A mistake that stands is logged once.
func (b *Bundle) report(e bundle.Event) {
	if !b.beside { // the metrics are of the policies in force
		b.metrics.happened(e)
	}
	switch {
	case e.Kind == bundle.Activated:
		b.told.Announce(status.NewBundle(b.shown, e.Revision, e.ETag))
	case e.Err != nil && !e.Again:
		b.told.Announce(status.FailedBundle(b.shown, string(e.Kind), b.inForce, e.Err, gateway.Concealed().Text))
	}
	fields := []zap.Field{zap.String("url", b.shown)}
	switch {
	case e.Kind == bundle.Activated:
		b.inForce, b.none = e.Revision, false
		b.logger.Info("bundle activated", append(fields, zap.String("revision", e.Revision), zap.String("etag", e.ETag),
			zap.Int("bytes", e.Bytes), zap.Duration("took", e.Took))...)
	case e.Err == nil || e.Again:
	case e.Kind == bundle.NotKept:
		b.logger.Error("the bundle in force is not on disk", append(fields, zap.Error(e.Err))...)
	case b.none:
		b.logger.Error("there is no bundle yet", append(fields, zap.String("because", string(e.Kind)), zap.Error(e.Err))...)
	default:
		b.logger.Error("keeping the last good bundle", append(fields, zap.String("because", string(e.Kind)), zap.String("in_force", b.inForce), zap.Error(e.Err))...)
	}
}

// bundleMetrics are the bundle's own. There is one set in the process, registered anew with each configuration's
// registry, so that a reload of Caddy loses no count.
type bundleMetrics struct {
	activations *prometheus.CounterVec
	failing     prometheus.Gauge
	last        since
	confirmed   since
}

// since is a time that metrics tell as soon as it is known: 0 would be taken for a day in 1970.
type since struct {
	desc *prometheus.Desc
	at   *atomic.Pointer[time.Time]
}

func newSince(o prometheus.Opts) since {
	return since{prometheus.NewDesc(prometheus.BuildFQName(o.Namespace, o.Subsystem, o.Name), o.Help, nil, nil), &atomic.Pointer[time.Time]{}}
}

// Describe implements prometheus.Collector.
func (s since) Describe(to chan<- *prometheus.Desc) { to <- s.desc }

// Collect implements prometheus.Collector.
func (s since) Collect(to chan<- prometheus.Metric) {
	if at := s.at.Load(); at != nil {
		to <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, float64(at.UnixMilli())/1000)
	}
}

var theBundleMetrics = func() *bundleMetrics {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "caddy", Subsystem: "api_gateway", Name: name, Help: help}
	}
	return &bundleMetrics{
		activations: prometheus.NewCounterVec(prometheus.CounterOpts(name("bundle_activations_total",
			"What became of the policy bundle each time the server was asked: activated, unchanged, unreachable, broken, refused or not_kept.")), []string{"result"}),
		failing: prometheus.NewGauge(prometheus.GaugeOpts(name("bundle_failing",
			"1 while the newest policy bundle cannot be had or taken and the last good one is in force, otherwise 0."))),
		last: newSince(name("bundle_last_activation_timestamp_seconds",
			"When the policy bundle in force was activated, in seconds since 1970; of one that was kept on disk over a restart, when that was done.")),
		confirmed: newSince(name("bundle_last_confirmed_timestamp_seconds",
			"When the server last gave the policy bundle in force or said that it has no newer one, in seconds since 1970.")),
	}
}()

func registerBundleMetrics(registry *prometheus.Registry) (*bundleMetrics, error) {
	m := theBundleMetrics
	for _, c := range []prometheus.Collector{m.activations, m.failing, m.last, m.confirmed} {
		if err := registry.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

func (m *bundleMetrics) happened(e bundle.Event) {
	m.activations.WithLabelValues(string(e.Kind)).Inc()
	m.failing.Set(0)
	if e.Failing {
		m.failing.Set(1)
	}
	now := time.Now()
	if e.Kind == bundle.Activated {
		m.last.at.Store(&now)
	}
	if e.Kind == bundle.Activated || e.Kind == bundle.Unchanged && !e.Failing {
		m.confirmed.at.Store(&now)
	}
}

// Status says how the bundle is.
func (b *Bundle) Status() *status.Policies {
	s := b.feed.Status()
	told := &status.Policies{
		Source: "bundle", URL: s.URL, Signature: "none", Waiting: s.Waiting, Unconfirmed: s.FromDisk,
		Revision: s.Revision, ETag: s.ETag, Requested: s.Requested, Activated: s.Activated, Age: status.Age(s.Activated, time.Now()),
		Unreachable: failure(s.Unreachable), Error: failure(s.Broken),
	}
	if len(b.Verify) > 0 {
		told.Signature = "verified"
	}
	return told
}

func failure(f *bundle.Failure) *status.Failure {
	if f == nil {
		return nil
	}
	told := &status.Failure{Kind: string(f.Kind), Time: f.Time}
	var mistakes bundle.Mistakes
	var load *gateway.LoadError
	switch {
	case errors.As(f.Err, &mistakes):
		told.Mistakes = status.Mistakes(hcl.Diagnostics(mistakes))
	case errors.As(f.Err, &load):
		told.Mistakes = status.Mistakes(load.Diagnostics)
	default:
		told.Detail = f.Err.Error()
	}
	return told
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Interface guards
var _ prometheus.Collector = since{}
