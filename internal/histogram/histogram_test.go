package histogram

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

var classic = []time.Duration{time.Millisecond, 10 * time.Millisecond, time.Second, 10 * time.Second}

func vec() *Vec[string] {
	return NewVec("took_seconds", "How long it takes.", classic, func(k string) []string { return []string{k} }, "what")
}

func gathered(t testing.TB, c prometheus.Collector) *dto.Histogram {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	all, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || len(all[0].Metric) != 1 {
		t.Fatalf("got %v", all)
	}
	h := all[0].Metric[0].Histogram
	h.CreatedTimestamp = nil
	return h
}

// The same durations are told as client_golang tells them.
func TestAsTheLibrary(t *testing.T) {
	for name, durations := range map[string]func(i int) time.Duration{
		"none":           nil,
		"zero":           func(int) time.Duration { return 0 },
		"any":            func(int) time.Duration { return time.Duration(math.Exp2(7 + 32*rand.Float64())) },
		"bounds":         func(i int) time.Duration { return classic[i%len(classic)] },
		"powers of two":  func(i int) time.Duration { return time.Second >> (i % 20) },
		"close together": func(i int) time.Duration { return time.Second + time.Duration(i)*time.Millisecond },
		"far apart":      func(i int) time.Duration { return []time.Duration{time.Microsecond, time.Hour, 0}[i%3] },
	} {
		t.Run(name, func(t *testing.T) {
			var seconds []float64
			for _, bound := range classic {
				seconds = append(seconds, bound.Seconds())
			}
			theirs := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "took_seconds", Help: "How long it takes.", Buckets: seconds, NativeHistogramBucketFactor: 1.1}, []string{"what"})
			ours := vec()
			their, our := theirs.WithLabelValues("x"), ours.Of("x")
			for i := range 3000 {
				if durations != nil {
					d := durations(i)
					their.Observe(d.Seconds())
					our.Observe(d)
				}
			}
			want, got := gathered(t, theirs), gathered(t, ours)
			if math.Abs(want.GetSampleSum()-got.GetSampleSum()) > 1e-6*want.GetSampleSum() {
				t.Errorf("the sum is %v, want %v", got.GetSampleSum(), want.GetSampleSum())
			}
			want.SampleSum, got.SampleSum = nil, nil
			if !proto.Equal(want, got) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// What is shorter or longer than anybody waits is counted nevertheless.
func TestExtremes(t *testing.T) {
	v := vec()
	for _, d := range []time.Duration{-1, 1, math.MaxInt64, time.Minute} {
		v.Of("x").Observe(d)
	}
	if h := gathered(t, v); h.GetSampleCount() != 4 || h.GetZeroCount() != 1 {
		t.Errorf("got %v", h)
	}
}

// No scrape finds more in a bucket than in all, while requests are observed.
func TestWhileObserved(t *testing.T) {
	v := vec()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					v.Of("x").Observe(time.Duration(rand.Int64N(int64(20 * time.Second))))
				}
			}
		})
	}
	for range 200 {
		v.Of("x")
		h := gathered(t, v)
		if last := h.Bucket[len(h.Bucket)-1].GetCumulativeCount(); last > h.GetSampleCount() {
			t.Fatalf("%d in buckets of %d", last, h.GetSampleCount())
		}
	}
	close(stop)
	all.Wait()
}

func BenchmarkObserve(b *testing.B) {
	ours := vec().Of("x")
	theirs := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x", Buckets: []float64{.001, .01, 1, 10}, NativeHistogramBucketFactor: 1.1})
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		d := time.Microsecond
		for b.Loop() {
			ours.Observe(d)
			if d += 997; d > time.Second {
				d = time.Microsecond
			}
		}
	})
	b.Run("client_golang", func(b *testing.B) {
		b.ReportAllocs()
		d := time.Microsecond
		for b.Loop() {
			theirs.Observe(d.Seconds())
			if d += 997; d > time.Second {
				d = time.Microsecond
			}
		}
	})
}
