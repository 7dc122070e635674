package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/problem"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// ask decides about the full exchange by package a.
func ask(t *testing.T, policy string) (*exchange.Exchange, *problem.Problem) {
	t.Helper()
	x := fullExchange()
	p := files{"a.rego": "package a\n\n" + policy + "\n"}.prepare(t, "data.a").Handle(x)
	if p != nil {
		x.Name(p)
	}
	return x, p
}

func TestOnlyTrueLetsThrough(t *testing.T) {
	for _, c := range []struct {
		policy string
		allow  bool
		cause  string // a part of it, "" for none: the policy simply denied
	}{
		{`allow if true`, true, ""},
		{`allow := input.request.method == "PUT"`, true, ""},
		{`allowed if true`, true, ""},
		{`allow if input.request.method == "GET"`, false, ""},
		{`default allow := false`, false, ""},
		{`allow := "true"`, false, "not string"},
		{`allow := 1`, false, "not number"},
		{`allow := null`, false, "not null"},
		{`allow contains true if true`, false, "not set"},
		{`allow := {"allow": true}`, false, "expected true or false, not object"},
		{`allow.allow := true`, false, "expected true or false, not object"},
		{"allow := {\"allow\": true}\n\nreasons := []", false, "expected true or false, not object"},
		{"allow := \"true\"\n\nreasons := []", false, "expected true or false, not string"},
		{"allow if true\n\nallowed if true", true, ""},
		{"allow if true\n\nallowed := false", false, "allow and allowed differ"},
		{"allow if true\n\nallowed if input.request.method == \"GET\"", false, "allow and allowed differ"},
		{"allow := false\n\nallowed if input.request.method == \"GET\"", false, ""},
		{"allow if not deny\n\ndeny if json.unmarshal(input.request.method)", false, "json.unmarshal"},
		{"allow if input.request.method\n\nallow := false if input.request.host", false, "a.rego:5: eval_conflict_error"},
		{"allow if not deny\n\ndeny if to_number(input.request.host) > 1", false, "to_number"},
		{"allow if true\n\nstatus := 200", true, ""}, // as policies for Envoy say
		{"allow if true\n\nstatus := 600", false, "200 to 599"},
		{"allow if true\n\nreasons := \"none\"", false, "reading reasons"},
		{"allow if true\n\nheaders := {\"X-A\": \"b\\r\\nX-User: admin\"}", false, "no field value may have"},
		// What has no name of an answer's is the policy's own, and not even evaluated.
		{"allow if true\n\nhelper := json.unmarshal(input.request.method)", true, ""},
	} {
		x, p := ask(t, c.policy)
		if (p == nil) != c.allow || x.Decision.Allow != c.allow {
			t.Errorf("%s: got %v, %+v; want allow %v", c.policy, p, x.Decision, c.allow)
			continue
		}
		if p == nil {
			continue
		}
		if p.StatusCode() != 403 || p.Detail != "" || p.Instance != "urn:uuid:"+x.Decision.ID() || len(p.Instance) != 45 {
			t.Errorf("%s: got %v with instance %s", c.policy, p, p.Instance)
		}
		if c.cause == "" && p.Cause != nil || c.cause != "" && (p.Cause == nil || !strings.Contains(p.Cause.Error(), c.cause)) {
			t.Errorf("%s: got cause %v, want %q", c.policy, p.Cause, c.cause)
		}
		if body, _ := p.MarshalJSON(); c.cause != "" && strings.Contains(string(body), c.cause) {
			t.Errorf("%s: the client is told %s", c.policy, body)
		}
	}
}

