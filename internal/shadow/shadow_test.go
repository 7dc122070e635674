package shadow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/problem"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// query loads a policy of a package and asks the package.
func query(t testing.TB, pkg, rego string) *policy.Query {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.rego"), []byte("package "+pkg+"\n\n"+rego), 0o600); err != nil {
		t.Fatal(err)
	}
	s, diags := policy.Load(context.Background(), []string{dir}, policy.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	q, diags := s.Prepare("data."+pkg, hcl.Range{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return q
}

// trying is a live query that is compared with a candidate.
type trying struct {
	*Shadow
	live  *policy.Query
	mu    sync.Mutex
	found []*Difference
}

func try(t testing.TB, live, next *policy.Query, mistakes ...string) *trying {
	t.Helper()
	s := &trying{}
	s.Shadow = New(Config{Found: func(d *Difference) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.found = append(s.found, d)
	}})
	t.Cleanup(s.Close)
	set := s.Begin()
	s.live = live.Observed(set.Compare(live, next, "next", mistakes))
	set.Commit()
	return s
}

// counts waits until so many decisions have been counted.
func (s *trying) counts(t testing.TB, n uint64) Counts {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		c := s.Report().Comparisons[0].Counts
		if c.Evaluated+c.Dropped+c.NoBody+c.Unreadable+c.Mistaken >= n {
			return c
		}
		if time.Now().After(end) {
			t.Fatalf("%+v after 20 s, want %d decisions", c, n)
		}
	}
}

func request(path string, more ...func(*exchange.Exchange)) *exchange.Exchange {
	x := &exchange.Exchange{Method: "GET", Path: exchange.Path{Escaped: path}, Time: time.Unix(1, 0)}
	for _, f := range more {
		f(x)
	}
	return x
}

func by(id string) func(*exchange.Exchange) {
	return func(x *exchange.Exchange) { x.Consumer = &exchange.Consumer{ID: id, Method: "api_key"} }
}

// Each candidate answers one request in its way, beside a live policy that allows /a and denies /b.
func TestResults(t *testing.T) {
	const live = `allow if input.request.path == "/a"

reasons contains "not-a" if not allow

headers := {"X-Plan": "gold"}
`
	for _, test := range []struct {
		name, next, path string
		became           Result
		rules, reasons   []string
	}{
		{"the same", live, "/a", Agreed, nil, nil},
		{"the same denial", live, "/b", Agreed, nil, nil},
		{"denied", "allow if false\n\nreasons contains {\"code\": \"never\"}\n\nheaders := {\"X-Plan\": \"gold\"}\n", "/a", WouldDeny, []string{"allow", "reasons"}, []string{"never"}},
		{"undefined", "allow if input.request.host == \"x\"\n", "/a", WouldDeny, []string{"allow", "headers"}, nil},
		{"allowed", "allow := true\n\nheaders := {\"X-Plan\": \"gold\"}\n", "/b", WouldAllow, []string{"allow", "reasons"}, []string{"not-a"}},
		{"another header", strings.Replace(live, "gold", "silver", 1), "/a", Differs, []string{"headers"}, nil},
		{"another reason", strings.Replace(live, "not-a", "no", 1), "/b", Differs, []string{"reasons"}, []string{"no"}},
		{"no answer", "allow if json.unmarshal(input.request.path)\n", "/a", Failed, nil, nil},
		{"no answer of a kind", "allow := \"true\"\n", "/a", Failed, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := try(t, query(t, "p", live), query(t, "p", test.next))
			x := request(test.path, by("acme"), func(x *exchange.Exchange) { x.API, x.Route = "shop", "GET /{id}" })
			d, prob := s.live.Decide(x)
			if (prob == nil) != (test.path == "/a") {
				t.Fatalf("the live policy says %v", prob)
			}
			c := s.counts(t, 1)
			if got := map[Result]uint64{Agreed: c.Agreed, WouldDeny: c.WouldDeny, WouldAllow: c.WouldAllow, Differs: c.Differs, Failed: c.Failed}[test.became]; got != 1 || c.Evaluated != 1 {
				t.Fatalf("got %+v, want %s", c, test.became)
			}
			s.Close() // its work is done: what it found has been told
			if test.became == Agreed {
				if len(s.found) > 0 || c.Examples != nil {
					t.Errorf("got %+v, %v", s.found, c.Examples)
				}
				return
			}
			f := s.found[0]
			if f.Became != test.became || !reflect.DeepEqual(f.Rules, test.rules) || !reflect.DeepEqual(f.Reasons, test.reasons) {
				t.Errorf("got %+v", f)
			}
			if f.Decision != d.ID() || f.Query != "data.p" || f.Candidate != "next" || f.Route != "GET /{id}" || len(f.Input) != 64 || (f.Err != nil) != (test.became == Failed) {
				t.Errorf("got %+v", f)
			}
			want := []Example{{API: "shop", Route: "GET /{id}", Became: test.became, Reasons: strings.Join(test.reasons, ", "), Count: 1}}
			if !reflect.DeepEqual(c.Examples, want) {
				t.Errorf("got %+v, want %+v", c.Examples, want)
			}
			if callers := map[bool]int{true: 1}[test.became == WouldDeny]; c.Callers != callers {
				t.Errorf("%d callers, want %d", c.Callers, callers)
			}
		})
	}
}

