// Package otlptest receives traces as a collector does: over OTLP, in protobuf over HTTP, by the messages of the protocol's own
// collector service.
package otlptest

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// maxRequest bounds what is received at once, in bytes: 16 MiB.
const maxRequest = 16 << 20

// Receiver keeps what is exported to it.
type Receiver struct {
	t testing.TB

	mu    sync.Mutex
	spans []Span
	raw   [][]byte
}

// Span is a span as it was exported.
type Span struct {
	Name, Kind, Scope       string
	Trace, ID, Parent       string // in hexadecimal digits; Parent is "" for none
	Links                   []string
	Start, End              time.Time
	Attributes              map[string]string
	Error                   bool // its status
	Description, TraceState string
}

// Start runs a receiver until the test ends, and has what the test starts from now on export to it, soon.
func Start(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{t: t}
	s := httptest.NewServer(http.HandlerFunc(r.receive))
	s.Config.SetKeepAlivesEnabled(false) // an exporter would keep its connections
	t.Cleanup(s.Close)
	for name, value := range map[string]string{
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": s.URL,
		"OTEL_BSP_SCHEDULE_DELAY": "20", "OTEL_SERVICE_NAME": "gateway",
	} {
		t.Setenv(name, value)
	}
	return r
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequest))
	var in collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &in)
	}
	if err != nil || req.Method != http.MethodPost || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		r.t.Errorf("what was exported is no request of OTLP: %s %s %s, %v", req.Method, req.URL.Path, req.Header.Get("Content-Type"), err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.raw = append(r.raw, body)
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, spanOf(scope.GetScope().GetName(), s))
			}
		}
	}
	r.mu.Unlock()
	answer, err := proto.Marshal(&collector.ExportTraceServiceResponse{})
	if err != nil {
		r.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.Write(answer) //nolint:errcheck // the exporter says if it misses it
}

func spanOf(scope string, from *otlp.Span) Span {
	s := Span{
		Name: from.GetName(), Kind: strings.ToLower(strings.TrimPrefix(from.GetKind().String(), "SPAN_KIND_")), Scope: scope,
		Trace: hex.EncodeToString(from.GetTraceId()), ID: hex.EncodeToString(from.GetSpanId()), Parent: hex.EncodeToString(from.GetParentSpanId()),
		Start: time.Unix(0, int64(from.GetStartTimeUnixNano())), End: time.Unix(0, int64(from.GetEndTimeUnixNano())), //nolint:gosec // of this century
		Attributes: map[string]string{}, Error: from.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR,
		Description: from.GetStatus().GetMessage(), TraceState: from.GetTraceState(),
	}
	for _, a := range from.GetAttributes() {
		s.Attributes[a.GetKey()] = text(a.GetValue())
	}
	for _, l := range from.GetLinks() {
		s.Links = append(s.Links, hex.EncodeToString(l.GetSpanId()))
	}
	return s
}

func text(v *common.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	}
	return v.String()
}

// Spans are those of a trace so far, by the time at which they began.
func (r *Receiver) Spans(trace string) []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Span
	for _, s := range r.spans {
		if s.Trace == trace {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return all
}

// Traces are the traces of which there are spans so far.
func (r *Receiver) Traces() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, s := range r.spans {
		if !slices.Contains(all, s.Trace) {
			all = append(all, s.Trace)
		}
	}
	return all
}

// Raw is all that was exported so far, as it came.
func (r *Receiver) Raw() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.raw...)
}

// Await waits until there are spans of a trace that ok is content with, at most 30 s.
func (r *Receiver) Await(trace string, ok func([]Span) bool) []Span {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		all := r.Spans(trace)
		if ok(all) {
			return all
		}
		if time.Now().After(end) {
			r.t.Fatalf("the trace %s has not what is awaited: %+v", trace, all)
		}
	}
}

// Named is the first span of a name and kind; false for none.
func Named(all []Span, kind, name string) (Span, bool) {
	for _, s := range all {
		if s.Kind == kind && s.Name == name {
			return s, true
		}
	}
	return Span{}, false
}
