package tally

import "github.com/prometheus/client_golang/prometheus"

// Shares observes values in histograms of one name. It implements prometheus.Collector.
type Shares struct {
	*counter[share]
	*prometheus.HistogramVec
}

// share is a value, and where it is observed.
type share struct {
	in    prometheus.Observer
	value float64
}

// NewShares makes histograms without any labels' values yet.
func NewShares(opts prometheus.HistogramOpts, labels ...string) *Shares {
	return &Shares{newCounter(func(s *share) { s.in.Observe(s.value) }), prometheus.NewHistogramVec(opts, labels)}
}

// Of gives what observes values with these values of the labels, in the order of their names.
func (s *Shares) Of(labels ...string) func(float64) {
	in := s.WithLabelValues(labels...)
	return func(value float64) {
		s.add(func(to *share) { to.in, to.value = in, value })
	}
}

// Collect implements prometheus.Collector. All values that were observed are in it.
func (s *Shares) Collect(to chan<- prometheus.Metric) {
	s.all()
	s.HistogramVec.Collect(to)
}
