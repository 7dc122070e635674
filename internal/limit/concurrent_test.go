package limit_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
)

func TestConcurrent(t *testing.T) {
	s := stage(t, limit.Limit{Config: limit.Config{Name: "l", Quotas: []limit.Quota{quota("burst", 5, time.Minute)}, Concurrent: 2}})
	first, second, third, other := request("acme", 0), request("acme", 0), request("acme", 0), request("globex", 0)
	for _, x := range []*exchange.Exchange{first, second, other} {
		if p := s.Handle(x); p != nil {
			t.Fatal(p)
		}
	}
	p := s.Handle(third)
	if p == nil || p.Detail != "the quota concurrent allows 2 at once" || p.Header.Get("Retry-After") != "1" || !slices.Equal(p.Extensions[0].Value.([]string), []string{"concurrent"}) {
		t.Fatalf("got %v", p)
	}
	if got := third.Answer.Get("RateLimit"); got != `"burst";r=3, "concurrent";r=0` {
		t.Error(got)
	}
	third.End() // gives nothing back, for it has nothing
	if s.Handle(request("acme", 0)) == nil {
		t.Error("a third was admitted")
	}
	second.End()
	second.End()
	fourth := request("acme", 0)
	if p := s.Handle(fourth); p != nil || fourth.Answer.Get("RateLimit") != `"burst";r=2;t=12, "concurrent";r=0` {
		t.Errorf("got %v, %v", p, fourth.Answer)
	}
	if s.Handle(request("acme", 0)) == nil {
		t.Error("a place was given back twice")
	}
}

// A limit may bound what is under way and nothing else.
func TestConcurrentAlone(t *testing.T) {
	s := stage(t, limit.Limit{Config: limit.Config{Name: "l", Concurrent: 1}})
	for range 3 {
		x := request("acme", 0)
		if p := s.Handle(x); p != nil || x.Answer.Get("RateLimit-Policy") != `"concurrent";q=1;qu="concurrent-requests"` || x.Answer.Get("RateLimit") != `"concurrent";r=0` {
			t.Fatalf("got %v, %v", p, x.Answer)
		}
		if s.Handle(request("acme", 0)) == nil {
			t.Fatal("two at once")
		}
		x.End()
	}
}

// As many as may be are under way at once, whoever leaves early, and in the end all places are free.
func TestConcurrentUnderLoad(t *testing.T) {
	const most = 4
	s := stage(t, limit.Limit{Config: limit.Config{Name: "l", Concurrent: most}}, limit.Limit{Config: limit.Config{Name: "m", Quotas: []limit.Quota{quota("q", 1_000_000, time.Second)}, Concurrent: 6}})
	var inside, admitted atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				ctx, leave := context.WithCancel(context.Background())
				x := request("acme", 0)
				x.Context = ctx
				if s.Handle(x) == nil {
					admitted.Add(1)
					if n := inside.Add(1); n > most {
						t.Errorf("%d at once", n)
					}
					if i%2 == 0 {
						leave()
					}
					inside.Add(-1)
				}
				x.End()
				leave()
			}
		})
	}
	all.Wait()
	if admitted.Load() < most {
		t.Errorf("%d admitted", admitted.Load())
	}
	for range most {
		if p := s.Handle(request("acme", 0)); p != nil {
			t.Fatalf("a place is gone: %v", p)
		}
	}
}
