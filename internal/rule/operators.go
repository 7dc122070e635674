package rule

import (
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"github.com/wicketgate/wicketgate/internal/pattern"
)

// maxMatch bounds the work of one match: the bytes of the text times the instructions of the pattern. It takes some 20
// ms, in which the clock is not looked at: a pattern of 30 instructions reads 64 KiB at most.
const maxMatch = 2 << 20

func (c *compiler) matches(n *ast.BinaryNode) logic {
	v, leaf, at := c.value(n.Left), c.leaf(n.Left), n.Location()
	re, err := pattern.Compile(n.Right.(*ast.StringNode).Value) // the resolver saw to it
	if err != nil {
		c.mistake(n.Right.Location(), "Invalid pattern", "%s", wording(err.Error()))
		return func(*run) bool { return false }
	}
	size := re.Size()
	return func(r *run) bool {
		var text string
		if s, ok := r.index.Plain(leaf(r)); ok {
			text = viewed(s)
		} else {
			switch v := v(r); v.kind {
			case aNull:
				return false
			case aText:
				text = v.s
			default:
				fail(at, "only a string is matched with a pattern, not %s", v.kind)
			}
		}
		work := size * (len(text) + 1)
		if work > maxMatch {
			fail(at, "the string is too long for the pattern")
		}
		r.spend(1 + work/bytesPerStep)
		return re.MatchString(text)
	}
}

func (c *compiler) substring(n *ast.BinaryNode) logic {
	a, b, at := c.value(n.Left), c.value(n.Right), n.Location()
	test := map[string]func(string, string) bool{
		"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix,
	}[n.Operator]
	return func(r *run) bool {
		a, b := a(r), b(r)
		if a.kind == aNull || b.kind == aNull {
			return false
		}
		if a.kind != aText || b.kind != aText {
			fail(at, "%s takes two strings, not %s and %s", n.Operator, a.kind, b.kind)
		}
		r.spend(1 + len(a.s)/bytesPerStep)
		return test(a.s, b.s)
	}
}

// arithmetic compiles the operators that give no yes or no.
func (c *compiler) arithmetic(n ast.Node) code {
	if n, ok := n.(*ast.UnaryNode); ok {
		v, at := c.value(n.Node), n.Location()
		return func(r *run) value {
			v := v(r)
			if v.kind != aNumber {
				fail(at, "expected a number, got %s", v.kind)
			}
			if n.Operator == "-" {
				r.at = at
				return negated(v)
			}
			return v
		}
	}
	b := n.(*ast.BinaryNode)
	switch b.Operator {
	case "??":
		left, right := c.value(b.Left), c.value(b.Right)
		return func(r *run) value {
			if v := left(r); v.kind != aNull {
				return v
			}
			return right(r)
		}
	case "..":
		from, _ := integer(b.Left)
		to, _ := integer(b.Right)
		return func(*run) value { return value{kind: aList, ref: interval{int64(from), int64(to)}} }
	}
	if known, ok := c.constant(b.Right); ok && (b.Operator == "%" || b.Operator == "/") && known.kind == aNumber && isZero(known) {
		c.mistake(b.Right.Location(), "Division by zero", "What is divided by zero is no number.")
	}
	left, right, at, operate := c.value(b.Left), c.value(b.Right), b.Location(), operations[b.Operator]
	if operate == nil {
		c.mistake(at, "Not supported in a rule", "There is no operator %q.", b.Operator)
	}
	return func(r *run) value {
		x, y := left(r), right(r)
		r.at = at
		return operate(r, x, y)
	}
}

var operations = map[string]func(r *run, a, b value) value{
	"+": (*run).add, "-": (*run).subtract, "*": (*run).multiply, "/": (*run).divide,
	"%": onNumbers(remainder), "**": onNumbers(raised), "^": onNumbers(raised),
}

func onNumbers(operate func(a, b value) value) func(*run, value, value) value {
	return func(r *run, a, b value) value {
		if a.kind != aNumber || b.kind != aNumber {
			r.unfit(a, b)
		}
		return operate(a, b)
	}
}

func (r *run) unfit(a, b value) {
	fail(r.at, "there is no such operation on %s and %s", a.kind, b.kind)
}

func (r *run) add(a, b value) value {
	switch {
	case a.kind == aNumber && b.kind == aNumber:
		return sum(a, b)
	case a.kind == aText && b.kind == aText:
		r.write(len(a.s) + len(b.s))
		return textValue(a.s + b.s)
	case a.kind == aTime && b.kind == aDuration:
		return later(a, b.n, r.at)
	case a.kind == aDuration && b.kind == aTime:
		return later(b, a.n, r.at)
	case a.kind == aDuration && b.kind == aDuration:
		return lasting(sum(whole(a.n), whole(b.n)), r.at)
	}
	r.unfit(a, b)
	return value{}
}

func (r *run) subtract(a, b value) value {
	switch {
	case a.kind == aNumber && b.kind == aNumber:
		return sum(a, negated(b))
	case a.kind == aTime && b.kind == aTime:
		seconds := product(sum(whole(a.n), whole(-b.n)), whole(1e9))
		return lasting(sum(seconds, whole(int64(a.exp)-int64(b.exp))), r.at)
	case a.kind == aTime && b.kind == aDuration && b.n != math.MinInt64:
		return later(a, -b.n, r.at)
	case a.kind == aDuration && b.kind == aDuration:
		return lasting(sum(whole(a.n), negated(whole(b.n))), r.at)
	}
	r.unfit(a, b)
	return value{}
}

func (r *run) multiply(a, b value) value {
	switch {
	case a.kind == aNumber && b.kind == aNumber:
		return product(a, b)
	case a.kind == aDuration && b.kind == aNumber:
		return lasting(product(whole(a.n), b), r.at)
	case a.kind == aNumber && b.kind == aDuration:
		return lasting(product(a, whole(b.n)), r.at)
	}
	r.unfit(a, b)
	return value{}
}

func (r *run) divide(a, b value) value {
	switch {
	case a.kind == aNumber && b.kind == aNumber:
		return quotient(a, b)
	case a.kind == aDuration && b.kind == aNumber:
		return lasting(quotient(whole(a.n), b), r.at)
	case a.kind == aDuration && b.kind == aDuration:
		return quotient(whole(a.n), whole(b.n))
	}
	r.unfit(a, b)
	return value{}
}

// lasting makes a duration of nanoseconds, cut to whole ones: at most some 292 years.
func lasting(v value, at file.Location) value {
	n, ok := truncated(v).int64()
	if !ok {
		fail(at, "a duration is out of bounds")
	}
	return value{kind: aDuration, n: n}
}

// later moves a time, within the years 0 to 9999 that RFC 3339 can write.
func later(t value, nanoseconds int64, at file.Location) value {
	seconds, rest := nanoseconds/1e9, nanoseconds%1e9
	t.n, t.exp = t.n+seconds, t.exp+int32(rest)
	switch {
	case t.exp < 0:
		t.n, t.exp = t.n-1, t.exp+1e9
	case t.exp >= 1e9:
		t.n, t.exp = t.n+1, t.exp-1e9
	}
	if t.n < firstSecond || t.n > lastSecond {
		fail(at, "a time is out of bounds")
	}
	return t
}

// The bounds of a time, in seconds since 1970: the years 0 to 9999.
const firstSecond, lastSecond = -62167219200, 253402300799

func indexOf(names []string, name string) int { return slices.Index(names, name) }
