package rule

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// Numbers are compared and summed as they are written, however long they are and however they are spelt.
func TestExactNumbers(t *testing.T) {
	for _, c := range []struct{ text, body, want string }{
		{`body.a == 9007199254740993`, `{"a": 9007199254740993}`, "true"},
		{`body.a == 9007199254740992`, `{"a": 9007199254740993}`, "false"},
		{`body.a == 9007199254740992.0`, `{"a": 9007199254740993}`, "false"},
		{`body.a > 9007199254740992.0`, `{"a": 9007199254740993}`, "true"},
		{`body.a == 9007199254740993.0`, `{"a": 9007199254740993}`, "true"},
		{`body.a in [9007199254740992]`, `{"a": 9007199254740993}`, "false"},
		{`body.a in [9007199254740993.0]`, `{"a": 9007199254740993}`, "true"},
		{`body.a == body.b`, `{"a": 9007199254740993, "b": 9007199254740993.0}`, "true"},
		{`body.a == body.b`, `{"a": 9007199254740993, "b": 9007199254740992.0}`, "false"},
		{`body.a == body.b`, `{"a": 100000000000000000000, "b": 1e20}`, "true"},
		{`body.a < body.b`, `{"a": 100000000000000000000, "b": 100000000000000000001}`, "true"},
		{`body.a == 1e20`, `{"a": 100000000000000000000}`, "true"},
		{`body.a == 1e20`, `{"a": 100000000000000000001}`, "false"},
		{`body.a in [1e20]`, `{"a": 1000e17}`, "true"},
		{`body.a in [100000000000000000001.5]`, `{"a": 100000000000000000001.5}`, "true"},
		{`body.a == -1e20`, `{"a": -100000000000000000000}`, "true"},
		{`body.a == 0`, `{"a": -0}`, "true"},
		{`body.a == 0`, `{"a": -0.0e-999999999}`, "true"},
		{`body.a == 1230`, `{"a": 1230.00}`, "true"},
		{`body.a == 1230`, `{"a": 0.123e4}`, "true"},
		{`body.a == 1230`, `{"a": 1e00000000000003}`, "false"},
		{`body.a > 1e308`, `{"a": 1.7e308}`, "true"},
		{`body.a < 1e-300`, `{"a": 1e-305}`, "true"},
		{`body.a > body.b`, `{"a": 0.30000000000000004, "b": 0.3}`, "true"},
		{`sum(body.l)`, `{"l": [0.1, 0.2]}`, "0.3"},
		{`sum(body.l) == 0.3`, `{"l": [0.1, 0.2]}`, "true"},
		{`sum(body.l)`, `{"l": [9007199254740993, 1, 0.5]}`, "9007199254740994.5"},
		{`sum(body.l)`, `{"l": [9223372036854775807, 1]}`, "9223372036854775808"},
		{`sum(body.l) == 100000000000000000001`, `{"l": [1e20, 1]}`, "fails at load"},
		{`sum(body.l) == 100000000000000000001.0`, `{"l": [1e20, 1]}`, "true"},
		{`sum(body.l)`, `{"l": []}`, "0"},
		{`sum(body.l, .p * .q)`, `{"l": [{"p": 19.99, "q": 3}, {"p": 0.01, "q": 3}]}`, "60"},
		{`body.a * body.a`, `{"a": 9223372036854775807}`, "8.5070591730234615847396907784232501249e37"},
		{`body.a - body.b`, `{"a": -9223372036854775808, "b": 1}`, "-9223372036854775809"},
		{`-body.a`, `{"a": -9223372036854775808}`, "9223372036854775808"},
		{`body.a / 100`, `{"a": 1230}`, "12.3"},
		{`body.a / 3`, `{"a": 1}`, "0.3333333333333333333333333333333333"},
		{`body.a / 3`, `{"a": -2}`, "-0.6666666666666666666666666666666667"},
		{`body.a / 7e-20`, `{"a": 1}`, "14285714285714285714.28571428571429"},
		{`body.a / -1`, `{"a": -9223372036854775808}`, "9223372036854775808"},
		{`body.a / body.b`, `{"a": 1, "b": 0.00}`, "fails"},
		{`body.a % 10`, `{"a": 12345678901234567890123}`, "3"},
		{`body.a % -1`, `{"a": -9223372036854775808}`, "0"},
		{`body.a % 2`, `{"a": 1.5}`, "fails"},
		{`body.a ** 3`, `{"a": 1.1}`, "1.331"},
		{`2 ** 100`, `{}`, "1.267650600228229401496703205376e30"},
		{`body.a ** 0.5`, `{"a": 2}`, "1.4142135623730951"},
		{`(-1) ** 0.5`, `{}`, "fails"},
		{`int(body.a)`, `{"a": -12.9}`, "-12"},
		{`int(body.a)`, `{"a": 1e30}`, "1e30"},
		{`int("9007199254740993") == body.a`, `{"a": 9007199254740993}`, "true"},
		{`int("1.5")`, `{}`, "fails"},
		{`float("1e3")`, `{}`, "1000"},
		{`float("NaN")`, `{}`, "fails"},
		{`max(body.a, 9007199254740992)`, `{"a": 9007199254740993}`, "9007199254740993"},
		{`min(body.l)`, `{"l": [3, 1.5, 2]}`, "1.5"},
		{`string(body.a)`, `{"a": 0.000001}`, "0.000001"},
		{`string(body.a)`, `{"a": 0.00000001}`, "1e-8"},
		{`string(body.a)`, `{"a": 123456789012345678901}`, "123456789012345678901"},
		{`body.a ** 999 * body.a ** 999`, `{"a": 1e308}`, "fails"}, // out of bounds
	} {
		p, diags := fromText(c.text, everything, Any)
		if diags.HasErrors() {
			if c.want != "fails at load" {
				t.Errorf("%s: %s", c.text, diags)
			}
			continue
		}
		if got := valueOf(t, p, request(c.body)); got != c.want {
			t.Errorf("%s of %s: got %s, want %s", c.text, c.body, got, c.want)
		}
	}
}

