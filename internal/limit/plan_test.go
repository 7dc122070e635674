package limit_test

import (
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// planned is a limit with two plans: gold has more of one quota and of what is under way, free less.
func planned() limit.Limit {
	return limit.Limit{Config: limit.Config{
		Name: "l", Quotas: []limit.Quota{quota("burst", 10, time.Minute), quota("", 100, time.Hour)}, Concurrent: 5,
		Plans: []limit.Plan{
			{Name: "gold", Quotas: []limit.Quota{quota("burst", 1000, time.Minute)}, Concurrent: 50},
			{Name: "free", Quotas: []limit.Quota{quota("1h", 20, 2*time.Hour), quota("burst", 2, time.Minute)}},
		},
	}}
}

// of is a request of a consumer with a plan.
func of(consumer, plan string) *exchange.Exchange {
	x := request(consumer, 0)
	x.Consumer.Plan = plan
	return x
}

func TestPlans(t *testing.T) {
	for _, test := range []struct{ plan, policy, state string }{
		{"", `"burst";q=10;w=60, "1h";q=100;w=3600, "concurrent";q=5;qu="concurrent-requests"`, `"burst";r=9;t=6, "1h";r=99;t=36, "concurrent";r=4`},
		{"gold", `"burst";q=1000;w=60, "1h";q=100;w=3600, "concurrent";q=50;qu="concurrent-requests"`, `"burst";r=999;t=1, "1h";r=99;t=36, "concurrent";r=49`},
		{"free", `"burst";q=2;w=60, "1h";q=20;w=7200, "concurrent";q=5;qu="concurrent-requests"`, `"burst";r=1;t=30, "1h";r=19;t=360, "concurrent";r=4`},
		{"Gold", `"burst";q=10;w=60, "1h";q=100;w=3600, "concurrent";q=5;qu="concurrent-requests"`, `"burst";r=9;t=6, "1h";r=99;t=36, "concurrent";r=4`},
	} {
		x := of("acme", test.plan)
		if p := stage(t, planned()).Handle(x); p != nil {
			t.Fatal(p)
		}
		if policy, state := x.Answer.Get("RateLimit-Policy"), x.Answer.Get("RateLimit"); policy != test.policy || state != test.state {
			t.Errorf("%q: got %s and %s", test.plan, policy, state)
		}
	}
}

// What has been used stays used when the plan changes, in the time it takes to refill.
func TestPlanChange(t *testing.T) {
	s := stage(t, planned())
	for range 2 {
		x := of("acme", "free")
		if p := s.Handle(x); p != nil {
			t.Fatal(p)
		}
		x.End()
	}
	if p := s.Handle(of("acme", "free")); p == nil {
		t.Error("a third was admitted")
	}
	x := request("acme", time.Second)
	x.Consumer.Plan = "gold"
	if p := s.Handle(x); p != nil || x.Answer.Get("RateLimit") != `"burst";r=15;t=1, "1h";r=79;t=35, "concurrent";r=49` {
		t.Errorf("got %v, %v", p, x.Answer)
	}
}

// A policy overrides the plan's quotas as it does those written.
func TestPolicyOverPlan(t *testing.T) {
	for _, step := range []struct {
		limits map[string]int64
		policy string
		status int
	}{
		{nil, `"burst";q=1000;w=60, "1h";q=100;w=3600, "concurrent";q=50;qu="concurrent-requests"`, 0},
		{map[string]int64{"1h": 7, "concurrent": 3}, `"burst";q=1000;w=60, "1h";q=7;w=3600, "concurrent";q=3;qu="concurrent-requests"`, 0},
		{map[string]int64{"concurrent": 0}, `"burst";q=1000;w=60, "1h";q=100;w=3600, "concurrent";q=0;qu="concurrent-requests"`, 429},
	} {
		x := of("acme", "gold")
		x.Decided("data.a", &exchange.Verdict{Allow: true, Limits: map[string]map[string]int64{"l": step.limits}}, false)
		p := limit.Late{Stage: stage(t, planned())}.Handle(x)
		if got := x.Answer.Get("RateLimit-Policy"); got != step.policy || x.Denied != nil || (p != nil) != (step.status != 0) {
			t.Errorf("%v: got %s, %v, %v", step.limits, got, p, x.Denied)
		}
	}
	x := of("acme", "gold")
	x.Decided("data.a", &exchange.Verdict{Allow: true, Limits: map[string]map[string]int64{"l": {"concurrent": 1_000_001}}}, false)
	if p := (limit.Late{Stage: stage(t, planned())}).Handle(x); p != nil || x.Denied == nil {
		t.Errorf("more at once than can be counted: %v, %v", p, x.Denied)
	}
}

// A plan that only some limits of a route know leaves the others as they are.
func TestPlanOfOneLimit(t *testing.T) {
	s := stage(t, planned(), limit.Limit{Config: limit.Config{Name: "m", Quotas: []limit.Quota{quota("burst", 7, time.Minute)}, Concurrent: 2}})
	x := of("acme", "gold")
	if p := s.Handle(x); p != nil {
		t.Fatal(p)
	}
	const want = `"l.burst";q=1000;w=60, "1h";q=100;w=3600, "l.concurrent";q=50;qu="concurrent-requests", "m.burst";q=7;w=60, "m.concurrent";q=2;qu="concurrent-requests"`
	if got := x.Answer.Get("RateLimit-Policy"); got != want {
		t.Error(got)
	}
}
