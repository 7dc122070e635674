package rule

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// parsed is a request with the index of its body.
func parsed(t testing.TB, x *exchange.Exchange) *exchange.Exchange {
	t.Helper()
	with := *x
	if !x.Body.Valid || !x.Body.Read {
		return &with
	}
	index, err := jsonspan.Parse(x.Body.Bytes, jsonspan.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	with.Body.Index = index
	return &with
}

// valueOf gives what an expression says of a request, and demands that it says so by the body's index, too, with the same
// words where it fails.
func valueOf(t *testing.T, p *Program, x *exchange.Exchange) string {
	t.Helper()
	v, err := p.Value(x)
	again, wrong := p.Value(parsed(t, x))
	if outcome(v, err) != outcome(again, wrong) || fmt.Sprint(err) != fmt.Sprint(wrong) {
		t.Errorf("%s: %s, %v, but by the index: %s, %v", p.Text(), outcome(v, err), err, outcome(again, wrong), wrong)
	}
	return outcome(v, err)
}

// What is missing, null or no object on the way to a member has the same end both ways.
func TestWaysIntoTheBody(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`body.a`, "null"},
		{`body.a.b`, "fails"},
		{`body.a?.b.c`, "null"},
		{`body.n?.b`, "null"},
		{`body.n.b`, "fails"},
		{`body.s.b`, "fails"},
		{`body.s?.b`, "fails"},
		{`body.l["0"]`, "fails"},
		{`body.l["0"]["0"]`, "fails"},
		{`body.l[0].x`, "1"},
		{`body.o["0"]`, "zero"},
		{`body.o.o`, `{"é":[],"b":"c\n"}`},
		{`body.o.o.b`, "c\n"},
		{`body.o.o["é"]`, "[]"},
		{`len(body.o.o) + len(body.l) + len(body.o.o["é"])`, "4"},
		{`keys(body.o)`, `["0","o"]`},
		{`body.o.o == body.p && body.l == body.m`, "true"},
		{`"b" in body.p and not ("x" in body.p)`, "true"},
		{`map(body.l, .x)`, "[1,null]"},
		{`body.l[1:][0].y`, "[]"},
	} {
		p, diags := fromText(c.text, everything, Any)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		x := request(`{"n":null,"s":"","l":[{"x":1},{"y":[]}],"m":[{"\u0078":1.0},{"y":[]}],"o":{"0":"zero","o":{"é":[],"\u0062":"c\n"}},"p":{"b":"c\n","é":[]}}`)
		if got := valueOf(t, p, x); !same(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

// same compares objects whatever the order of their members.
func same(a, b string) bool {
	return a == b || strings.HasPrefix(a, "{") && len(a) == len(b)
}

// An index that is not the body's is not looked at.
func TestIndexOfAnotherBody(t *testing.T) {
	p, diags := fromText(`body.a == 1`, everything, Bool)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := parsed(t, request(`{"a":1}`))
	x.Body.Bytes = []byte(`{"a":2}`)
	if yes, err := p.Bool(x); yes || err != nil {
		t.Errorf("got %v, %v", yes, err)
	}
	x = parsed(t, request(`{"a":1}`))
	if x.Body.Replace([]byte(`{"b":1}`)); x.Body.Parsed() != nil {
		t.Error("a body that was replaced has the old one's index")
	}
}

// However large the objects of a body are, the clock is looked at by its index, too.
func TestAttackParsed(t *testing.T) {
	wide := `{"o": {` + strings.TrimSuffix(strings.Repeat(`"%d":0,`, 20_000), ",") + `}}`
	names := make([]any, 20_000)
	for i := range names {
		names[i] = i
	}
	for _, text := range []string{`all(1..10000, body.o["x"] == nil)`, `all(1..10000, body.o[string(#) + "x"] == nil)`, `all(1..10000, not ("x" in body.o))`} {
		p, diags := fromText(text, everything, Bool)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		looks := p.clock(maxTime / 50)
		_, err := p.Bool(parsed(t, request(fmt.Sprintf(wide, names...))))
		var f *Failure
		if err != nil && !errors.As(err, &f) || *looks > 55 {
			t.Errorf("%s: %v after %d looks", text, err, *looks)
		}
	}
}
