package rule

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func list(n int, item string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

// What is too large is refused at load.
func TestBoundsAtLoad(t *testing.T) {
	for _, c := range []struct{ name, text, told string }{
		{"4 KiB", strings.Repeat(" ", maxSource-4) + "true", ""},
		{"more than 4 KiB", strings.Repeat(" ", maxSource-3) + "true", "Expression too long"},
		{"1,000 nodes", strings.Repeat("!", maxNodes-1) + "true", ""},
		{"more than 1,000 nodes", strings.Repeat("!", maxNodes) + "true", "Invalid expression"},
		{"shared nodes count each time", strings.TrimSuffix(strings.Repeat("[body.a] < ", 150), " < "), "Expression too large"},
		{"10,000 in a range", "5 in 1..10000", ""},
		{"more than 10,000 in a range", "5 in 0..10000", "Range too large"},
		{"a range over all integers", "5 in -9223372036854775807..9223372036854775807", "Range too large"},
	} {
		_, diags := fromText(c.text, everything, Bool)
		got := ""
		if len(diags) > 0 {
			got = diags[0].Summary
		}
		if got != c.told {
			t.Errorf("%s: got %q, want %q", c.name, got, c.told)
		}
	}
	if _, diags := fromHCL(t, strings.Repeat("!", maxNodes)+"true", everything, Bool); len(diags) != 1 || diags[0].Summary != "Expression too large" {
		t.Errorf("HCL: %s", diags)
	}
	if _, diags := fromHCL(t, `"`+strings.Repeat("a", maxSource)+`" == ""`, everything, Bool); len(diags) != 1 || diags[0].Summary != "Expression too long" {
		t.Errorf("HCL: %s", diags)
	}
}

// What becomes too large fails the expression.
func TestBoundsAtRun(t *testing.T) {
	for _, c := range []struct{ name, text, body, told string }{
		{"strings added", `len(map(body.l, # + body.s)) > 0`, fmt.Sprintf(`{"s": %q, "l": %s}`, strings.Repeat("a", 10_000), list(1000, `"b"`)), errText.Error()},
		{"strings raised", `len(map(body.l, upper(body.s))) > 0`, fmt.Sprintf(`{"s": %q, "l": %s}`, strings.Repeat("a", 10_000), list(1000, `1`)), errText.Error()},
		{"strings of numbers", `all(body.l, all(body.l, string(#) != ""))`, fmt.Sprintf(`{"l": %s}`, list(1000, `12345678`)), errText.Error()},
		{"lists of lists", `len(map(body.l, map(body.l, #))) > 0`, fmt.Sprintf(`{"l": %s}`, list(1100, `1`)), errMemory.Error()},
		{"lists of keys", `len(map(body.l, keys(body.o))) > 0`, fmt.Sprintf(`{"o": {"a":1,"b":2,"c":3,"d":4}, "l": %s}`, list(300_000, `1`)), errMemory.Error()},
	} {
		p, diags := fromText(c.text, everything, Bool)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.name, diags)
			continue
		}
		p.now = func() time.Time { return time.Time{} }
		yes, err := p.Bool(request(c.body))
		if yes || err == nil || !strings.HasSuffix(err.Error(), c.told) {
			t.Errorf("%s: got %v, %v; want %s", c.name, yes, err, c.told)
		}
		// The next evaluation begins anew.
		if _, err := p.Bool(request(`{"l": [], "s": "", "o": {}}`)); err != nil {
			t.Errorf("%s: afterwards: %v", c.name, err)
		}
	}
}

// An evaluation ends at its deadline, in a predicate as in a chain of look-ups.
func TestDeadline(t *testing.T) {
	for _, text := range []string{
		`all(body.l, all(body.l, # == 1))`,
		`len(map(body.l, sum(body.l, #))) > 0`,
		strings.Repeat("body.n == 1 && ", 140) + "true",
	} {
		p, diags := fromText(text, everything, Bool)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		clock := time.Unix(0, 0)
		p.now = func() time.Time { clock = clock.Add(maxTime * 2); return clock }
		if yes, err := p.Bool(request(fmt.Sprintf(`{"n": 1, "l": %s}`, list(20, "1")))); yes || err == nil || !strings.HasSuffix(err.Error(), errTime.Error()) {
			t.Errorf("%.40s: got %v, %v", text, yes, err)
		}
		p.now = func() time.Time { return clock }
		if yes, err := p.Bool(request(fmt.Sprintf(`{"n": 1, "l": %s}`, list(20, "1")))); !yes || err != nil {
			t.Errorf("%.40s: afterwards: %v, %v", text, yes, err)
		}
	}
}

func TestConcurrent(t *testing.T) {
	p, diags := fromText(`body.n == int(query.n) && all(body.l, string(#) != query.n)`, everything, Bool)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for i := range 200 {
				x := request(fmt.Sprintf(`{"n": %d, "l": [%d]}`, n*1000+i, n*1000+i+1))
				x.Query.Replace(fmt.Sprintf("n=%d", n*1000+i))
				if yes, err := p.Bool(x); !yes || err != nil {
					t.Errorf("%d: %v, %v", n, yes, err)
				}
			}
		})
	}
	group.Wait()
}

// A program never panics, never goes on for long, and says the same again.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		`body.total.amount > 0 && body.currency in ["EUR", "USD"]`, `all(body.lines, .qty in 1..99)`,
		`body?.a?.[0].b ?? "c"`, `let a = body.lines; sum(a, .qty) > #`, `query.tag | lower() | trim("a")`,
		`body.a ? b : c`, `{"a": 1}.a == 1`, `"a" + string(body.total.amount) matches "^a"`, `if true {1} else {2}`,
		`1 < 2 < 3`, `body.lines[1:][0].sku[:1]`, `list(header.accept)[0]`, `::len(body)`, `not consumer?.id in claims.x`, "b\"a\"",
		`map(filter(body.lines, .qty > 1), {.sku; #index})`, `-body.total.tax ** 2 % 3`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, diags := fromText(text, everything, Any)
		if diags.HasErrors() {
			for _, d := range diags {
				if d.Subject == nil || d.Subject.Start.Byte < 200 || d.Subject.End.Byte > 200+len(text) || d.Detail == "" {
					t.Errorf("%q: misplaced: %+v", text, d)
				}
			}
			return
		}
		first, again := valueOf(t, p, request(order)), outcome(p.Value(request(order)))
		if first != again {
			t.Errorf("%q: %s, then %s", text, first, again)
		}
		b, diags := fromText(text, everything, Bool)
		if !diags.HasErrors() {
			if yes, err := b.Bool(request(order)); yes && (err != nil || first != "true") {
				t.Errorf("%q: yes, but %s, %v", text, first, err)
			}
		}
	})
}

func BenchmarkThreeRules(b *testing.B) {
	body := strings.Replace(order, "[\n", "["+strings.Repeat(`{"sku": "A1", "qty": 2, "price": 100, "text": "a longer text"},`, 10)+"\n", 1)
	x := request(body)
	var programs []*Program
	for _, text := range []string{
		`body.total.amount > 0 && contains(["EUR", "USD"], body.currency)`,
		`matches(body.customer.email, "^[^@]+@example") && header.x_tenant == consumer.id`,
		`expr("all(body.lines, .qty in 1..99)")`,
	} {
		p, diags := fromHCL(b, text, everything, Bool)
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		programs = append(programs, p)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range programs {
			if yes, err := p.Bool(x); !yes {
				b.Fatal(err)
			}
		}
	}
}
