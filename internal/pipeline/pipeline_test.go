package pipeline

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// step is a stage that notes when it is asked.
type step struct {
	name    string
	needs   exchange.Needs
	buffers int64
	handle  func(*exchange.Exchange) *problem.Problem
	back    func(*exchange.Response) *problem.Problem
	log     *[]string
}

func (s *step) Name() string          { return s.name }
func (s *step) Needs() exchange.Needs { return s.needs }
func (s *step) Buffers() int64        { return s.buffers }

func (s *step) Handle(x *exchange.Exchange) *problem.Problem {
	*s.log = append(*s.log, s.name)
	if s.handle != nil {
		return s.handle(x)
	}
	return nil
}

func (s *step) Return(_ *exchange.Exchange, r *exchange.Response) *problem.Problem {
	*s.log = append(*s.log, "back "+s.name)
	if s.back != nil {
		return s.back(r)
	}
	return nil
}

// broken fails the test's body when anybody reads it.
type broken struct{ t *testing.T }

func (b broken) Read([]byte) (int, error) {
	b.t.Error("the body was read")
	return 0, io.EOF
}

func TestOrder(t *testing.T) {
	var log []string
	p := New(&step{name: "identify", log: &log}, nil, &step{name: "change", log: &log})
	x := &exchange.Exchange{}
	if prob := p.Handle(x); prob != nil {
		t.Fatal(prob)
	}
	if prob := p.Return(x, &exchange.Response{Status: 200}); prob != nil {
		t.Fatal(prob)
	}
	if got, want := strings.Join(log, ", "), "identify, change, back change, back identify"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBody(t *testing.T) {
	deny := func(*exchange.Exchange) *problem.Problem { return problem.New(problem.Unauthorized, "") }
	whole := exchange.Needs{Body: exchange.Whole, MaxBody: 8}
	tests := []struct {
		name       string
		identify   func(*exchange.Exchange) *problem.Problem
		needs      exchange.Needs
		body       io.Reader
		wantStatus int
		wantBytes  string
		wantEnded  string
	}{
		{name: "streams where no stage needs it", body: broken{t}},
		{name: "is not read for a caller who is turned away", identify: deny, needs: whole, body: broken{t}, wantStatus: 401, wantEnded: "identify"},
		{name: "is read for the first stage that needs it", needs: whole, body: strings.NewReader("12345678"), wantBytes: "12345678"},
		{name: "over the bound is refused whole", needs: whole, body: strings.NewReader("123456789"), wantStatus: 413, wantEnded: "validate"},
		{name: "that breaks off is refused", needs: whole, body: io.MultiReader(strings.NewReader("123"), failing{}), wantStatus: 400, wantEnded: "validate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log []string
			p := New(&step{name: "identify", handle: test.identify, log: &log}, &step{name: "validate", needs: test.needs, log: &log})
			x := &exchange.Exchange{Body: exchange.Body{Stream: test.body, Length: -1}}
			status := 0
			if prob := p.Handle(x); prob != nil {
				status = prob.StatusCode()
			}
			if status != test.wantStatus || string(x.Body.Bytes) != test.wantBytes || x.Ended != test.wantEnded {
				t.Errorf("got %d, body %q, ended by %q", status, x.Body.Bytes, x.Ended)
			}
		})
	}
}

func TestBodyBound(t *testing.T) {
	tests := []struct {
		name  string
		needs []exchange.Needs
		want  int64
	}{
		{"nobody says anything", []exchange.Needs{{Body: exchange.JSON}}, exchange.DefaultMaxBody},
		{"the smallest holds", []exchange.Needs{{Body: exchange.JSON, MaxBody: 8 << 20}, {Body: exchange.Whole, MaxBody: 4 << 20}}, 4 << 20},
		{"a stage that says nothing takes nothing away", []exchange.Needs{{Body: exchange.JSON, MaxBody: 8 << 20}, {Body: exchange.JSON}}, 8 << 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stages []Stage
			for _, n := range test.needs {
				stages = append(stages, &step{needs: n, log: new([]string)})
			}
			if got := New(stages...).Needs().MaxBody; got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestAnswer(t *testing.T) {
	var log []string
	p := New(&step{name: "change", buffers: 4, log: &log, back: func(r *exchange.Response) *problem.Problem {
		r.Bytes = []byte(strings.ToUpper(string(r.Bytes)))
		return nil
	}})
	r := &exchange.Response{Status: 200, Header: http.Header{}, Stream: io.NopCloser(strings.NewReader("abcd"))}
	if prob := p.Return(&exchange.Exchange{}, r); prob != nil || string(r.Bytes) != "ABCD" {
		t.Errorf("got %q, %v", r.Bytes, prob)
	}
	r = &exchange.Response{Status: 200, Header: http.Header{}, Stream: io.NopCloser(strings.NewReader("abcde"))}
	prob := p.Return(&exchange.Exchange{}, r)
	if prob == nil || prob.StatusCode() != 502 {
		t.Errorf("an answer over the bound: got %v, want a 502", prob)
	}
}

func TestPanic(t *testing.T) {
	var log []string
	p := New(&step{name: "authorize", log: &log, handle: func(*exchange.Exchange) *problem.Problem { panic("boom") },
		back: func(*exchange.Response) *problem.Problem { panic("boom") }}, &step{name: "upstream", log: &log})
	x := &exchange.Exchange{}
	prob := p.Handle(x)
	if prob == nil || prob.StatusCode() != 500 || x.Ended != "authorize" {
		t.Errorf("got %v, ended by %q; want a 500 by authorize", prob, x.Ended)
	}
	if got := strings.Join(log, ", "); got != "authorize" {
		t.Errorf("stages that ran: %s; a panic must let nothing through", got)
	}
	if body, _ := prob.MarshalJSON(); strings.Contains(string(body), "boom") {
		t.Errorf("the client is told of the panic: %s", body)
	}
	if prob := p.Return(x, &exchange.Response{}); prob == nil || prob.StatusCode() != 500 {
		t.Errorf("on the way back: got %v, want a 500", prob)
	}
}
