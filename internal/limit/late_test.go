package limit_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// A decision may raise and lower quotas, and what the caller is told are the ones it has.
func TestLate(t *testing.T) {
	s := limit.Late{Stage: stage(t,
		limit.Limit{Config: limit.Config{Name: "per_consumer", Quotas: []limit.Quota{quota("burst", 2, time.Minute), quota("", 100, time.Hour)}}},
		limit.Limit{Config: limit.Config{Name: "exports", Quotas: []limit.Quota{quota("burst", 10, time.Minute)}}},
	)}
	quotas := func(limit, quota string, n int64) map[string]map[string]int64 {
		return map[string]map[string]int64{limit: {quota: n}}
	}
	for _, step := range []struct {
		name     string
		consumer string
		limits   map[string]map[string]int64
		denied   bool // by the policy
		status   int  // of the problem of counting; 0 for none
		cause    string
		policy   string
		state    string
	}{
		{"as written", "a", nil, false, 0, "", `"per_consumer.burst";q=2;w=60, "1h";q=100;w=3600, "exports.burst";q=10;w=60`, `"per_consumer.burst";r=1;t=30, "1h";r=99;t=36, "exports.burst";r=9;t=6`},
		{"used up", "a", nil, false, 0, "", "", `"per_consumer.burst";r=0;t=30`},
		{"used up again", "a", nil, false, 429, "", "", ""},
		{"raised, which gives nothing back", "a", quotas("per_consumer", "burst", 20), false, 429, "", `"per_consumer.burst";q=20;w=60`, `"per_consumer.burst";r=0;t=3`},
		{"raised from the first", "i", quotas("per_consumer", "burst", 20), false, 0, "", `"per_consumer.burst";q=20;w=60`, `"per_consumer.burst";r=19;t=3`},
		{"raised further", "b", quotas("per_consumer", "burst", 60_000_000), false, 0, "", `"per_consumer.burst";q=60000000;w=60`, `"per_consumer.burst";r=59999999`},
		{"raised beyond what can be counted", "c", quotas("per_consumer", "burst", 60_000_001), false, 0, "at most 60000000 requests in 1m", `"per_consumer.burst";q=2;w=60`, `"per_consumer.burst";r=1`},
		{"lowered", "d", map[string]map[string]int64{"per_consumer": {"1h": 50}, "exports": {"burst": 1}}, false, 0, "", `"per_consumer.burst";q=2;w=60, "1h";q=50;w=3600, "exports.burst";q=1;w=60`, `"exports.burst";r=0`},
		{"lowered, and used up", "d", quotas("exports", "burst", 1), false, 429, "", "", `"exports.burst";r=0`},
		{"as written, to who has used up less", "d", nil, false, 429, "", `"exports.burst";q=10;w=60`, `"exports.burst";r=0;t=6`},
		{"nothing", "e", quotas("exports", "burst", 0), false, 429, "", `"exports.burst";q=0;w=60`, `"exports.burst";r=0`},
		{"nothing was used up by that", "e", nil, false, 0, "", "", `"per_consumer.burst";r=1`},
		{"another limit", "f", quotas("per_user", "burst", 5), false, 0, "it has per_consumer.burst, per_consumer.1h, exports.burst", `"per_consumer.burst";q=2;w=60`, `"per_consumer.burst";r=1`},
		{"another quota", "f", quotas("exports", "daily", 5), false, 0, "none of a name", "", `"per_consumer.burst";r=0`},
		{"and that counted", "f", nil, false, 429, "", "", ""},
		{"denied", "g", quotas("per_consumer", "burst", 20), true, 0, "", `"per_consumer.burst";q=2;w=60`, `"per_consumer.burst";r=1`},
		{"a limit without quotas", "h", map[string]map[string]int64{"exports": {}}, false, 0, "", `"per_consumer.burst";q=2;w=60`, ""},
	} {
		x := request(step.consumer, 0)
		x.Decided("data.a", &exchange.Verdict{Allow: !step.denied, Limits: step.limits}, false)
		if step.denied {
			x.Denied = problem.New(problem.Forbidden, "")
		}
		p := s.Handle(x)
		if p == nil && step.status != 0 || p != nil && p.StatusCode() != step.status {
			t.Errorf("%s: got %v", step.name, p)
		}
		if (x.Denied != nil) != (step.denied || step.cause != "") || step.cause != "" && !strings.Contains(x.Denied.Error(), step.cause) {
			t.Errorf("%s: denied with %v", step.name, x.Denied)
		}
		if policy, state := x.Answer.Get("RateLimit-Policy"), x.Answer.Get("RateLimit"); !strings.Contains(policy, step.policy) || !strings.Contains(state, step.state) {
			t.Errorf("%s: got %s and %s", step.name, policy, state)
		}
		if step.name == "nothing" && (p == nil || p.Header.Get("Retry-After") != "" || !strings.Contains(p.Detail, "the quota exports.burst allows 0 in 1m")) {
			t.Errorf("%s: got %v", step.name, p)
		}
	}
}

