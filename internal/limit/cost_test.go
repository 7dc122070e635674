package limit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// costing is a limit of 10 a minute and 20 an hour whose requests cost what cost says at the time.
func costing(cost *int64, err *error, reads exchange.BodyNeed) limit.Limit {
	return limit.Limit{
		Config:    limit.Config{Name: "l", Quotas: []limit.Quota{quota("burst", 10, time.Minute), quota("", 20, time.Hour)}},
		CostOf:    func(*exchange.Exchange) (int64, error) { return *cost, *err },
		CostNeeds: exchange.Needs{Body: reads},
	}
}

func TestCost(t *testing.T) {
	var cost int64
	var err error
	s := stage(t, costing(&cost, &err, exchange.None), limit.Limit{Config: limit.Config{Name: "m", Quotas: []limit.Quota{quota("each", 50, time.Minute)}}})
	for _, step := range []struct {
		name   string
		cost   int64
		err    error
		status int
		state  string
		detail string
	}{
		{"several", 4, nil, 0, `"burst";r=6;t=6, "1h";r=16;t=180, "each";r=49;t=2`, ""},
		{"nothing", 0, nil, 0, `"burst";r=6;t=6, "1h";r=16;t=180, "each";r=48;t=2`, ""},
		{"more than is left", 7, nil, 429, `"burst";r=6;t=6, "1h";r=16, "each";r=48;t=2`, "the quota burst allows 10 in 1m"},
		{"all that is left", 6, nil, 0, `"burst";r=0;t=6, "1h";r=10;t=180, "each";r=47;t=2`, ""},
		{"nothing, with nothing left", 0, nil, 0, `"burst";r=0;t=6, "1h";r=10;t=180, "each";r=46;t=2`, ""},
		{"more than there ever is", 11, nil, 429, "", "the request costs 11 and the quota burst allows 10 in 1m"},
		{"more than there ever is of two", 21, nil, 429, "", "the request costs 21 and the quota burst allows 10 in 1m; the request costs 21 and the quota 1h allows 20 in 1h"},
		{"below nothing", -1, nil, 403, "", "the request lacks what its cost is computed from"},
		{"a failure", 1, errors.New("body.items is missing"), 403, "", "the request lacks what its cost is computed from"},
	} {
		cost, err = step.cost, step.err
		x := request("acme", 0)
		p := s.Handle(x)
		status, detail := 0, ""
		if p != nil {
			status, detail = p.StatusCode(), p.Detail
		}
		if status != step.status || detail != step.detail || x.Answer.Get("RateLimit") != step.state {
			t.Errorf("%s: got %v, %v", step.name, p, x.Answer)
		}
		never := strings.HasPrefix(step.name, "more than there ever is")
		if never && (p.Header.Get("Retry-After") != "" || !slices.Contains(p.Extensions[0].Value.([]string), "burst") || x.Answer.Get("RateLimit-Policy") == "") {
			t.Errorf("%s: got %v, %v", step.name, p.Header, p.Extensions)
		}
		if want := status == 429; want != slices.Equal(x.Exceeded, []string{"l"}) {
			t.Errorf("%s: exceeded %q", step.name, x.Exceeded)
		}
	}
}

// Whoever sends what is refused before its cost is known pays 1, and is told nothing about it once the quota is used up.
func TestCostOfWhatWasRefusedBefore(t *testing.T) {
	cost, err := int64(0), errors.New("there is no body")
	for reads, left := range map[exchange.BodyNeed]string{exchange.JSON: `"burst";r=9;t=6, "1h";r=19;t=180`, exchange.Whole: `"burst";r=9;t=6, "1h";r=19;t=180`} {
		x := request("acme", 0)
		x.Ended = "validate"
		if p := stage(t, costing(&cost, &err, reads)).Settle(x); p != nil || x.Answer.Get("RateLimit") != left {
			t.Errorf("%v: got %v, %v", reads, p, x.Answer)
		}
	}
	err, cost = nil, 3
	for _, reads := range []exchange.BodyNeed{exchange.None, exchange.Whole} {
		x := request("acme", 0)
		x.Ended, x.Body.Read = "validate", true
		if p := stage(t, costing(&cost, &err, reads)).Settle(x); p != nil || x.Answer.Get("RateLimit") != `"burst";r=7;t=6, "1h";r=17;t=180` {
			t.Errorf("a cost that is known all the same: %v, %v", p, x.Answer)
		}
	}
}

