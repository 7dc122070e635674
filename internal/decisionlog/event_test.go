package decisionlog

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"go.opentelemetry.io/otel/trace"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/problem"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var update = flag.Bool("update", false, "write what is there to the golden files")

const secret = "Bearer s3cr3t-t0ken"

// exchanged is a request of which much is known.
func exchanged() *exchange.Exchange {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0x4b, 15: 0x36}, SpanID: trace.SpanID{7: 0xb7}})
	x := &exchange.Exchange{
		Context: trace.ContextWithSpanContext(context.Background(), span),
		ID:      "0190f3a4-0000-7000-8000-000000000001",
		Time:    time.Date(2026, 5, 4, 3, 2, 1, 123456789, time.UTC),
		Method:  "PUT", Scheme: "https", Host: "api.acme.example",
		Path:   exchange.Path{Escaped: "/orders/7", Segments: []string{"orders", "7"}},
		Query:  exchange.Query{Raw: "page=2&partner_key=s3cr3t-key"},
		Header: http.Header{"Authorization": {secret}, "X-Partner-Key": {"s3cr3t-key"}, "Accept": {"application/json"}},
		Client: netip.MustParseAddr("2001:db8::1"),
		API:    "orders", Version: "2026-05-01", Route: "PUT /orders/{id}",
		Consumer: &exchange.Consumer{ID: "acme", Name: "Acme", Method: "jwt", Claims: map[string]any{"roles": []any{"clerk"}}},
	}
	x.Body = exchange.Body{Read: true, Valid: true, Bytes: []byte(`{"card": {"number": "4111-1111"}, "total": 10.50}`)}
	return x
}

// watcher is a policy's observer that the test puts between: it gives decisions the same id and time.
type watcher struct {
	observe func(*exchange.Exchange, *policy.Observation) *problem.Problem
}

func (w watcher) Observe(x *exchange.Exchange, o *policy.Observation) *problem.Problem {
	return w.observe(x, o)
}

