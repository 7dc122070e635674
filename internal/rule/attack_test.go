package rule

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// clock makes the program's time pass with each look at it, so that the bounds in time are tested without any.
func (p *Program) clock(step time.Duration) (looks *int) {
	now := time.Unix(0, 0)
	looks = new(int)
	p.now = func() time.Time {
		*looks++
		now = now.Add(step)
		return now
	}
	return looks
}

// Nothing that a body of 1 MB makes an expression do goes on for long: after so many steps it looks at the clock, and ends
// where that says so. Each of these would take minutes, or gigabytes.
func TestLargeBodies(t *testing.T) {
	ones := `{"l": ` + list(500_000, "1") + `}`
	objects := `{"l": ` + list(50_000, `{"a": [1, 2], "b": "x"}`) + `}`
	long := `{"s": "` + strings.Repeat("a", 1<<20) + `", "l": ` + list(1000, `"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`) + `}`
	var members []string
	for i := range 60_000 {
		members = append(members, fmt.Sprintf(`"m%d": %d`, i, i))
	}
	wide := `{"o": {` + strings.Join(members, ", ") + `}, "p": {` + strings.Join(members, ", ") + `, "q": 1}}`
	deep := strings.Repeat(`{"a": `, 60) + "1" + strings.Repeat("}", 60)
	for _, c := range []struct{ name, text, body string }{
		{"nested predicates", `all(body.l, all(body.l, all(body.l, # == 1)))`, ones},
		{"nested sums", `sum(body.l, sum(body.l, #)) > 0`, ones},
		{"nested counts", `count(body.l, len(filter(body.l, # == 1)) > 0) > 0`, ones},
		{"lists of lists", `len(map(body.l, map(body.l, #))) > 0`, ones},
		{"lists compared", `all(body.l, body.l == body.l)`, ones},
		{"objects compared", `all(1..10000, body.l == body.l)`, objects},
		{"objects all different", `unique(body.l)`, objects[:len(objects)-2] + `, {"a": 1}]}`},
		{"lists all different", `unique(map(body.l, [#index]))`, objects},
		{"each in each", `all(body.l, # in body.l)`, objects},
		{"each by its index", `all(map(body.l, #index), body.l[#] == 1)`, ones},
		{"each from the end", `all(body.l, body.l[-1] == 1)`, ones},
		{"the last of a long object", `all(1..10000, body.o.m59999 == body.o["m59999"])`, wide},
		{"wide objects compared", `all(1..10000, body.o == body.o)`, wide},
		{"wide objects of another order", `body.o != body.p`, strings.Replace(wide, `{"o": {"m0": 0, `, `{"o": {"q": 1, "m0": 0, `, 1)},
		{"names sorted", `all(1..10000, len(keys(body.o)) > 0)`, wide},
		{"a pattern on long texts", `all(1..10000, not (body.l[# % 1000] matches "(a?){200}b"))`, long},
		{"a long text searched", `all(1..10000, not (body.s contains "ab"))`, long},
		{"a long text measured", `all(1..10000, len(body.s) > 0)`, long},
		{"a long text in parts", `all(1..10000, body.s[1:] != "")`, long},
		{"texts made", `len(map(body.l, body.s + body.s)) > 0`, long},
		{"texts raised", `all(1..10000, lower(body.s) != "")`, long},
		{"large powers", `all(1..10000, # ** 300 > 0)`, ones},
		{"numbers made larger and larger", `(9 ** 999) ** 999 > 0`, ones},
		{"addresses", `all(body.l, not cidr(#, body.l))`, long},
		{"many ranges", `all(1..10000, all(1..10000, # > 0))`, ones},
		{"deep", `all(1..10000, all(1..10000, body.a.a.a.a.a.a.a.a.a.a.a.a.a.a == body))`, deep},
	} {
		p, diags := fromText(c.text, everything, Bool)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.name, diags)
			continue
		}
		const step = maxTime / 50 // as if each look were a millisecond after the last
		looks := p.clock(step)
		began := time.Now()
		yes, err := p.Bool(request(c.body))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: took %s", c.name, took)
		}
		var f *Failure
		if err != nil && !errors.As(err, &f) || *looks > 55 {
			t.Errorf("%s: %v, %v after %d looks at the clock", c.name, yes, err, *looks)
		}
		if yes && *looks > 52 {
			t.Errorf("%s: a yes after its time", c.name)
		}
	}
}

// What is done between two looks at the clock is bounded, too.
func TestLongMatch(t *testing.T) {
	p, diags := fromText(`body.s matches "^(a?){100}(a*)*$"`, everything, Bool)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if _, err := p.Bool(request(`{"s": "` + strings.Repeat("a", 100_000) + `"}`)); err == nil || !strings.Contains(err.Error(), "too long for the pattern") {
		t.Errorf("got %v", err)
	}
	if yes, err := p.Bool(request(`{"s": "` + strings.Repeat("a", 1000) + `"}`)); !yes || err != nil {
		t.Errorf("got %v, %v", yes, err)
	}
}

// Deep expressions and deep bodies are compiled and run.
func TestDeepTrees(t *testing.T) {
	for name, text := range map[string]string{
		"parentheses": strings.Repeat("(", 900) + "true" + strings.Repeat(")", 900),
		"negations":   strings.Repeat("!", 998) + "true",
		"lists":       strings.Repeat("[", 400) + "1" + strings.Repeat("]", 400) + " == nil",
		"conditions":  strings.Repeat("body.a == nil ? true : ", 150) + "false",
		"members":     "body" + strings.Repeat(".a", 450) + " == nil",
		"indexes":     strings.Repeat("[1][", 200) + "0" + strings.Repeat("]", 200) + " == 1",
		"additions":   strings.Repeat("1+", 450) + "1 > 0",
		"variables":   strings.Repeat("let a = 1; ", 1) + "a == 1",
	} {
		p, diags := fromText(text, everything, Bool)
		if diags.HasErrors() {
			continue // refused with a place, which is fine, too
		}
		_, err := p.Bool(request(strings.Repeat(`{"a":`, 60) + "null" + strings.Repeat("}", 60)))
		var f *Failure
		if err != nil && !errors.As(err, &f) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A panic of ours is a failure of the rule, and no yes.
func TestPanics(t *testing.T) {
	p, diags := fromText(`body.a == 1`, everything, Bool)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p.slots[0].get = func(*run, *slot) value { panic("a mistake of ours") }
	for range 2 {
		if yes, err := p.Bool(request(`{"a": 1}`)); yes || err == nil {
			t.Errorf("got %v, %v", yes, err)
		}
	}
	if yes, err := p.Bool(&exchange.Exchange{}); yes || err == nil {
		t.Errorf("got %v, %v", yes, err)
	}
}