// A request is told apart by a hash alone, which does not depend on the order in which its values came.
func TestInputHash(t *testing.T) {
	s := try(t, query(t, "p", "allow := true\n"), query(t, "p", "allow if input.request.headers.a == input.request.headers.b\n"))
	for _, a := range []string{"1", "1", "2"} {
		s.live.Decide(request("/", func(x *exchange.Exchange) { x.Header = map[string][]string{"A": {a}, "B": {"3"}} }))
	}
	s.counts(t, 3)
	s.Close()
	if one, same, other := s.found[0].Input, s.found[1].Input, s.found[2].Input; one != same || one == other {
		t.Errorf("got %s, %s, %s", one, same, other)
	}
}

// The candidate's needs are not the request's: what nobody else has read, it does not see.
func TestBodies(t *testing.T) {
	s := try(t, query(t, "p", "allow := true\n"), query(t, "p", "allow if input.request.body.ok\n"))
	if s.live.Needs().Body != exchange.None {
		t.Fatal("the candidate has the body read")
	}
	bodies := []struct {
		body exchange.Body
		want func(Counts) uint64
	}{
		{exchange.Body{Stream: strings.NewReader(`{"ok":true}`), Length: 11}, func(c Counts) uint64 { return c.NoBody }},
		{exchange.Body{Read: true, Bytes: []byte("a=b")}, func(c Counts) uint64 { return c.NoBody }},
		{exchange.Body{Read: true, Valid: true, Bytes: []byte(`{"ok":true}`)}, func(c Counts) uint64 { return c.Agreed }},
		{exchange.Body{Stream: strings.NewReader(""), Length: 0}, func(c Counts) uint64 { return c.WouldDeny }},
		{exchange.Body{}, func(c Counts) uint64 { return c.WouldDeny }},
	}
	for i, b := range bodies {
		before := b.want(s.counts(t, uint64(i)))
		if _, prob := s.live.Decide(request("/", func(x *exchange.Exchange) { x.Body = b.body })); prob != nil {
			t.Fatal(prob)
		}
		if got := b.want(s.counts(t, uint64(i+1))); got != before+1 {
			t.Errorf("body %d: %+v", i, s.Report().Comparisons[0].Counts)
		}
	}
}

// Nothing a candidate does holds up or ends a request: one with mistakes is not asked, and what is too much is dropped.
func TestMistakes(t *testing.T) {
	s := try(t, query(t, "p", "allow := true\n"), nil, "a.rego:3:1: error")
	if _, prob := s.live.Decide(request("/")); prob != nil {
		t.Fatal(prob)
	}
	r := s.Report()
	if c := r.Comparisons[0]; c.Mistaken != 1 || !strings.Contains(c.Verdict, "mistakes") || r.Safe || !r.Different() {
		t.Errorf("got %+v", r)
	}
}

func TestFullQueue(t *testing.T) {
	s := try(t, query(t, "p", "allow := true\n"), query(t, "p", "allow := false\n"))
	s.start.Do(func() {}) // nobody works
	for range maxWaiting + 3 {
		s.live.Decide(request("/"))
	}
	if c := s.counts(t, 3); c.Dropped != 3 || c.Evaluated != 0 {
		t.Errorf("got %+v", c)
	}
	s.Close()
	s.live.Decide(request("/"))
	if c := s.counts(t, 4); c.Dropped != 4 {
		t.Errorf("after the end: %+v", c)
	}
}

