package limit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/problem"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func quota(name string, requests int64, window time.Duration) limit.Quota {
	return limit.Quota{Name: name, Requests: requests, Window: duration.Duration(window)}
}

func stage(t testing.TB, limits ...limit.Limit) *limit.Stage {
	t.Helper()
	s, diags := limit.New(limit.NewMemory(0), limits...)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return s
}

func request(consumer string, at time.Duration) *exchange.Exchange {
	x := &exchange.Exchange{Context: context.Background(), Time: start.Add(at), Client: netip.MustParseAddr("192.0.2.7")}
	if consumer != "" {
		x.Consumer = &exchange.Consumer{ID: consumer}
	}
	return x
}

func TestFieldsAndRefusal(t *testing.T) {
	s := stage(t, limit.Limit{Config: limit.Config{Name: "per_consumer", Quotas: []limit.Quota{
		quota("burst", 2, time.Minute), quota("daily", 5, 24*time.Hour),
	}}})
	for i, step := range []struct {
		at       time.Duration
		limit    string
		violated []string
		retry    string
		detail   string
	}{
		{0, `"burst";r=1;t=30, "daily";r=4;t=17280`, nil, "", ""},
		{0, `"burst";r=0;t=30, "daily";r=3;t=17280`, nil, "", ""},
		{100 * time.Millisecond, `"burst";r=0;t=30, "daily";r=3`, []string{"burst"}, "30", "the quota burst allows 2 in 1m"},
		{time.Minute, `"burst";r=1;t=30, "daily";r=2;t=17220`, nil, "", ""},
		{time.Minute, `"burst";r=0;t=30, "daily";r=1;t=17220`, nil, "", ""},
		{2 * time.Minute, `"burst";r=1;t=30, "daily";r=0;t=17160`, nil, "", ""},
		{2 * time.Minute, `"burst";r=1;t=30, "daily";r=0;t=17160`, []string{"daily"}, "17160", "the quota daily allows 5 in 24h"},
	} {
		x := request("acme", step.at)
		p := s.Handle(x)
		if got := x.Answer["Ratelimit-Policy"]; !slices.Equal(got, []string{`"burst";q=2;w=60, "daily";q=5;w=86400`}) {
			t.Errorf("step %d: RateLimit-Policy: %q", i, got)
		}
		if got := x.Answer["Ratelimit"]; !slices.Equal(got, []string{step.limit}) {
			t.Errorf("step %d: RateLimit: %q, want %q", i, got, step.limit)
		}
		if step.violated == nil {
			if p != nil {
				t.Errorf("step %d: %v", i, p)
			}
			continue
		}
		if p == nil || p.Type != problem.QuotaExceeded || p.StatusCode() != 429 {
			t.Fatalf("step %d: %v, want 429", i, p)
		}
		body, err := p.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Type     string   `json:"type"`
			Detail   string   `json:"detail"`
			Violated []string `json:"violated-policies"`
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if got.Type != "https://iana.org/assignments/http-problem-types#quota-exceeded" ||
			got.Detail != step.detail || !slices.Equal(got.Violated, step.violated) {
			t.Errorf("step %d: %s", i, body)
		}
		if r := p.Header.Get("Retry-After"); r != step.retry {
			t.Errorf("step %d: Retry-After: %s, want %s", i, r, step.retry)
		}
	}
}

