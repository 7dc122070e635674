package tally

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

func named(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "caddy", Subsystem: "api_gateway", Name: name, Help: help}
}

// ended is a request that took these stages.
func ended(api, version, path string, stages ...string) *exchange.Exchange {
	x := &exchange.Exchange{API: api, Version: version, Route: path}
	x.Times.Begin()
	for _, s := range stages {
		x.Times.Lap(s, false)
	}
	x.Times.Lap("answer", true)
	return x
}

// counts are how often histograms were observed, and what counters say, by their labels' values in the order of the names.
func counts(t *testing.T, c prometheus.Collector) map[string]map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]float64)
	for _, f := range families {
		of := make(map[string]float64)
		all[f.GetName()] = of
		for _, m := range f.Metric {
			labels := ""
			for _, l := range m.Label {
				labels += l.GetValue() + ","
			}
			if of[labels] = m.GetCounter().GetValue(); f.GetType() == dto.MetricType_HISTOGRAM {
				of[labels] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return all
}

// Each request is in the very next scrape, by what it was, though many are counted together.
func TestRequests(t *testing.T) {
	r := NewRequests(named)
	list := ended("orders", "v1", "GET /orders", "admit", "route", "upstream")
	for range 2*size + 1 {
		r.Served(list, 200, true)
	}
	r.Served(ended("orders", "v2", "GET /orders", "admit", "route", "identify"), 401, false)
	r.Served(list, 200, true)
	r.Served(ended("orders", "v1", "GET /orders", "admit"), 0, true) // it has fewer, and its caller left
	r.Served(ended("", "", "", "admit"), 400, false)
	want := map[string]map[string]float64{
		"caddy_api_gateway_requests_total": {",false,,": 1, "orders,true,v1,": 2*size + 3, "orders,false,v2,": 1},
		"caddy_api_gateway_request_duration_seconds": {
			"orders,2xx,GET /orders,v1,": 2*size + 2, "orders,4xx,GET /orders,v2,": 1, "orders,none,GET /orders,v1,": 1,
		},
		"caddy_api_gateway_stage_duration_seconds": {
			"orders,admit,up,": 2*size + 4, "orders,route,up,": 2*size + 3, "orders,upstream,up,": 2*size + 2,
			"orders,identify,up,": 1, "orders,answer,back,": 2*size + 4,
		},
	}
	got := counts(t, r)
	for name, of := range want {
		if len(got[name]) != len(of) {
			t.Errorf("%s: got %v, want %v", name, got[name], of)
			continue
		}
		for labels, n := range of {
			if got[name][labels] != n {
				t.Errorf("%s: got %v, want %v", name, got[name], of)
				break
			}
		}
	}
}

// Of what many add while somebody else looks, all is counted, each once, and whoever looks sees what was there before.
func TestWhileLookedAt(t *testing.T) {
	const goroutines, each = 8, 5000
	var counted, added atomic.Int64
	var seen [goroutines * each]bool
	c := newCounter(func(i *int) {
		if seen[*i] {
			t.Errorf("%d is counted again", *i)
		}
		seen[*i] = true
		counted.Add(1)
	})
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range each {
				c.add(func(to *int) { *to = g*each + i })
				added.Add(1)
			}
		})
	}
	stop := make(chan struct{})
	var looker sync.WaitGroup
	looker.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			before := added.Load()
			c.all()
			if n := counted.Load(); n < before {
				t.Errorf("%d are counted of %d", n, before)
				return
			}
			runtime.Gosched()
		}
	})
	all.Wait()
	close(stop)
	looker.Wait()
	c.all()
	if n := counted.Load(); n != goroutines*each {
		t.Errorf("%d are counted of %d", n, goroutines*each)
	}
}

// Where counting stands still, what waits is bounded: who adds more waits, too.
func TestBound(t *testing.T) {
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	c := newCounter(func(*int) {
		select {
		case held <- struct{}{}:
		default:
		}
		<-hold
	})
	var added atomic.Int64
	var all sync.WaitGroup
	all.Go(func() { // who fills the first batch, counts it
		for range size {
			c.add(func(*int) {})
		}
	})
	<-held
	for range 3 {
		all.Go(func() {
			for range 10 * size {
				c.add(func(*int) {})
				added.Add(1)
			}
		})
	}
	for added.Load() < mostFull*size {
		runtime.Gosched()
	}
	for range 10000 {
		runtime.Gosched()
		c.mu.Lock()
		waiting := len(c.full)
		c.mu.Unlock()
		if waiting > mostFull+3 { // one of each who waits
			t.Fatalf("%d batches wait", waiting)
		}
	}
	close(hold)
	all.Wait()
}

// TestShares holds that what is observed is in the next scrape.
func TestShares(t *testing.T) {
	s := NewShares(prometheus.HistogramOpts{Name: "used_ratio", Help: "How much.", Buckets: []float64{.5}}, "limit", "quota")
	burst, day := s.Of("per_consumer", "burst"), s.Of("per_consumer", "day")
	for range size {
		burst(.25)
		day(.75)
	}
	burst(1)
	got := counts(t, s)["used_ratio"]
	if got["per_consumer,burst,"] != size+1 || got["per_consumer,day,"] != size {
		t.Error(got)
	}
}

func BenchmarkServed(b *testing.B) {
	b.ReportAllocs()
	r := NewRequests(named)
	x := ended("orders", "v1", "GET /orders", "admit", "route", "identify", "limit", "validate", "authorize", "change", "upstream")
	for b.Loop() {
		r.Served(x, 200, true)
	}
}

// TestServedAllocates holds that to count a request costs no memory.
func TestServedAllocates(t *testing.T) {
	r := NewRequests(named)
	x := ended("orders", "v1", "GET /orders", "admit", "route", "upstream")
	r.Served(x, 200, true)
	if n := testing.AllocsPerRun(10*size, func() { r.Served(x, 200, true) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
