package histogram

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go" // the form in which client_golang hands metrics on
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Describe implements prometheus.Collector.
func (v *Vec[K]) Describe(to chan<- *prometheus.Desc) { to <- v.desc }

// Collect implements prometheus.Collector.
func (v *Vec[K]) Collect(to chan<- prometheus.Metric) {
	v.mu.RLock()
	all := make([]metric, 0, len(v.all))
	for _, h := range v.all {
		all = append(all, metric{v.desc, h})
	}
	v.mu.RUnlock()
	for _, m := range all {
		to <- m
	}
}

// metric is a histogram as it is collected.
type metric struct {
	desc *prometheus.Desc
	*Histogram
}

// Desc implements prometheus.Metric.
func (m metric) Desc() *prometheus.Desc { return m.desc }

// Write implements prometheus.Metric.
func (m metric) Write(to *dto.Metric) error {
	to.Label = prometheus.MakeLabelPairs(m.desc, m.labels)
	h := &dto.Histogram{
		SampleSum:        proto.Float64(time.Duration(m.sum.Load()).Seconds()),
		Schema:           proto.Int32(schema),
		ZeroThreshold:    proto.Float64(prometheus.DefNativeHistogramZeroThreshold),
		CreatedTimestamp: timestamppb.New(m.created),
	}
	to.Histogram = h
	below := uint64(0)
	for i, bound := range m.classic {
		below += m.counts[i].Load()
		h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: proto.Uint64(below), UpperBound: proto.Float64(time.Duration(bound).Seconds())})
	}
	zeros := m.zeros.Load()
	count := zeros
	var s spans
	for i := range m.native {
		octave := m.native[i].Load()
		if octave == nil {
			continue
		}
		for j := range octave {
			if n := octave[j].Load(); n > 0 {
				count += n
				s.add(int32((lowest-1+i)*perOctave+j), int64(n)) //nolint:gosec // indices are a few hundred, and counts no more than fit
			}
		}
	}
	h.ZeroCount, h.SampleCount = proto.Uint64(zeros), proto.Uint64(count)
	h.PositiveSpan, h.PositiveDelta = s.all, s.deltas
	return nil
}

// spans are buckets as a native histogram has them: runs, and each count as its difference from the one before.
type spans struct {
	all    []*dto.BucketSpan
	deltas []int64
	next   int32 // the bucket behind the last
	last   int64 // its count
}

// gap is how many empty buckets take no more room than another run.
const gap = 2

func (s *spans) add(bucket int32, n int64) {
	between := bucket - s.next
	if len(s.all) == 0 || between > gap {
		s.all = append(s.all, &dto.BucketSpan{Offset: proto.Int32(between), Length: proto.Uint32(0)})
	} else {
		for range between {
			s.put(0)
		}
	}
	s.put(n)
	s.next = bucket + 1
}

func (s *spans) put(n int64) {
	*s.all[len(s.all)-1].Length++
	s.deltas = append(s.deltas, n-s.last)
	s.last = n
}