func TestAnObjectOfOneRule(t *testing.T) {
	for _, c := range []struct {
		answer string
		allow  bool
		cause  string
	}{
		{`{"allow": true}`, true, ""},
		{`{"allow": true, "allowed": true, "reasons": ["a", {"code": "b"}]}`, true, ""},
		{`{"allow": false}`, false, ""},
		{`{}`, false, ""},
		{`{"reasons": ["why"]}`, false, ""},
		{`{"allow": true, "allowed": false}`, false, "differ"},
		{`{"allow": true, "alow": true}`, false, "reading alow: unknown key"},
		{`{"allow": true, "is_owner": true}`, false, "unknown key"},
		{`{"allow": true, 7: true}`, false, "unexpected key 7"},
		{`{"allow": true, "drop": ["/card"], "mask": {"/a/*/b"}, "filter": {"/a": {"x": 1, "/y/z": null}}}`, true, ""},
		{`{"allow": true, "drop": [], "mask": set(), "filter": {}, "limits": {}}`, true, ""},
		{`{"allow": true, "drop": "/card"}`, false, "reading drop: JSON pointers: expected a list or a set, not string"},
		{`{"allow": true, "mask": [1]}`, false, "reading mask: JSON pointers: expected strings, not number"},
		{`{"allow": true, "drop": ["card"]}`, false, "does not begin with a slash"},
		{`{"allow": true, "drop": ["/a/b"], "mask": ["/a/*"]}`, false, "/a/*: what it leads through is an object for one and a list for another"},
		{`{"allow": true, "filter": ["/a"]}`, false, "reading filter: expected an object by JSON pointers to lists, not array"},
		{`{"allow": true, "filter": {"/a": 1}}`, false, "expected an object by names of members, not number"},
		{`{"allow": true, "filter": {"/a": {"b": {}}}}`, false, "b: expected a string, number, boolean or null, not object"},
		{`{"allow": true, "filter": {"/a": {}}}`, false, "0 conditions"},
		{`{"allow": true, "filter": {1: {}}}`, false, "expected JSON pointers to lists as keys, not number"},
		{`{"allow": true, "limits": {"a": {"b": -1}}}`, false, "b of a: expected a number of requests, 0 or more, not -1"},
		{`{"allow": true, "limits": {"a": {"b": 1.5}}}`, false, "b of a: expected a number of requests"},
		{`{"allow": true, "limits": {"a": {"b": "5"}}}`, false, "b of a: expected a number of requests"},
		{`{"allow": true, "limits": {"a": 5}}`, false, "expected an object by names of quotas, not number"},
		{`{"allow": true, "limits": {"a": {sprintf("%d", [n]): 1 | some n in [1, 2, 3, 4, 5]}}}`, false, "at most 4 quotas"},
		{`{"allow": true, "limits": {sprintf("%d", [n]): {} | some n in numbers.range(1, 9)}}`, false, "at most 8 limits"},
		{`{"allow": false, "drop": ["card"]}`, false, ""}, // nothing is shown, so nothing is hidden
		{`{"allow": true, "dynamic_metadata": {"a": {"b": [1]}}}`, true, ""},
		{`{"allow": true, "dynamic_metadata": ["a"]}`, false, "reading dynamic_metadata: expected an object, not array"},
		{`{"allow": true, "dynamic_metadata": {"a": sprintf("%9000d", [1])}}`, false, "8192 bytes"},
		{`{"allow": true, "query_parameters_to_remove": ["a"], "http_status": 200}`, true, ""},
		{`{"allow": true, "query_parameters_to_remove": "a"}`, false, "reading query_parameters_to_remove"},
		{`{"allow": false, "http_status": 200}`, false, "from 400 to 599, or that of a redirection with a Location, not 200"},
		{`["allow"]`, false, "expected an answer of true, false or an object, not array"},
		{`{true}`, false, "not set"},
		{`"true"`, false, "not string"},
		{`null`, false, "not null"},
	} {
		x := fullExchange()
		p := files{"a.rego": "package a\n\nanswer := " + c.answer + "\n"}.prepare(t, "data.a.answer").Handle(x)
		if (p == nil) != c.allow || x.Decision.Allow != c.allow {
			t.Errorf("%s: got %v, %+v; want allow %v", c.answer, p, x.Decision, c.allow)
		}
		if p != nil && (c.cause == "" && p.Cause != nil || c.cause != "" && (p.Cause == nil || !strings.Contains(p.Cause.Error(), c.cause))) {
			t.Errorf("%s: got cause %v, want %q", c.answer, p.Cause, c.cause)
		}
	}
}

// What nobody behind the policy carries out is a denial, however the policy decided.
func TestLimitsWithoutCounts(t *testing.T) {
	x, p := ask(t, "allow if true\n\nlimits.a.b := 5")
	if p == nil || p.StatusCode() != 403 || p.Instance != "urn:uuid:"+x.Decision.ID() || p.Cause == nil || !strings.Contains(p.Cause.Error(), "nothing is counted behind this policy") {
		t.Errorf("got %v", p)
	}
}