func TestLargeBodies(t *testing.T) {
	s := try(t, query(t, "p", "allow := true\n"), query(t, "p", "allow if input.request.body\n"))
	s.start.Do(func() {})
	body := []byte(`"` + strings.Repeat("x", maxBodies/2) + `"`)
	for range 3 {
		s.live.Decide(request("/", func(x *exchange.Exchange) { x.Body = exchange.Body{Read: true, Valid: true, Bytes: body} }))
	}
	if c := s.counts(t, 2); c.Dropped != 2 || len(s.queue) != 1 {
		t.Errorf("got %+v, %d waiting", c, len(s.queue))
	}
}

// A load that changes neither the policy nor the candidate goes on counting; any other begins anew, once it is in force.
func TestLoads(t *testing.T) {
	live, next, changed := query(t, "p", "allow := true\n"), query(t, "p", "allow := true\n"), query(t, "p", "allow if 1 == 1\n")
	s := try(t, live, next)
	s.live.Decide(request("/"))
	s.counts(t, 1)
	for _, step := range []struct {
		name       string
		live, next *policy.Query
		commit     bool
		want       uint64
	}{
		{"the same", live, next, true, 1},
		{"a candidate that is not taken", live, changed, false, 1},
		{"a candidate", live, changed, true, 0},
		{"another live policy", next, changed, true, 0},
	} {
		set := s.Begin()
		c := set.Compare(step.live, step.next, "next", nil)
		if again := set.Compare(step.live, step.next, "next", nil); again != c {
			t.Errorf("%s: one load has two comparisons of the same", step.name)
		}
		if step.commit {
			set.Commit()
		}
		if got := s.Report().Comparisons[0].Evaluated; got != step.want || len(s.Report().Comparisons) != 1 {
			t.Errorf("%s: %d evaluated, want %d", step.name, got, step.want)
		}
	}
	set := s.Begin()
	set.Report(live)
	set.Add()
	if n := len(s.Report().Comparisons); n != 2 {
		t.Errorf("%d comparisons", n)
	}
}

func TestReportOnly(t *testing.T) {
	q := query(t, "p", "allow if input.request.path == \"/a\"\n\nreasons contains \"no\" if not allow\n")
	s := New(Config{})
	defer s.Close()
	set := s.Begin()
	c := set.Report(q)
	set.Commit()
	for _, path := range []string{"/a", "/b", "/b"} {
		x := request(path)
		d, prob := q.Decide(x)
		c.Reported(x, d, prob)
	}
	c.Reported(request("/"), nil, problem.New(problem.InvalidBody, ""))
	d := &exchange.Decision{Verdict: &exchange.Verdict{}}
	c.Reported(request("/"), d, problem.New(problem.Forbidden, "").Because(errors.New("no answer")))
	got := s.Report().Comparisons[0]
	if got.Kind != ReportOnly || got.Evaluated != 4 || got.Agreed != 1 || got.WouldDeny != 2 || got.Failed != 1 || got.NoBody != 1 || got.Anonymous != 2 {
		t.Errorf("got %+v", got)
	}
}

// What is kept of differences is bounded, and nothing is lost but which they were.
func TestBounds(t *testing.T) {
	c := newTally(time.Unix(0, 0))
	for i := range maxCallers + 5 {
		c.add(WouldDeny, about{route: fmt.Sprint(i % (maxExamples + 2)), caller: fmt.Sprint(i)}, []string{"allow"}, nil)
	}
	got := c.read()
	shown := uint64(0)
	for _, e := range got.Examples {
		shown += e.Count
	}
	if len(got.Examples) != maxExamples || shown+got.Others != maxCallers+5 || got.Others == 0 || got.Callers != maxCallers || !got.MoreCallers || got.Rules["allow"] != maxCallers+5 {
		t.Errorf("%d examples of %d, %d others, %+v", len(got.Examples), shown, got.Others, got.Callers)
	}
}