func TestBytes(t *testing.T) {
	l := limit.Limit{
		Config: limit.Config{Name: "l", Cost: "request.size", Quotas: []limit.Quota{quota("traffic", 1000, time.Minute)}, Concurrent: 2},
		CostOf: func(x *exchange.Exchange) (int64, error) { return int64(x.Body.Received), nil },
	}
	x := request("acme", 0)
	x.Body.Received = 300
	if p := stage(t, l).Handle(x); p != nil || x.Answer.Get("RateLimit") != `"traffic";r=700;t=1, "concurrent";r=1` {
		t.Errorf("got %v, %v", p, x.Answer)
	}
	if got := x.Answer.Get("RateLimit-Policy"); got != `"traffic";q=1000;w=60;qu="content-bytes", "concurrent";q=2;qu="concurrent-requests"` {
		t.Error(got)
	}
}

// What is hidden is told to the log and to nobody else.
func TestHidden(t *testing.T) {
	abuse := limit.Limit{Config: limit.Config{Name: "abuse", Hidden: true, Quotas: []limit.Quota{quota("", 2, time.Minute)}, Concurrent: 9}}
	open := limit.Limit{Config: limit.Config{Name: "open", Quotas: []limit.Quota{quota("burst", 1, time.Second), quota("", 9, time.Hour)}}}
	s := stage(t, abuse)
	for range 2 {
		if x := request("acme", 0); s.Handle(x) != nil || x.Answer != nil {
			t.Errorf("told %v", x.Answer)
		}
	}
	x := request("acme", 0)
	p := s.Handle(x)
	body, err := p.MarshalJSON()
	if err != nil || x.Answer != nil || p.Header != nil || p.Type != problem.TooManyRequests || p.StatusCode() != 429 ||
		string(body) != `{"type":"https://github.com/wicketgate/wicketgate/blob/main/docs/problems.md#too-many-requests","title":"Too many requests","status":429}` {
		t.Errorf("told %v, %v, %s", x.Answer, p.Header, body)
	}
	if !strings.HasSuffix(p.Error(), ": hidden from the caller: the quota 1m allows 2 in 1m") || !slices.Equal(x.Exceeded, []string{"abuse"}) {
		t.Errorf("the log says %v, %q", p, x.Exceeded)
	}

	s = stage(t, open, abuse)
	for _, step := range []struct {
		at              time.Duration
		state, retry    string
		violated, cause string
	}{
		{0, `"burst";r=0;t=1, "1h";r=8;t=400`, "", "", ""},
		{0, `"burst";r=0;t=1, "1h";r=8`, "1", "burst", ""},
		{time.Second, `"burst";r=0;t=1, "1h";r=7;t=399`, "", "", ""},
		{time.Second, `"burst";r=0;t=1, "1h";r=7`, "1", "burst", "hidden"}, // both refuse: it is as if the one did
		{2 * time.Second, `"burst";r=1, "1h";r=7;t=398`, "", "", "hidden"}, // the hidden one alone
	} {
		x := request("acme", step.at)
		p := s.Handle(x)
		if x.Answer.Get("RateLimit") != step.state || x.Answer.Get("RateLimit-Policy") != `"burst";q=1;w=1, "1h";q=9;w=3600` || (p != nil) != (step.violated+step.cause != "") {
			t.Fatalf("at %v: %v, %v", step.at, p, x.Answer)
		}
		if p == nil {
			continue
		}
		body, _ := p.MarshalJSON()
		if p.Header.Get("Retry-After") != step.retry || strings.Contains(string(body), "abuse") || strings.Contains(string(body), "hidden") ||
			(step.violated != "") != strings.Contains(string(body), `"violated-policies":["burst"]`) || (step.cause != "") != (p.Cause != nil) {
			t.Errorf("at %v: %v, %s", step.at, p, body)
		}
	}
}
