package carry

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

var _ pipeline.Returner = (*Hiding)(nil)

// owing is a stage that leaves obligations to those that come after it on the way back.
type owing struct{ Hiding }

// Return implements pipeline.Returner.
func (o *owing) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	r.Obliged = x.Obliged(o)
	return nil
}

// obliged makes an exchange on whose answer the e-mail address is not to be seen.
func obliged(t *testing.T, by any) *exchange.Exchange {
	t.Helper()
	hides, err := change.NewObligations([]string{"/data/*/email"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange.Exchange{}
	x.Decided("data.a", &exchange.Verdict{Allow: true, Obligations: hides}, false)
	x.Oblige(by, hides)
	return x
}

func TestGive(t *testing.T) {
	for _, test := range []struct {
		name, kind, body string
		status           int
		field            string // that the service sends
		changes          bool
		want             string // "" for a problem
		problem          int
		owed             string // what the problem still tells
	}{
		{name: "hidden", status: 200, body: `{"data":[{"email":1,"state":"open"}]}`, want: `{"data":[{"state":"open"}]}`},
		{name: "hidden and changed", status: 200, body: `{"data":[{"email":1,"state":"open"}]}`, changes: true, want: `{"data":[{"status":"o"}]}`},
		{name: "an error is hidden in and not changed", status: 422, body: `{"data":[{"email":1,"state":"open"}]}`, changes: true, want: `{"data":[{"state":"open"}]}`},
		{name: "no body", status: 204},
		{name: "text", status: 200, kind: "text/plain", body: "a@x", problem: 403},
		{name: "coded", status: 200, field: "Content-Encoding", body: "a@x", problem: 403},
		{name: "a part", status: 206, body: `{"data":[]}`, problem: 403},
		{name: "an operation that fails", status: 200, body: `{"data":[{"email":1,"state":"shut"}]}`, changes: true, problem: 502},
		{name: "no list", status: 200, body: `{"data":{"email":"a@x"}}`, changes: true, problem: 403},
		{name: "a failure as text", status: 404, kind: "text/plain", body: "a@x", problem: 404},
		{name: "a failure that asks for a login", status: 401, kind: "text/plain", body: "a@x", field: "Www-Authenticate", problem: 401, owed: "Www-Authenticate"},
		{name: "a failure without a name", status: 499, kind: "text/plain", body: "a@x", problem: 499},
		{name: "a redirection as text", status: 302, kind: "text/plain", body: "a@x", field: "Location"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, read := range []bool{true, false} {
				o := &owing{}
				x := obliged(t, o)
				var by pipeline.Stage = &Hiding{Max: 1000}
				if test.changes {
					by = &changing{answer: answer(t, "data[*]")}
				}
				p := pipeline.New(by, o)
				r := &exchange.Response{Status: test.status, Header: http.Header{"Content-Type": {"application/json"}}, Read: read}
				if test.kind != "" {
					r.Header.Set("Content-Type", test.kind)
				}
				if test.field != "" {
					r.Header.Set(test.field, "x")
				}
				if read {
					r.Bytes = []byte(test.body)
				} else if test.body != "" {
					r.Stream = io.NopCloser(strings.NewReader(test.body))
				}
				prob := p.Return(x, r)
				if prob != nil || test.problem != 0 {
					if prob == nil || prob.StatusCode() != test.problem || prob.Detail != "" || test.owed != "" && prob.Header[test.owed] == nil {
						t.Errorf("read %t: got %v", read, prob)
					}
					if test.problem != 502 && prob != nil && prob.Instance != "urn:uuid:"+x.Decision.ID() {
						t.Errorf("read %t: the instance is %s", read, prob.Instance)
					}
					continue
				}
				got := string(r.Bytes)
				if !r.Read && r.Stream != nil {
					b, err := io.ReadAll(r.Stream)
					if err != nil {
						t.Fatal(err)
					}
					got = string(b)
				}
				if got != test.want || x.Owed() {
					t.Errorf("read %t: got %s, owed %t", read, got, x.Owed())
				}
				if test.status == 302 && (r.Header.Get("Content-Type") != "" || r.Header.Get("Location") == "") {
					t.Errorf("read %t: got %v", read, r.Header)
				}
			}
		})
	}
}

// changing is a stage that changes answers.
type changing struct {
	Hiding
	answer *Answer
}

func (c *changing) Return(_ *exchange.Exchange, r *exchange.Response) *problem.Problem {
	return c.answer.Give(r, "changing")
}

// Where no stage changes answers, nothing that is to be hidden gets out.
func TestNobodyHides(t *testing.T) {
	o := &owing{}
	x := obliged(t, o)
	r := &exchange.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Read: true, Bytes: []byte(`{}`)}
	if prob := pipeline.New(o).Return(x, r); prob == nil || prob.StatusCode() != 403 {
		t.Errorf("got %v", prob)
	}
	if !x.Owed() {
		t.Error("somebody hid it")
	}
	// What is changed the other way has a shape of which obligations do not speak.
	r = &exchange.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Read: true, Bytes: []byte(`{}`), Obliged: x.Obliged(o)}
	up := answer(t, "data[*]")
	if up.Up = true; up.Return(r) == nil {
		t.Error("hidden on the way up")
	}
}