// The fields are what a client's parser of structured fields reads, and a client that does as they say is served.
func TestFieldsParseAndAreTrue(t *testing.T) {
	s := stage(t,
		limit.Limit{Config: limit.Config{Name: "fast", Quotas: []limit.Quota{quota("a-b_c.d:e", 7, 3*time.Second)}}},
		limit.Limit{Config: limit.Config{Name: "slow", Quotas: []limit.Quota{quota("", 11, time.Minute), quota("", 90, time.Hour)}}},
	)
	at := time.Duration(0)
	for range 300 {
		x := request("acme", at)
		p := s.Handle(x)
		policy := list(t, x.Answer.Values("RateLimit-Policy"), "q", "w")
		state := list(t, x.Answer.Values("RateLimit"), "r")
		if len(policy) != 3 || len(state) != 3 {
			t.Fatalf("%v, %v", policy, state)
		}
		for name, item := range state {
			if item["r"] < 0 || item["r"] > policy[name]["q"] {
				t.Fatalf("%s: %d of %d left", name, item["r"], policy[name]["q"])
			}
		}
		if p == nil {
			continue
		}
		retry, err := strconv.ParseInt(p.Header.Get("Retry-After"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		for name, item := range state {
			if retry < item["t"] {
				t.Fatalf("Retry-After %d is before t=%d of %s", retry, item["t"], name)
			}
		}
		at += time.Duration(retry) * time.Second
		if p := s.Handle(request("acme", at)); p != nil {
			t.Fatalf("refused after waiting the %d s of Retry-After: %v", retry, p)
		}
	}
}

func list(t *testing.T, values []string, required ...string) map[string]map[string]int64 {
	t.Helper()
	l, err := httpsfv.UnmarshalList(values)
	if err != nil {
		t.Fatalf("%q: %v", values, err)
	}
	out := make(map[string]map[string]int64)
	for _, m := range l {
		item := m.(httpsfv.Item)
		params := make(map[string]int64)
		for _, n := range item.Params.Names() {
			v, _ := item.Params.Get(n)
			params[n] = v.(int64)
		}
		for _, n := range required {
			if _, ok := params[n]; !ok {
				t.Errorf("%q lacks %s", values, n)
			}
		}
		out[item.Value.(string)] = params
	}
	return out
}

func TestWhoIsCountedTogether(t *testing.T) {
	for _, test := range []struct {
		name             string
		first, second    string // addresses
		firstID, otherID string
		together         bool
	}{
		{name: "one consumer from two addresses", first: "192.0.2.1", second: "192.0.2.2", firstID: "acme", otherID: "acme", together: true},
		{name: "two consumers from one address", first: "192.0.2.1", second: "192.0.2.1", firstID: "acme", otherID: "globex"},
		{name: "one IPv4 address", first: "192.0.2.1", second: "192.0.2.1", together: true},
		{name: "two IPv4 addresses", first: "192.0.2.1", second: "192.0.2.2"},
		{name: "the same IPv4 address written as IPv6", first: "192.0.2.1", second: "::ffff:192.0.2.1", together: true},
		{name: "two addresses of one IPv6 /64", first: "2001:db8::1", second: "2001:db8::ffff:ffff:ffff:ffff", together: true},
		{name: "two IPv6 /64", first: "2001:db8::1", second: "2001:db8:0:1::1"},
		{name: "unknown addresses", together: true},
		{name: "a consumer called like an address", first: "192.0.2.1", second: "192.0.2.1", otherID: "192.0.2.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := stage(t, limit.Limit{Config: limit.Config{Name: "l", Quotas: []limit.Quota{quota("q", 1, time.Minute)}}})
			send := func(id, address string) bool {
				x := request(id, 0)
				x.Client = netip.Addr{}
				if address != "" {
					x.Client = netip.MustParseAddr(address)
				}
				return s.Handle(x) == nil
			}
			if !send(test.firstID, test.first) {
				t.Fatal("the first was refused")
			}
			if send(test.otherID, test.second) == test.together {
				t.Errorf("counted together: %v, want %v", !test.together, test.together)
			}
		})
	}
}

func TestKeyThatCannotBeComputed(t *testing.T) {
	teapot := problem.New(problem.BadRequest, "no tenant")
	for _, test := range []struct {
		name   string
		key    string
		err    error
		status int
	}{
		{"a key", "acme", nil, 0},
		{"a very long key", strings.Repeat("k", 1<<20), nil, 0},
		{"an empty key", "", nil, 403},
		{"an error", "", errors.New("claims.tenant is missing"), 403},
		{"an error beside a key", "acme", errors.New("half computed"), 403},
		{"a problem", "", fmt.Errorf("computing key: %w", teapot), 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := stage(t, limit.Limit{
				Config: limit.Config{Name: "tenant", Quotas: []limit.Quota{quota("q", 1, time.Minute)}},
				KeyOf:  func(*exchange.Exchange) (string, error) { return test.key, test.err },
			})
			p := s.Handle(request("acme", 0))
			switch {
			case p == nil && test.status != 0, p != nil && p.StatusCode() != test.status:
				t.Fatalf("%v, want %d", p, test.status)
			case p != nil && strings.Contains(p.Detail, "claims"):
				t.Errorf("the client is told %q", p.Detail)
			}
		})
	}
}

