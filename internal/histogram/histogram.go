// Package histogram counts durations for Prometheus, in classic buckets and in those of a native histogram. It gives what
// client_golang's histograms give, and a test holds it against them; but a request is observed in each of a dozen
// histograms, and theirs would take a twentieth of its time.
package histogram

import (
	"math"
	"math/bits"
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

// bounds are the upper ones of all buckets, in nanoseconds.
var bounds = func() (b [octaves * perOctave]int64) {
	for i := range b {
		b[i] = int64(math.Exp2(float64(i)/perOctave+lowest-1) * float64(time.Second))
	}
	return b
}()

// A duration is placed by its leading bits, of which there are steps for each power of two: in none of these is more than one bound.
const (
	leading = 7
	steps   = 1 << leading
)

// first are the buckets that the shortest durations of a power of two belong to, by their leading bits, as if there were buckets for
// all from 1 ns on.
var first = func() (at [steps]int) {
	for i := range at {
		at[i] = int(math.Ceil(perOctave * (math.Log2((1+float64(i)/steps)/float64(time.Second)) - (lowest - 1))))
	}
	return at
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

// place is where a duration above 0 is counted.
func place(d time.Duration) (octave, bucket int) {
	power := bits.Len64(uint64(d)) - 1
	step := uint64(d) << (63 - power) >> (63 - leading) & (steps - 1)
	at := first[step] + power*perOctave
	switch {
	case at < 0:
		return 0, 0
	case at >= len(bounds):
		return octaves - 1, perOctave - 1
	}
	if int64(d) > bounds[at] && at < len(bounds)-1 {
		at++
	}
	return at / perOctave, at % perOctave
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