// asked makes a query of a policy, whose decisions observers are told of.
func asked(t testing.TB, rego string, observers ...policy.Observer) *policy.Query {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.rego"), []byte("package shop.orders\n\n"+rego), 0o600); err != nil {
		t.Fatal(err)
	}
	snapshot, diags := policy.Load(t.Context(), []string{dir}, policy.Options{Limit: 10 * time.Second})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	q, diags := snapshot.Observed(observers...).Prepare("data.shop.orders", hcl.Range{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return q
}

// recorder is one whose events are kept.
func recorder(t testing.TB, masks ...string) (*Recorder, *kept, *Log) {
	t.Helper()
	to := &kept{}
	log, err := NewLines(to.open, Settings{Meter: &meter{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	var parsed []Mask
	for _, text := range masks {
		m, err := ParseMask(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, m)
	}
	return NewRecorder(log, parsed, map[string]string{"id": "gw-1", "app": "wicketgate"}), to, log
}

var folder = regexp.MustCompile(`"file":"[^"]*/`)

// opaEvent is what OPA 1.22 calls EventV1, as far as events of ours have it.
type opaEvent struct {
	Labels     map[string]string `json:"labels"`
	DecisionID string            `json:"decision_id"`
	TraceID    string            `json:"trace_id,omitempty"`
	SpanID     string            `json:"span_id,omitempty"`
	Bundles    map[string]struct {
		Revision string `json:"revision,omitempty"`
	} `json:"bundles,omitempty"`
	Path        string         `json:"path,omitempty"`
	Input       *any           `json:"input,omitempty"`
	Result      *any           `json:"result,omitempty"`
	Erased      []string       `json:"erased,omitempty"`
	Error       any            `json:"error,omitempty"`
	RequestedBy string         `json:"requested_by,omitempty"`
	Timestamp   time.Time      `json:"timestamp"`
	Metrics     map[string]any `json:"metrics,omitempty"`
	Custom      map[string]any `json:"custom,omitempty"`
}

// Each event is compared with testdata/events.txt, but for what is another each time, and read as OPA reads it.
func TestEvents(t *testing.T) {
	var all []string
	for _, c := range []struct{ name, rego string }{
		{"allowed", "allow if input.request.method == \"PUT\"\n"},
		{"undefined", "allow if input.request.method == \"GET\"\n"},
		{"with headers", "allow if count(input.request.headers) > 1\n\nreasons contains \"b\"\n\nreasons contains \"a\"\n"},
		{"with a query", "allow if count(input.request.query) == 2\n"},
		{"with a body", "allow if input.request.body != {\"total\": 1}\n\nallow if input.api.version == \"\"\n\nheaders := {\"Authorization\": \"Basic s3cr3t\", \"X-Team\": \"blue\"}\n"},
		{"with claims", "allow if \"clerk\" in input.consumer.claims.roles\n"},
		{"a wrong answer", "allow := \"true\"\n"},
		{"a failing function", "allow if json.unmarshal(input.request.path)\n"},
		{"a failing function that was given a secret", "allow if json.unmarshal(input.request.headers.authorization[0])\n"},
		{"a conflict", "allow if input.request.method == \"PUT\"\n\nallow := false if input.request.host\n"},
	} {
		r, to, log := recorder(t, "input.body.card")
		r.Hide([]string{"X-Partner-Key"}, []string{"partner_key"})
		x := exchanged()
		//nolint:errcheck // the event is what counts
		asked(t, c.rego, watcher{func(x *exchange.Exchange, o *policy.Observation) *problem.Problem {
			o.Took = 42 * time.Microsecond
			return r.Observe(x, o)
		}}).Handle(x)
		log.Close()
		line := to.String()
		if strings.Contains(line, "s3cr3t") || strings.Contains(line, "4111") {
			t.Errorf("%s: a secret is in %s", c.name, line)
		}
		event := opaEvent{}
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&event); err != nil {
			t.Fatalf("%s: OPA cannot read %s: %v", c.name, line, err)
		}
		if event.DecisionID != x.Decision.ID() || !event.Timestamp.Equal(x.Time) || event.Path != "shop/orders" || event.Labels["id"] != "gw-1" {
			t.Errorf("%s: OPA reads %+v", c.name, event)
		}
		line = strings.ReplaceAll(strings.TrimSpace(line), x.Decision.ID(), "DECISION")
		all = append(all, "# "+c.name, folder.ReplaceAllString(line, `"file":"FOLDER/`))
	}
	const golden = "testdata/events.txt"
	got := strings.Join(all, "\n") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Of a decision that says too much, what it was and came to is logged without what it said.
func TestALargeEventIsLoggedWithoutItsDocuments(t *testing.T) {
	r, to, log := recorder(t)
	x := exchanged()
	x.Body.Bytes = []byte(`{"text": "` + strings.Repeat("x", maxEvent) + `"}`)
	if p := asked(t, "allow if input.request.body.text\n", r).Handle(x); p != nil {
		t.Fatal(p)
	}
	if p := asked(t, "allow if input.request.method\n\nreasons contains input.request.method\n\nmessage := input.request.body.text if false\n", r).Handle(x); p != nil {
		t.Fatal(p)
	}
	log.Close()
	lines := strings.Split(strings.TrimSpace(to.String()), "\n")
	for i, line := range lines {
		if len(line) > 1000 || !json.Valid([]byte(line)) || !strings.Contains(line, `"erased":["/input"]`) || !strings.Contains(line, `"allowed":true`) {
			t.Errorf("event %d is %.1000s", i, line)
		}
	}
	if len(lines) != 2 {
		t.Errorf("%d events", len(lines))
	}
}

func BenchmarkRecord(b *testing.B) {
	log, err := NewLines(func() (io.WriteCloser, error) { return discarding{}, nil }, Settings{Meter: &meter{}})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	r := NewRecorder(log, []Mask{{[]string{"input", "request", "body", "card"}}}, map[string]string{"id": "gw-1"})
	x := exchanged()
	x.Context = context.Background()
	q := asked(b, "allow if \"clerk\" in input.consumer.claims.roles\n\nreasons contains \"method\" if input.request.method != \"GET\"\n\nreasons contains \"route\" if input.api.route\n")
	d, p := q.Decide(x)
	if p != nil {
		b.Fatal(p)
	}
	var seen *policy.Observation
	if _, p := q.Observed(watcher{func(_ *exchange.Exchange, o *policy.Observation) *problem.Problem { seen = o; return nil }}).Decide(x); p != nil {
		b.Fatal(p)
	}
	seen.Decision = d
	d.ID()
	input, err := q.Input(x)
	if err != nil {
		b.Fatal(err)
	}
	for name, input := range map[string]ast.Value{"evaluated": input, "remembered": nil} {
		b.Run(name, func(b *testing.B) {
			seen.Input = input
			b.ReportAllocs()
			for b.Loop() {
				if p := r.Observe(x, seen); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}

type discarding struct{}

func (discarding) Write(p []byte) (int, error) { return len(p), nil }
func (discarding) Close() error                { return nil }