type brokenCounter struct{}

func (brokenCounter) Take(context.Context, time.Time, []limit.Charge, []limit.State) (bool, error) {
	return true, errors.New("store unreachable at 10.0.0.5")
}

func (brokenCounter) Return(context.Context, []limit.Charge) {}

func TestCounterThatFailsLetsNothingThrough(t *testing.T) {
	s, diags := limit.New(brokenCounter{}, limit.Limit{Config: limit.Config{Name: "l", Quotas: []limit.Quota{quota("q", 1, time.Minute)}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p := s.Handle(request("acme", 0))
	if p == nil || p.StatusCode() != 503 || p.Header.Get("Retry-After") == "" {
		t.Fatalf("%v, want 503 with Retry-After", p)
	}
	body, err := p.MarshalJSON()
	if err != nil || strings.Contains(string(body), "10.0.0.5") || !strings.HasSuffix(string(body), `"violated-policies":["q"]}`) {
		t.Errorf("the client is told %s, %v", body, err)
	}
}

func TestNeedsOfTheKeys(t *testing.T) {
	l := limit.Limit{Config: limit.Config{Name: "l", Quotas: []limit.Quota{quota("q", 1, time.Minute)}}}
	m := l
	m.Name, m.Needs = "m", exchange.Needs{Header: []string{"X-Tenant"}, Body: exchange.JSON}
	n := stage(t, l, m).Needs()
	if !slices.Equal(n.Header, []string{"X-Tenant"}) || n.Body != exchange.JSON {
		t.Errorf("%+v", n)
	}
}

func TestSwappedStageKeepsCounting(t *testing.T) {
	counter := limit.NewMemory(0)
	build := func(requests int64) *limit.Stage {
		s, diags := limit.New(counter, limit.Limit{Config: limit.Config{Name: "l", Quotas: []limit.Quota{quota("q", requests, time.Minute)}}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return s
	}
	old := build(2)
	old.Handle(request("acme", 0))
	old.Handle(request("acme", 0))
	if p := build(2).Handle(request("acme", 0)); p == nil {
		t.Error("a swap gave the caller a new quota")
	}
	if p := build(200).Handle(request("acme", 0)); p == nil {
		t.Error("a used-up quota stays used up until it refills, whatever its new size")
	}
	if p := build(200).Handle(request("acme", time.Second)); p != nil {
		t.Errorf("the new quota refills at its own rate: %v", p)
	}
}

func TestMistakesInAConfiguration(t *testing.T) {
	at := func(line int) hcl.Range {
		return hcl.Range{Filename: "api.hcl", Start: hcl.Pos{Line: line, Column: 3}, End: hcl.Pos{Line: line, Column: 9}}
	}
	good := quota("q", 1, time.Minute)
	bad := func(q limit.Quota) limit.Limit {
		q.Range = at(7)
		return limit.Limit{Config: limit.Config{Name: "l", Range: at(5), Quotas: []limit.Quota{q}}}
	}
	many := make([]limit.Limit, 9)
	for i := range many {
		many[i] = limit.Limit{Config: limit.Config{Name: fmt.Sprint("l", i), Range: at(i + 1), Quotas: []limit.Quota{good}}}
	}
	for _, test := range []struct {
		name   string
		limits []limit.Limit
		want   []string // summary and line
	}{
		{"no name", []limit.Limit{{Config: limit.Config{Range: at(5), Quotas: []limit.Quota{good}}}}, []string{"Invalid limit name 5"}},
		{"a name that would break a field", []limit.Limit{bad(quota("a\"b", 1, time.Minute))}, []string{"Invalid quota name 7"}},
		{"no quotas", []limit.Limit{{Config: limit.Config{Name: "l", Range: at(5)}}}, []string{"Wrong number of quotas 5"}},
		{"five quotas", []limit.Limit{{Config: limit.Config{Name: "l", Range: at(5), Quotas: []limit.Quota{
			quota("a", 1, time.Minute), quota("b", 1, time.Minute), quota("c", 1, time.Minute), quota("d", 1, time.Minute), quota("e", 1, time.Minute),
		}}}}, []string{"Wrong number of quotas 5"}},
		{"no requests", []limit.Limit{bad(quota("q", 0, time.Minute))}, []string{"Invalid number of requests 7"}},
		{"requests below zero", []limit.Limit{bad(quota("q", -1, time.Minute))}, []string{"Invalid number of requests 7"}},
		{"more than a million a second", []limit.Limit{bad(quota("q", 2_000_001, 2*time.Second))}, []string{"Invalid number of requests 7"}},
		{"no window", []limit.Limit{bad(quota("q", 1, 0))}, []string{"Invalid window 7"}},
		{"half a second", []limit.Limit{bad(quota("q", 1, 1500*time.Millisecond))}, []string{"Invalid window 7"}},
		{"more than a year", []limit.Limit{bad(quota("q", 1, 367*24*time.Hour))}, []string{"Invalid window 7"}},
		{"one window twice without names", []limit.Limit{{Config: limit.Config{Name: "l", Range: at(5), Quotas: []limit.Quota{
			quota("", 1, time.Minute), quota("", 2, time.Minute),
		}}}}, []string{"Duplicate quota 5"}},
		{"one limit twice", []limit.Limit{many[0], many[1], many[0]}, []string{"Duplicate limit 1"}},
		{"nine limits", many, []string{"Too many limits 9"}},
		{"a quota called like the bound on requests under way", []limit.Limit{bad(quota("concurrent", 1, time.Minute))}, []string{"Invalid quota name 7"}},
		{"fewer than none at once", []limit.Limit{{Config: limit.Config{Name: "l", Range: at(5), Concurrent: -1}}}, []string{"Invalid number of concurrent requests 5"}},
		{"too many at once", []limit.Limit{{Config: limit.Config{Name: "l", Range: at(5), Concurrent: 1_000_001}}}, []string{"Invalid number of concurrent requests 5"}},
		{"plans", []limit.Limit{{Config: limit.Config{Name: "l", Range: at(5), Quotas: []limit.Quota{good}, Plans: []limit.Plan{
			{Name: "gold", Range: at(6), Quotas: []limit.Quota{quota("r", 1, time.Minute)}},
			{Name: "gold", Range: at(7)},
			{Name: " silver", Range: at(8), Concurrent: -1},
			{Name: "bronze", Range: at(9), Quotas: []limit.Quota{quota("q", 0, time.Minute)}},
		}}}}, []string{"Unknown quota 6", "Duplicate plan 7", "Empty plan 7", "Invalid plan name 8", "Invalid number of concurrent requests 8", "Invalid number of requests 9"}},
		{"too many plans", []limit.Limit{{Config: limit.Config{Name: "l", Range: at(5), Quotas: []limit.Quota{good}, Plans: plans(17)}}}, []string{"Too many plans 5"}},
		{"all mistakes at once", []limit.Limit{bad(quota("q q", 0, time.Minute)), {Config: limit.Config{Range: at(9)}}},
			[]string{"Invalid number of requests 7", "Invalid quota name 7", "Invalid limit name 9", "Wrong number of quotas 9"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := limit.New(limit.NewMemory(0), test.limits...)
			if s != nil {
				t.Error("a stage was made of a mistake")
			}
			var got []string
			for _, d := range diags {
				if d.Subject == nil || d.Detail == "" {
					t.Fatalf("no place or no detail: %v", d)
				}
				got = append(got, fmt.Sprint(d.Summary, " ", d.Subject.Start.Line))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func plans(n int) []limit.Plan {
	all := make([]limit.Plan, n)
	for i := range all {
		all[i] = limit.Plan{Name: fmt.Sprint("p", i), Concurrent: 1}
	}
	return all
}

func TestQuotasOfOneNameOnOneRoute(t *testing.T) {
	s := stage(t,
		limit.Limit{Config: limit.Config{Name: "consumer", Quotas: []limit.Quota{quota("burst", 1, time.Minute), quota("daily", 9, 24*time.Hour)}}},
		limit.Limit{Config: limit.Config{Name: "tenant", Quotas: []limit.Quota{quota("burst", 5, time.Minute)}}},
	)
	x := request("acme", 0)
	s.Handle(x)
	if got := x.Answer.Get("RateLimit-Policy"); got != `"consumer.burst";q=1;w=60, "daily";q=9;w=86400, "tenant.burst";q=5;w=60` {
		t.Error(got)
	}
}

func TestConfigReadsJSON(t *testing.T) {
	var c limit.Config
	err := json.Unmarshal([]byte(`{"name":"per_consumer","key":"consumer.id","quotas":[{"requests":100,"window":"1m"},{"name":"daily","requests":10000,"window":"24h"}]}`), &c)
	if err != nil {
		t.Fatal(err)
	}
	if diags := c.Check(); diags.HasErrors() {
		t.Fatal(diags)
	}
	x := request("acme", 0)
	stage(t, limit.Limit{Config: c}).Handle(x)
	if got := x.Answer.Get("RateLimit-Policy"); got != `"1m";q=100;w=60, "daily";q=10000;w=86400` {
		t.Error(got)
	}
}

func BenchmarkStage(b *testing.B) {
	s := stage(b, limit.Limit{Config: limit.Config{Name: "l", Quotas: []limit.Quota{
		quota("second", 1_000_000, time.Second), quota("hour", 1_000_000_000, time.Hour), quota("day", 10_000_000_000, 24*time.Hour),
	}}})
	x := request("acme", 0)
	b.ReportAllocs()
	for b.Loop() {
		x.Time = x.Time.Add(10 * time.Microsecond)
		clear(x.Answer)
		if p := s.Handle(x); p != nil {
			b.Fatal(p)
		}
	}
}

// blind lets everything through and knows nothing.
type blind struct{}

func (blind) Take(_ context.Context, _ time.Time, _ []limit.Charge, states []limit.State) (bool, error) {
	for i := range states {
		states[i] = limit.State{Unknown: true}
	}
	return true, nil
}

func (blind) Return(context.Context, []limit.Charge) {}

// Of what nobody counted the caller is told nothing: not that there is much left.
// Whoever wants to know is told how full each quota is.
func TestUsed(t *testing.T) {
	told := map[string][]float64{}
	counted := limit.Limit{Config: limit.Config{Name: "per_consumer", Quotas: []limit.Quota{quota("burst", 2, time.Minute), quota("daily", 4, 24*time.Hour)}}}
	counted.Used = func(quota string, window time.Duration) func(string, float64) {
		return func(key string, share float64) {
			told[fmt.Sprint(quota, " ", window, " ", key)] = append(told[fmt.Sprint(quota, " ", window, " ", key)], share)
		}
	}
	s := stage(t, counted)
	for range 3 {
		s.Handle(request("acme", 0))
	}
	if want := []float64{.5, 1, 1}; !slices.Equal(told["burst 1m0s acme"], want) {
		t.Errorf("burst: %v, want %v", told["burst 1m0s acme"], want)
	}
	if want := []float64{.25, .5, .5}; !slices.Equal(told["daily 24h0m0s acme"], want) {
		t.Errorf("daily: %v, want %v", told["daily 24h0m0s acme"], want)
	}
}

func TestUnknownStates(t *testing.T) {
	s, diags := limit.New(blind{}, limit.Limit{Config: limit.Config{Name: "l", Quotas: []limit.Quota{quota("burst", 5, time.Minute)}, Concurrent: 2}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := request("acme", 0)
	if p := s.Handle(x); p != nil {
		t.Fatal(p)
	}
	if _, told := x.Answer["Ratelimit"]; told || x.Answer.Get("RateLimit-Policy") != `"burst";q=5;w=60, "concurrent";q=2;qu="concurrent-requests"` {
		t.Errorf("the caller is told %v", x.Answer)
	}
}
