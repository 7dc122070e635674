// Package histogram counts durations for Prometheus, in classic buckets and in those of a native histogram. It gives what
// client_golang's histograms give, and a test holds it against them; but a request is observed in each of a dozen
// histograms, and theirs would take a twentieth of its time.
package histogram

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus" // what serves metrics in Caddy
)

// A native histogram of schema 3 has eight buckets for each power of two, so that each is wider than the one before by
// 9 %. They are kept for 60 ns to more than an hour, and what is shorter or longer is counted in the first or the last.
const (
	schema    = 3
	perOctave = 1 << schema
	lowest    = -23 // of the exponents of seconds, as math.Frexp has them
	octaves   = 36
)

// bounds are those of the octave from ½ to 1, the upper ones of the buckets before.
var bounds = func() (b [perOctave]float64) {
	for i := range b {
		b[i] = math.Exp2(float64(i)/perOctave - 1)
	}
	return b
}()

// Histogram counts durations. It may be used by many goroutines at once.
type Histogram struct {
	labels  []string
	classic []int64 // the upper bounds, in nanoseconds
	created time.Time

	counts []atomic.Uint64                                   // by classic bucket, the last without a bound
	native [octaves]atomic.Pointer[[perOctave]atomic.Uint64] // by octave, once there is something in it
	sum    atomic.Int64                                      // nanoseconds
	zeros  atomic.Uint64
}

// Observe counts a duration; one below 0 as 0.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	// Whoever collects reads these in the opposite order, so that no count of a classic bucket is above that of all.
	if d == 0 {
		h.zeros.Add(1)
	} else {
		octave, bucket := place(d)
		h.octave(octave)[bucket].Add(1)
	}
	i := 0
	for i < len(h.classic) && int64(d) > h.classic[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

// place is where a duration is counted.
func place(d time.Duration) (octave, bucket int) {
	fraction, exponent := math.Frexp(float64(d) / float64(time.Second))
	octave = exponent - lowest
	for bucket < perOctave && bounds[bucket] < fraction {
		bucket++
	}
	if bucket == perOctave { // it is above the last, and so in the first bucket of the next
		octave, bucket = octave+1, 0
	}
	switch {
	case octave < 0:
		return 0, 0
	case octave >= octaves:
		return octaves - 1, perOctave - 1
	}
	return octave, bucket
}

func (h *Histogram) octave(i int) *[perOctave]atomic.Uint64 {
	if o := h.native[i].Load(); o != nil {
		return o
	}
	made := new([perOctave]atomic.Uint64)
	if h.native[i].CompareAndSwap(nil, made) {
		return made
	}
	return h.native[i].Load()
}

// Vec is histograms of one name, by their labels. It implements prometheus.Collector.
type Vec[K comparable] struct {
	desc    *prometheus.Desc
	classic []int64
	values  func(K) []string

	mu  sync.RWMutex
	all map[K]*Histogram
}

// NewVec makes histograms with classic buckets of these upper bounds, in ascending order. values gives the values of the
// labels for a key; keys are bounded by whoever makes them, and kept.
func NewVec[K comparable](name, help string, classic []time.Duration, values func(K) []string, labels ...string) *Vec[K] {
	v := &Vec[K]{desc: prometheus.NewDesc(name, help, labels, nil), values: values, all: map[K]*Histogram{}}
	for _, bound := range classic {
		v.classic = append(v.classic, int64(bound))
	}
	return v
}

// Of is the histogram of a key.
func (v *Vec[K]) Of(key K) *Histogram {
	v.mu.RLock()
	h := v.all[key]
	v.mu.RUnlock()
	if h != nil {
		return h
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if h := v.all[key]; h != nil {
		return h
	}
	h = &Histogram{labels: v.values(key), classic: v.classic, created: time.Now(), counts: make([]atomic.Uint64, len(v.classic)+1)}
	v.all[key] = h
	return h
}