func TestWhatADeniedCallerIsTold(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		status       int
		body         string // without instance
		header       http.Header
		failed       bool
	}{
		{"nothing but the type", `reasons := ["secret-reason"]`, 403,
			`{"type":"https://github.com/wicketgate/wicketgate/blob/main/docs/problems.md#forbidden","title":"The caller may not do this","status":403`, nil, false},
		{"a problem", `problem := {"type": "https://shop.example/problems/not-yours", "title": "Not yours", "detail": "the order is acme's"}`, 403,
			`{"type":"https://shop.example/problems/not-yours","title":"Not yours","status":403,"detail":"the order is acme's"`, nil, false},
		{"Envoy's body and status", "body := \"pay first\"\n\nhttp_status := 402", 402,
			`{"type":"about:blank","title":"Payment Required","status":402,"detail":"pay first"`, nil, false},
		{"a login", "status_code := 401\n\nheaders[\"www-authenticate\"] := \"Bearer\"", 401,
			`{"type":"https://github.com/wicketgate/wicketgate/blob/main/docs/problems.md#unauthorized","title":"The request carries no valid credentials","status":401`, http.Header{"Www-Authenticate": {"Bearer"}}, false},
		{"a page for logging in", "http_status := 302\n\nheaders.location := \"https://id.example/login\"", 302,
			`{"type":"about:blank","title":"Found","status":302`, http.Header{"Location": {"https://id.example/login"}}, false},
		{"a redirection to nowhere", `http_status := 302`, 403, forbidden, nil, true},
		{"hidden", `status := 404`, 404,
			`{"type":"https://github.com/wicketgate/wicketgate/blob/main/docs/problems.md#not-found","title":"There is nothing at this address","status":404`, nil, false},
		{"a detail before a message", "problem := {\"detail\": \"a\"}\n\nmessage := \"b\"", 403,
			`{"type":"https://github.com/wicketgate/wicketgate/blob/main/docs/problems.md#forbidden","title":"The caller may not do this","status":403,"detail":"a"`, nil, false},
		{"two statuses", "status := 404\n\nhttp_status := 403", 403, forbidden, nil, true},
		{"a success", `status := 200`, 403, forbidden, nil, true},
		{"a fraction", `status := 404.5`, 403, forbidden, nil, true},
		{"a status that is text", `status := "404"`, 403, forbidden, nil, true},
		{"another member", `problem := {"detail": "a", "stack": "b"}`, 403, forbidden, nil, true},
		{"a type that is no URI", `problem := {"type": "%zz"}`, 403, forbidden, nil, true},
		{"a detail too long", `problem := {"detail": sprintf("%5000d", [1])}`, 403, forbidden, nil, true},
		{"a content type", `headers := {"content-type": "text/html"}`, 403, forbidden, nil, true},
		{"a body that is no text", `body := {"a": 1}`, 403, forbidden, nil, true},
	} {
		x, p := ask(t, "allow := false\n\n"+c.policy)
		if p == nil {
			t.Errorf("%s: allowed", c.name)
			continue
		}
		body, _ := p.MarshalJSON()
		want := c.body + `,"instance":"urn:uuid:` + x.Decision.ID() + `"}`
		if p.StatusCode() != c.status || string(body) != want || (p.Cause != nil) != c.failed {
			t.Errorf("%s: got %s because of %v\nwant %s", c.name, body, p.Cause, want)
		}
		if len(p.Header) > 0 && !reflect.DeepEqual(p.Header, c.header) {
			t.Errorf("%s: got fields %v, want %v", c.name, p.Header, c.header)
		}
	}
}

const forbidden = `{"type":"https://github.com/wicketgate/wicketgate/blob/main/docs/problems.md#forbidden","title":"The caller may not do this","status":403`