// Arithmetic agrees with math/big's rational numbers.
func TestArithmetic(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	one := func() string {
		s := strconv.FormatInt(random.Int64N(1<<uint(1+random.IntN(62)))-1<<10, 10)
		if random.IntN(4) == 0 {
			s += strconv.FormatInt(random.Int64(), 10)
		}
		if random.IntN(2) == 0 {
			s += "." + strconv.Itoa(random.IntN(1_000_000))
		}
		if random.IntN(3) == 0 {
			s += fmt.Sprintf("e%+d", random.IntN(40)-20)
		}
		return s
	}
	rational := func(s string) *big.Rat {
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatal(s)
		}
		return r
	}
	for range 5_000 {
		a, b := one(), one()
		x, ok1 := parseNumber(a)
		y, ok2 := parseNumber(b)
		if !ok1 || !ok2 {
			t.Fatalf("%s and %s are not read", a, b)
		}
		p, q := rational(a), rational(b)
		if got, want := compareNumbers(x, y), p.Cmp(q); got != want {
			t.Fatalf("%s and %s: %d, want %d", a, b, got, want)
		}
		if sameNumber(x, y) != (p.Cmp(q) == 0) {
			t.Fatalf("%s and %s: %v", a, b, sameNumber(x, y))
		}
		for name, c := range map[string]struct {
			got  value
			want *big.Rat
		}{
			"written": {x, p},
			"sum":     {sum(x, y), new(big.Rat).Add(p, q)},
			"product": {product(x, y), new(big.Rat).Mul(p, q)},
			"negated": {negated(x), new(big.Rat).Neg(p)},
		} {
			if rational(c.got.digits()).Cmp(c.want) != 0 {
				t.Fatalf("%s of %s and %s: %s", name, a, b, c.got.digits())
			}
			if again, ok := parseNumber(c.got.digits()); !ok || !sameNumber(again, c.got) {
				t.Fatalf("%s has another form when it is read again: %+v, %+v", c.got.digits(), c.got, again)
			}
		}
		if q.Sign() != 0 {
			got, want := rational(quotient(x, y).digits()), new(big.Rat).Quo(p, q)
			off := new(big.Rat).Sub(got, want)
			bound := new(big.Rat).Mul(new(big.Rat).Abs(want), rational("1e-33"))
			if off.Abs(off).Cmp(bound) > 0 {
				t.Fatalf("%s / %s: %s", a, b, quotient(x, y).digits())
			}
		}
	}
}

func TestNumbersAreBounded(t *testing.T) {
	for _, s := range []string{strings.Repeat("9", 1500), "1e2100", "1e-2001", "1e99999999999999999999", "", "-", "1.", ".5", "1e", "0x1", "1_0", "1 "} {
		if v, ok := parseNumber(s); ok {
			t.Errorf("%.20s was read as %+v", s, v)
		}
	}
}