// Work goes on when something panics in it, which would end the process.
func TestPanic(t *testing.T) {
	told := make(chan error, 1)
	s := New(Config{
		Counted: func(string, Result, []string, []string) { panic("no metrics") },
		Found:   func(d *Difference) { told <- d.Err },
	})
	defer s.Close()
	set := s.Begin()
	live := query(t, "a", "allow := true\n").Observed(set.Compare(query(t, "a", "allow := true\n"), query(t, "a", "allow := false\n"), "next", nil))
	set.Commit()
	for range 2 {
		if _, p := live.Decide(request("/a")); p != nil {
			t.Fatal(p)
		}
		if err := <-told; err == nil || !strings.Contains(err.Error(), "panic: no metrics") {
			t.Errorf("told: %v", err)
		}
	}
}

// Differences are told at a bounded rate, with how many were not.
func TestRate(t *testing.T) {
	now, untold, told := time.Unix(100, 0), uint64(0), 0
	s := New(Config{Now: func() time.Time { return now }, Found: func(d *Difference) { told, untold = told+1, d.Untold }})
	defer s.Close()
	for range maxFound + 5 {
		s.find(&Difference{})
	}
	now = now.Add(time.Second)
	s.find(&Difference{})
	if told != maxFound+1 || untold != 5 {
		t.Errorf("%d told, %d not", told, untold)
	}
}

// A candidate that never saw the bodies it reads does not become safe by another one.
func TestNotSafeUntried(t *testing.T) {
	s := New(Config{})
	defer s.Close()
	tried, untried := newTally(time.Unix(0, 0)), newTally(time.Unix(0, 0))
	s.inForce[key{Candidate, "data.a", "next"}] = &Comparison{key: key{Candidate, "data.a", "next"}, tally: tried}
	s.inForce[key{Candidate, "data.b", "next"}] = &Comparison{key: key{Candidate, "data.b", "next"}, tally: untried}
	tried.add(Agreed, about{}, nil, nil)
	if r := s.Report(); !r.Safe {
		t.Errorf("one that nobody had to ask: %s", r.Verdict)
	}
	untried.add(NoBody, about{}, nil, nil)
	if r := s.Report(); r.Safe || r.Different() || !strings.HasPrefix(r.Verdict, "not known to be safe") {
		t.Errorf("one that was not asked: %s", r.Verdict)
	}
	untried.add(Agreed, about{}, nil, nil)
	if r := s.Report(); !r.Safe {
		t.Errorf("one that was asked at last: %s", r.Verdict)
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		counts Counts
		want   string
	}{
		{Counts{}, "nothing evaluated since 1970-01-01T00:00:00Z"},
		{Counts{Evaluated: 10234, Agreed: 10234}, "safe to promote: no difference in 10,234 decisions since 1970-01-01T00:00:00Z"},
		{Counts{Evaluated: 1, Agreed: 1, NoBody: 2}, "safe to promote: no difference in 1 decision since 1970-01-01T00:00:00Z; of 2 more it was not asked"},
		{Counts{Evaluated: 9, WouldDeny: 5, Callers: 1}, "not safe to promote: 5 requests would newly be denied, of 1 caller"},
		{Counts{Evaluated: 9, WouldDeny: 1, Callers: 3, Anonymous: 2}, "not safe to promote: 1 request would newly be denied, of 3 callers and of anonymous ones"},
		{Counts{Evaluated: 9, WouldDeny: 1000, Callers: 1000, MoreCallers: true}, "not safe to promote: 1,000 requests would newly be denied, of more than 1,000 callers"},
		{Counts{Evaluated: 9, WouldDeny: 1, Anonymous: 1}, "not safe to promote: 1 request would newly be denied, of anonymous callers"},
		{Counts{Evaluated: 9, WouldAllow: 1}, "not safe to promote: 1 request would newly be allowed"},
		{Counts{Evaluated: 9, Failed: 1}, "not safe to promote: the candidate had no answer to 1 request"},
		{Counts{Evaluated: 9, Differs: 1}, "look at the differences: 1 request would be answered in another way"},
	} {
		test.counts.Since = time.Unix(0, 0)
		c := Compared{Counts: test.counts}
		if got := c.words(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// BenchmarkObserve is what a candidate costs on the path of a request.
func BenchmarkObserve(b *testing.B) {
	s := try(b, query(b, "p", "allow := true\n"), query(b, "p", "allow if input.request.path == \"/a\"\n"))
	s.start.Do(func() {})
	b.ReportAllocs()
	for b.Loop() {
		s.live.Decide(request("/a"))
	}
}