func TestWhatAnAllowedRequestIsGiven(t *testing.T) {
	x, p := ask(t, `allow if true

reasons contains "is-clerk"

reasons contains {"code": "in-hours", "until": 18}

headers := {"x-tier": "gold", "X-Roles": ["a", "b"]}

response_headers_to_add := [{"X-Policy": "7"}, {"x-cache-scope": "private"}]

request_headers_to_remove contains "if-match"

query_parameters_to_set := {"tag": ["z"], "owner": "a&b=c", "both": "x"}

query_parameters_to_remove := ["page", "both", "unknown"]

dynamic_metadata := {"plan": "gold"}

status := 403

problem := {"detail": "only for denials"}`)
	if p != nil {
		t.Fatal(p)
	}
	d := x.Decision
	if want := []any{"is-clerk", map[string]any{"code": "in-hours", "until": d.Reasons[1].(map[string]any)["until"]}}; !reflect.DeepEqual(d.Reasons, want) || d.Denial != nil {
		t.Errorf("got reasons %v, problem %v", d.Reasons, d.Denial)
	}
	if want := (http.Header{"X-Tier": {"gold"}, "X-Roles": {"a", "b"}}); !reflect.DeepEqual(x.Forward, want) {
		t.Errorf("got forward %v, want %v", x.Forward, want)
	}
	if want := (http.Header{"X-Policy": {"7"}, "X-Cache-Scope": {"private"}}); !reflect.DeepEqual(x.Answer, want) {
		t.Errorf("got answer %v, want %v", x.Answer, want)
	}
	if _, there := x.Header["If-Match"]; there {
		t.Error("If-Match was not removed")
	}
	if want := "owner=a%26b%3Dc&tag=z"; x.Query.Raw != want {
		t.Errorf("got the query %s, want %s", x.Query.Raw, want)
	}
}

func TestFieldsThatPoliciesMayNotSet(t *testing.T) {
	for _, answer := range []string{
		`headers := {"Connection": "X-User"}`, `headers := {"transfer-encoding": "chunked"}`, `headers := {"Content-Length": "0"}`, `headers := {"host": "x"}`,
		`headers := {"X User": "a"}`, `headers := {"": "a"}`, `headers := {":path": "/"}`, `headers := {"X-A": "a\nb"}`, `headers := {"X-A": "a\u0000"}`,
		`headers := {"X-A": "a", "x-a": "b"}`, `headers := {"X-A": 1}`, `headers := {"X-A": ["a", 1]}`, `headers := {1: "a"}`, `headers := "X-A"`, `headers := ["X-A"]`,
		`headers := {sprintf("x-%d", [n]): "a" | some n in numbers.range(1, 65)}`,
		`headers := {"X-A": sprintf("%9000d", [1])}`,
		`response_headers_to_add := {"X-A": "\r\n"}`, `response_headers_to_add := {"Upgrade": "h2c"}`,
		`request_headers_to_remove := ["Host"]`, `request_headers_to_remove := ["a b"]`, `request_headers_to_remove := "X-A"`,
		`query_parameters_to_set := {"a": {"b": "c"}}`, `query_parameters_to_set := 1`,
		`reasons := [1]`, `reasons := [sprintf("%d", [n]) | some n in numbers.range(1, 65)]`, `reasons := [sprintf("%5000d", [1])]`,
	} {
		x, p := ask(t, "allow if true\n\n"+answer)
		if p == nil || p.Cause == nil || len(x.Forward)+len(x.Answer)+len(x.Decision.UpstreamSet)+len(x.Decision.AnswerSet) > 0 {
			t.Errorf("%s: got %v, %+v", answer, p, x.Decision)
		}
	}
}