// Those who prove to be nobody are counted by limits whose key is written and can be told without knowing who calls.
func TestStrangers(t *testing.T) {
	address := func(x *exchange.Exchange) (string, error) { return x.Origin().String(), nil }
	consumer := func(x *exchange.Exchange) (string, error) {
		if x.Consumer == nil {
			return "", errors.New("there is no consumer")
		}
		return x.Consumer.ID, nil
	}
	dear := func(*exchange.Exchange) (int64, error) { return 7, nil }
	s := stage(t,
		limit.Limit{Config: limit.Config{Name: "anybody", Quotas: []limit.Quota{quota("day", 100, 24*time.Hour)}}},
		limit.Limit{Config: limit.Config{Name: "address", Concurrent: 9, Quotas: []limit.Quota{quota("burst", 2, time.Minute), quota("hour", 50, time.Hour)}}, KeyOf: address},
		limit.Limit{Config: limit.Config{Name: "consumer", Quotas: []limit.Quota{quota("minute", 1, time.Minute)}}, KeyOf: consumer},
		limit.Limit{Config: limit.Config{Name: "costs", Cost: "7", Quotas: []limit.Quota{quota("units", 100, time.Minute)}}, KeyOf: address, CostOf: dear},
	)
	refused := func(at time.Duration, client string) *problem.Problem {
		x := request("", at)
		x.Client, x.Ended = netip.MustParseAddr(client), "identify"
		p := s.Settle(x)
		if x.Answer != nil {
			t.Errorf("a stranger is told %v", x.Answer)
		}
		return p
	}
	for range 2 {
		if p := refused(0, "192.0.2.7"); p != nil {
			t.Errorf("within the quota: %v", p)
		}
	}
	p := refused(0, "192.0.2.7")
	if p == nil || p.StatusCode() != 429 || p.Header.Get("Retry-After") != "30" || p.Detail != "the quota burst allows 2 in 1m" {
		t.Errorf("beyond it: %v", p)
	}
	if p := refused(0, "192.0.2.8"); p != nil {
		t.Errorf("another address: %v", p)
	}
	// Whoever proves to be somebody has the quota of the address too, which the strangers used up.
	x := request("acme", 0)
	if p := s.Handle(x); p == nil || p.StatusCode() != 429 {
		t.Errorf("somebody of that address: %v", p)
	}
	if got := x.Answer.Get("RateLimit"); !strings.Contains(got, `"day";r=100`) || !strings.Contains(got, `"units";r=98`) || !strings.Contains(got, `"minute";r=1`) || !strings.Contains(got, `"hour";r=48`) {
		t.Errorf("left are %s", got)
	}
	if p := refused(time.Minute, "192.0.2.7"); p != nil {
		t.Errorf("later: %v", p)
	}
}

// Who is turned away before the decision is counted all the same; who is not known is not.
func TestSettle(t *testing.T) {
	s := limit.Late{Stage: stage(t, limit.Limit{Config: limit.Config{Name: "a", Quotas: []limit.Quota{quota("b", 1, time.Minute)}}})}
	x := request("a", 0)
	x.Ended = "identify"
	if p := s.Settle(x); p != nil || x.Answer != nil {
		t.Errorf("somebody unknown was counted: %v", p)
	}
	x.Ended = "validate"
	if p := s.Settle(x); p != nil || x.Answer.Get("RateLimit") != `"b";r=0;t=60` {
		t.Errorf("got %v, %v", p, x.Answer)
	}
	if p := s.Settle(request("a", 0)); p == nil || p.StatusCode() != 429 {
		t.Errorf("got %v", p)
	}
	if p := s.Settle(request("b", 0)); p != nil {
		t.Errorf("got %v", p)
	}
}
