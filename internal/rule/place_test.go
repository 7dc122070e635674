package rule

import "testing"

// Where all or none must be met, the member of the list at which they stopped is told.
func TestWhereARuleStops(t *testing.T) {
	const body = `{
		"n": 1, "flags": [true, false], "o": {"a/b": [1, 2, 3]}, "m": [[1], [1, 9]],
		"lines": [{"qty": 1, "parts": [{"n": 1}]}, {"qty": 100, "parts": []}, {"parts": [{"n": 1}, {"n": 7}], "qty": 2}],
		"none": null, "empty": []
	}`
	for _, c := range []struct{ text, at string }{
		{`all(body.lines, .qty in 1..99)`, "/lines/1"},
		{`none(body.lines, .qty > 99)`, "/lines/1"},
		{`all(body.lines, all(.parts, .n < 5))`, "/lines/2/parts/1"},
		{`all(body.lines, len(.parts) > 0 && all(.parts, .n < 5))`, "/lines/1"},
		{`all(body.lines, not any(.parts, .n > 5))`, "/lines/2"},
		{`body.n == 1 && all(body.lines, .qty < 9) && body.n == 2`, "/lines/1"},
		{`all(body.lines, .qty > 0) && body.n == 2`, ""},
		{`all(body.lines, .qty > 0) && all(body.o["a/b"], # < 3)`, "/o/a~1b/2"},
		{`all(body.m, all(#, # < 9))`, "/m/1/1"},
		{`all(body.flags, #)`, "/flags/1"},
		{`all(map(body.lines, .qty), # < 9)`, "/lines/1"},
		{`all(body?.lines, .qty < 9)`, "/lines/1"},
		{`all(body?.lines ?? [], .qty < 9)`, "/lines/1"},
		{`all(body.lines, .qty < body.n + 9)`, "/lines/1"},
		{`all(body.lines, .absent > 1)`, "/lines/0"}, // has no answer
		{`all(body.lines, .qty > 0 && all(.parts, .n.x > 1))`, "/lines/0/parts/0"},
		{`all(body.n, # > 0)`, "/n"}, // is no list
		// What else may be wrong is not known better than the rule says.
		{`body.n == 2 || all(body.lines, .qty < 9)`, ""},
		{`any(body.lines, .qty > 100)`, ""},
		{`not all(body.lines, .qty > 0)`, ""},
		{`all(filter(body.lines, .qty > 1), .qty < 9)`, ""},
		{`all(list(header.accept), # == "")`, ""},
		{`all([1, 2], # == body.n)`, ""},
		{`body.n == 2`, ""},
		{`body.n.x == 2`, ""},
	} {
		p, diags := fromText(c.text, everything, Bool)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		for range 2 { // the second run is on used state
			for _, x := range []bool{true, false} {
				request := request(body)
				if x {
					request = parsed(t, request)
				}
				if yes, at, err := p.Holds(request); yes || at != c.at {
					t.Errorf("%s: got %v at %q, %v; want %q", c.text, yes, at, err, c.at)
				}
			}
		}
	}
	p, diags := fromText(`all(body.lines, .qty > 0) && all(body.empty, false) && none(body.flags, # == nil)`, everything, Bool)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if yes, at, err := p.Holds(request(body)); !yes || at != "" || err != nil {
		t.Errorf("got %v at %q, %v", yes, at, err)
	}
}
