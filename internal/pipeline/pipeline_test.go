package pipeline

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// step is a stage that notes when it is asked.
type step struct {
	name   string
	needs  exchange.Needs
	reads  exchange.Reads
	handle func(*exchange.Exchange) *problem.Problem
	back   func(*exchange.Response) *problem.Problem
	log    *[]string
}

func (s *step) Name() string                            { return s.name }
func (s *step) Needs() exchange.Needs                   { return s.needs }
func (s *step) Reads(*exchange.Exchange) exchange.Reads { return s.reads }

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
	p := New(&step{name: "change", reads: exchange.Reads{Body: true, Whole: 4}, log: &log, back: func(r *exchange.Response) *problem.Problem {
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

// An answer that stages read as it arrives is whole if it ends early; otherwise its head has come when they see it.
func TestAnswerThatArrives(t *testing.T) {
	var log []string
	read, seen := false, int64(0)
	p := New(&step{name: "change", reads: exchange.Reads{Body: true}, log: &log, back: func(r *exchange.Response) *problem.Problem {
		if read = r.Read; !read {
			r.Replace(struct {
				io.Reader
				io.Closer
			}{io.MultiReader(strings.NewReader("new "), r.Stream), r.Stream})
		}
		return nil
	}})
	if reads := p.Reads(&exchange.Exchange{}); reads != (exchange.Reads{Body: true}) {
		t.Errorf("it reads %+v", reads)
	}
	reset := errors.New("connection reset")
	for _, test := range []struct {
		name   string
		length int
		err    error // after that
		status int   // of the problem in its place; 0 for none
		read   bool
		broken bool
	}{
		{"an empty answer", 0, io.EOF, 0, true, false},
		{"a short one", 100, io.EOF, 0, true, false},
		{"a short one that breaks off", 100, reset, 502, false, false},
		{"a short one that does not come to its end in time", 100, os.ErrDeadlineExceeded, 504, false, false},
		{"a long one", exchange.Head + 1, io.EOF, 0, false, false},
		{"a long one that breaks off", exchange.Head + 1, reset, 0, false, true},
		{"a long one that ends too early", exchange.Head + 1, io.ErrUnexpectedEOF, 0, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			read, seen = false, 0
			body := strings.Repeat("x", test.length)
			x := &exchange.Exchange{Context: t.Context()}
			r := &exchange.Response{Status: 200, Header: http.Header{}, Stream: io.NopCloser(io.MultiReader(&counted{strings.NewReader(body), &seen}, iotest.ErrReader(test.err)))}
			prob := p.Return(x, r)
			if status := 0; prob != nil {
				if status = prob.StatusCode(); status != test.status {
					t.Fatalf("got %v", prob)
				}
				return
			}
			if test.status != 0 || read != test.read {
				t.Fatalf("read %t, %v", read, prob)
			}
			if read {
				if string(r.Bytes) != body {
					t.Errorf("got %d bytes", len(r.Bytes))
				}
				return
			}
			if seen != exchange.Head {
				t.Errorf("%d bytes were read before it goes out", seen)
			}
			got, err := io.ReadAll(r.Stream)
			if string(got) != "new "+body || (err != nil) != test.broken {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if (x.Broken != nil) != test.broken || test.broken && (x.Ended != "upstream" || x.Broken.StatusCode() != 502) {
				t.Errorf("noted: %v by %q", x.Broken, x.Ended)
			}
		})
	}
}

type counted struct {
	io.Reader
	n *int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	*c.n += int64(n)
	return n, err
}

// A stage that fails or panics while an answer passes breaks it off. A caller who leaves is nobody's failure.
func TestAnswerThatBreaksOff(t *testing.T) {
	var log []string
	var body io.Reader
	p := New(&step{name: "change", reads: exchange.Reads{Body: true}, log: &log, back: func(r *exchange.Response) *problem.Problem {
		r.Replace(io.NopCloser(body))
		return nil
	}})
	left, leave := context.WithCancel(context.Background())
	leave()
	for _, test := range []struct {
		name    string
		context context.Context
		body    io.Reader
		noted   int
	}{
		{"a failure", t.Context(), iotest.ErrReader(errors.New("no such state")), 502},
		{"a panic", t.Context(), panics{}, 500},
		{"a caller who left", left, iotest.ErrReader(context.Canceled), 0},
	} {
		body = test.body
		x := &exchange.Exchange{Context: test.context}
		r := &exchange.Response{Status: 200, Header: http.Header{}, Stream: io.NopCloser(strings.NewReader(strings.Repeat("x", exchange.Head+1)))}
		if prob := p.Return(x, r); prob != nil {
			t.Fatal(prob)
		}
		if _, err := io.ReadAll(r.Stream); err == nil {
			t.Errorf("%s: it ends well", test.name)
		}
		noted := 0
		if x.Broken != nil {
			noted = x.Broken.StatusCode()
		}
		if noted != test.noted || noted != 0 && x.Ended != "change" {
			t.Errorf("%s: noted %v by %q", test.name, x.Broken, x.Ended)
		}
	}
}

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("boom") }

// Digests belong to the body that came: where a stage puts another in its place, they are held against it and go no
// further.
func TestDigests(t *testing.T) {
	const right = "sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:"
	for _, test := range []struct {
		name, digest string
		replace      bool
		status       int
		on           bool
	}{
		{"right, and the body stays", "sha-256=:AAAA:", false, 0, true},
		{"right, and another takes its place", "", true, 0, false},
		{"wrong, and another takes its place", "sha-256=:AAAA:", true, 400, false},
	} {
		var log []string
		p := New(&step{name: "change", needs: exchange.Needs{Body: exchange.Whole}, log: &log, handle: func(x *exchange.Exchange) *problem.Problem {
			if test.replace {
				x.Body.Replace([]byte(`{"b":1}`))
			}
			return nil
		}})
		if test.digest == "" {
			test.digest = right
		}
		x := &exchange.Exchange{Header: http.Header{"Content-Digest": {test.digest}}, Body: exchange.Body{Stream: strings.NewReader(`{"a":1}`), Length: -1}}
		status := 0
		if prob := p.Handle(x); prob != nil {
			status = prob.StatusCode()
		}
		if status != test.status || (x.Header["Content-Digest"] != nil) != test.on {
			t.Errorf("%s: got %d, %v", test.name, status, x.Header)
		}
	}
}

// late is a step that settles what ended before it.
type late struct {
	*step
	settle func(*exchange.Exchange) *problem.Problem
}

func (s *late) Settle(x *exchange.Exchange) *problem.Problem {
	*s.log = append(*s.log, "settle "+s.name+" after "+x.Ended)
	return s.settle(x)
}

// What ended before a stage that must see every request is settled by it, once; what it says instead is answered.
func TestSettle(t *testing.T) {
	deny := func(*exchange.Exchange) *problem.Problem { return problem.New(problem.Unauthorized, "") }
	over := func(*exchange.Exchange) *problem.Problem { return problem.New(problem.QuotaExceeded, "") }
	well := func(*exchange.Exchange) *problem.Problem { return nil }
	for _, test := range []struct {
		name             string
		validate, handle func(*exchange.Exchange) *problem.Problem
		settle           func(*exchange.Exchange) *problem.Problem
		body             io.Reader
		status           int
		ended, log       string
	}{
		{"all is well", nil, nil, over, strings.NewReader("1"), 0, "", "validate, limit"},
		{"an earlier stage refuses", deny, nil, well, strings.NewReader("1"), 401, "validate", "validate, settle limit after validate"},
		{"an earlier stage refuses, and it does", deny, nil, over, strings.NewReader("1"), 429, "limit", "validate, settle limit after validate"},
		{"it refuses", nil, over, over, strings.NewReader("1"), 429, "limit", "validate, limit"},
		{"its own body breaks off", nil, nil, well, failing{}, 400, "limit", "validate, settle limit after limit"},
		{"it panics", deny, nil, func(*exchange.Exchange) *problem.Problem { panic("boom") }, strings.NewReader("1"), 500, "limit", "validate, settle limit after validate"},
	} {
		var log []string
		p := New(&step{name: "validate", handle: test.validate, log: &log},
			&late{&step{name: "limit", handle: test.handle, needs: exchange.Needs{Body: exchange.Whole}, log: &log}, test.settle})
		x := &exchange.Exchange{Body: exchange.Body{Stream: test.body, Length: -1}}
		status := 0
		if prob := p.Handle(x); prob != nil {
			status = prob.StatusCode()
		}
		if got := strings.Join(log, ", "); status != test.status || x.Ended != test.ended || got != test.log {
			t.Errorf("%s: got %d by %q: %s", test.name, status, x.Ended, got)
		}
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