func TestBody(t *testing.T) {
	q := files{"a.rego": "package a\n\nallow if input.request.body.total > 1\n\nallow if not input.request.body\n"}.prepare(t, "data.a")
	for _, c := range []struct {
		name   string
		body   exchange.Body
		status int // 0 for allowed
	}{
		{"allowed", exchange.Body{Read: true, Valid: true, Bytes: []byte(`{"total":2}`)}, 0},
		{"denied", exchange.Body{Read: true, Valid: true, Bytes: []byte(`{"total":1}`)}, 403},
		{"no body", exchange.Body{}, 0},
		{"an empty body", exchange.Body{Read: true}, 0},
		{"not JSON", exchange.Body{Read: true, Bytes: []byte(`{"total":2}{}`)}, 400},
		{"not read", exchange.Body{Stream: strings.NewReader(`{"total":2}`)}, 500},
		{"a number far too large", exchange.Body{Read: true, Valid: true, Bytes: []byte(`{"total":1e999999999}`)}, 400},
	} {
		x := &exchange.Exchange{Body: c.body}
		p := q.Handle(x)
		if p == nil && c.status != 0 || p != nil && p.StatusCode() != c.status {
			t.Errorf("%s: got %v, want %d", c.name, p, c.status)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	exponential := "package a\n\nallow if not deny\n\ndeny if f0(0) < 0\n\nf40(x) := x\n"
	for i := range 40 { // 2^40 calls, all with arguments of their own
		exponential += fmt.Sprintf("\nf%d(x) := f%d(2 * x) + f%d((2 * x) + 1)\n", i, i+1, i+1)
	}
	for name, text := range map[string]string{
		"exponential": exponential,
		"long": `package a

allow if not deny

deny if {
	some i in numbers.range(1, 1000000)
	some j in numbers.range(1, 1000000)
	i + j < 0
}
`,
	} {
		t.Run(name, func(t *testing.T) {
			snapshot, diags := Load(context.Background(), []string{files{"a.rego": text}.write(t)}, Options{Limit: time.Second, now: ticking()})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			q, diags := snapshot.Prepare("data.a", here)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := fullExchange()
			if p := q.Handle(x); p == nil || p.StatusCode() != 403 || !errors.Is(p, errTimeout) {
				t.Errorf("got %v, want a 403 for the time limit", p)
			}

			gone, cancel := context.WithCancel(context.Background())
			cancel()
			x = fullExchange()
			x.Context = gone
			if p := q.Handle(x); p == nil || !errors.Is(p, context.Canceled) {
				t.Errorf("got %v, want a denial since the client has gone", p)
			}
		})
	}
}

// ticking is a clock that goes on by 10 ms at each look.
func ticking() func() time.Time {
	now := time.Unix(1790000000, 0)
	return func() time.Time {
		now = now.Add(10 * time.Millisecond)
		return now
	}
}

func TestLimitOutOfRange(t *testing.T) {
	for _, limit := range []time.Duration{-1, time.Minute} {
		if _, diags := Load(context.Background(), nil, Options{Limit: limit}); !diags.HasErrors() {
			t.Errorf("%s was taken", limit)
		}
	}
}

// breaking is a claim that breaks whoever reads it.
type breaking struct{}

func (breaking) MarshalJSON() ([]byte, error) { panic("broken claim") }

func TestPanicIsADenial(t *testing.T) {
	q := files{"a.rego": "package a\n\nallow if not input.consumer.claims.x.blocked\n"}.prepare(t, "data.a")
	x := fullExchange()
	x.Consumer.Claims = map[string]any{"x": breaking{}}
	if p := q.Handle(x); p == nil || p.StatusCode() != 403 || !strings.Contains(p.Cause.Error(), "panic: broken claim") {
		t.Errorf("got %v, want a 403", p)
	}
	x.Consumer.Claims = map[string]any{"x": make(chan int)}
	if p := q.Handle(x); p == nil || p.StatusCode() != 403 || p.Cause == nil {
		t.Errorf("got %v, want a 403", p)
	}
}

func TestManyAtOnce(t *testing.T) {
	q := files{"a.rego": `package a

allow if input.consumer.id in data.members[input.request.method]

reasons contains sprintf("no-%s", [input.consumer.id]) if not allow
`, "data.json": `{"members": {"PUT": ["ada", "grace"]}}`}.prepare(t, "data.a")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				x := fullExchange()
				x.Consumer.ID = []string{"ada", "eve"}[i%2]
				if p := q.Handle(x); (p == nil) != (i%2 == 0) {
					t.Errorf("%s: got %v", x.Consumer.ID, p)
				}
			}
		})
	}
	all.Wait()
}

func TestDecisionsCannotChangeData(t *testing.T) {
	q := files{"a.rego": "package a\n\nallow if count(data.list) == 2\n\nreasons := data.list\n", "data.json": `{"list": [{"n": 1}, {"n": 2}]}`}.prepare(t, "data.a")
	q.bypass = BypassOff // each is read from the data anew
	x := fullExchange()
	for range 2 {
		if p := q.Handle(x); p != nil {
			t.Fatal(p)
		}
		x.Decision.Reasons[0].(map[string]any)["n"] = "changed"
	}
	if p := q.Handle(x); p != nil || x.Decision.Reasons[0].(map[string]any)["n"] == "changed" {
		t.Errorf("got %v, %v", p, x.Decision.Reasons)
	}
}

// What OPA quotes of a request in an error is no business of the gateway's log.
func TestFailuresQuoteNothing(t *testing.T) {
	q := files{"a.rego": "package a\n\nallow if to_number(input.request.headers.authorization[0]) > 1\n"}.prepare(t, "data.a")
	x := fullExchange()
	x.Header.Set("Authorization", "s3cret")
	_, p := q.Decide(x)
	if p == nil || strings.Contains(p.Error(), "s3cret") || !strings.HasSuffix(p.Error(), "a.rego:3: eval_builtin_error: to_number") {
		t.Errorf("got %v", p)
	}
}
