package rule

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// function is one of our own functions. Arguments are no longer there once it has returned.
type function struct {
	signature any // a func of the types that the checker asks for
	truth     func(r *run, arguments []value, at file.Location) bool
	value     func(r *run, arguments []value, at file.Location) value
	constant  bool // a call of constants is tried at load: it gives the same then
}

// functions are ours. What they take and say is told in docs/rules.md; an argument that is not what they take is a
// failure, and so no yes.
var functions map[string]function

func init() { // not a literal: the functions list the functions
	functions = map[string]function{
		"now":      {signature: func() time.Time { return time.Time{} }, value: now},
		"date":     {signature: func(string) time.Time { return time.Time{} }, value: date, constant: true},
		"duration": {signature: func(string) time.Duration { return 0 }, value: lengthOfTime, constant: true},
		"email":    onText(isEmail),
		"uuid":     onText(isUUID),
		"ip":       onText(isAddress),
		"luhn":     onText(isLuhn),
		"iban":     onText(isIBAN),
		"base64":   onText(isBase64),
		"cidr":     {signature: func(string, ...any) bool { return false }, truth: cidr},
		"unique":   {signature: func(any) bool { return false }, truth: unique},
		"within":   {signature: func(any, any, ...any) bool { return false }, truth: within},
	}
}

// maxFormat bounds a text that a function looks at whole, in bytes: none of the formats is that long, but base64, which is
// bounded by the body.
const maxFormat = 1 << 10

func onText(is func(string) bool) function {
	return function{
		signature: func(string) bool { return false },
		truth: func(r *run, arguments []value, at file.Location) bool {
			if arguments[0].kind != aText {
				fail(at, "expected a string, got %s", arguments[0].kind)
			}
			r.spend(1 + len(arguments[0].s)/bytesPerStep)
			return is(arguments[0].s)
		},
	}
}

// functionNames lists what may be called, for suggestions.
func functionNames(hcl bool) []string {
	names := []string{"list"}
	for name := range builtins {
		names = append(names, name)
	}
	for name := range functions {
		names = append(names, name)
	}
	if hcl {
		names = append(names, "contains", "expr")
		for name := range operators {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// arguments compiles the arguments of a call. They lie on the run's own stack while the function looks at them, so that
// a call costs no allocation.
func (c *compiler) arguments(n *ast.CallNode) []code {
	var all []code
	for _, a := range n.Arguments {
		all = append(all, c.value(a))
	}
	return all
}

func (r *run) push(arguments []code) (start int) {
	start = len(r.stack)
	for _, a := range arguments {
		v := a(r)
		r.stack = append(r.stack, v)
	}
	return start
}

// question compiles a call that says yes or no.
func (c *compiler) question(n *ast.CallNode, name string) logic {
	f, arguments, at := functions[name], c.arguments(n), n.Location()
	if name == "cidr" {
		if l := c.networks(n, arguments); l != nil {
			return l
		}
	}
	return func(r *run) bool {
		start := r.push(arguments)
		answer := f.truth(r, r.stack[start:], at)
		r.stack = r.stack[:start]
		return answer
	}
}

// call compiles a call that gives another value.
func (c *compiler) call(n *ast.CallNode) code {
	name := n.Callee.(*ast.IdentifierNode).Value
	f, arguments, at := functions[name], c.arguments(n), n.Location()
	if f.value == nil {
		c.mistake(at, "Unknown function", "There is no function %q.%s", name, diagnostic.DidYouMean(name, functionNames(false)))
		return func(*run) value { return value{} }
	}
	if len(n.Arguments) == 1 && f.constant {
		if known, ok := c.constant(n.Arguments[0]); ok {
			return c.known(f, known, at)
		}
	}
	return func(r *run) value {
		start := r.push(arguments)
		v := f.value(r, r.stack[start:], at)
		r.stack = r.stack[:start]
		return v
	}
}

// known calls a function at load.
func (c *compiler) known(f function, argument value, at file.Location) code {
	r := &run{program: c.p}
	v, wrong := func() (v value, wrong error) {
		defer func() {
			if e, ok := recover().(*fault); ok {
				wrong = e.cause
			}
		}()
		return f.value(r, []value{argument}, at), nil
	}()
	if wrong != nil {
		c.mistake(at, "Invalid argument", "%s", wording(wrong.Error()))
	}
	return func(*run) value { return v }
}

func now(r *run, _ []value, _ file.Location) value {
	if r.x.Time.IsZero() {
		return timeValue(r.program.now())
	}
	return timeValue(r.x.Time)
}

// date reads a date, which begins at midnight UTC, or a time of RFC 3339.
func date(_ *run, arguments []value, at file.Location) value {
	v := arguments[0]
	switch v.kind {
	case aTime:
		return v
	case aText:
		if t, ok := parseTime(v.s); ok {
			return timeValue(t)
		}
		fail(at, "date takes a date such as 2026-11-01 or a time of RFC 3339")
	}
	fail(at, "date takes a string, not %s", v.kind)
	return value{}
}

func parseTime(s string) (time.Time, bool) {
	if len(s) > maxFormat {
		return time.Time{}, false
	}
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return t, err == nil
	}
	// time.RFC3339 takes hours of one digit and a comma before the fraction; RFC 3339 takes neither, and small letters.
	if len(s) > 10 && (s[10] == 't' || s[len(s)-1] == 'z') {
		s = strings.ToUpper(s)
	}
	if len(s) < len("2006-01-02T15:04:05Z") || s[13] != ':' || strings.IndexByte(s, ',') >= 0 {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil && t.Unix() >= firstSecond && t.Unix() <= lastSecond
}

// lengthOfTime reads a duration in Go's notation, and in days: 90s, 1h30m, 7d.
func lengthOfTime(_ *run, arguments []value, at file.Location) value {
	v := arguments[0]
	switch v.kind {
	case aDuration:
		return v
	case aText:
		if d, ok := parseDuration(v.s); ok {
			return value{kind: aDuration, n: int64(d)}
		}
		fail(at, "duration takes a span of time such as 90s, 1h30m or 7d")
	}
	fail(at, "duration takes a string, not %s", v.kind)
	return value{}
}

// maxDays bounds a duration in days: 292 years, as many nanoseconds fit.
const maxDays = 106_751

func parseDuration(s string) (time.Duration, bool) {
	if len(s) > maxFormat {
		return 0, false
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, ok := parseNumber(days)
		whole, fits := n.int64()
		return time.Duration(whole) * 24 * time.Hour, ok && fits && whole >= -maxDays && whole <= maxDays
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// within says of a time that it lies no further than a duration from now, or of a number, a time or a duration that it
// lies between two others, them included.
func within(r *run, arguments []value, at file.Location) bool {
	v := arguments[0]
	switch len(arguments) {
	case 2:
		t, d := date(r, arguments[:1], at), lengthOfTime(r, arguments[1:], at)
		if d.n < 0 {
			fail(at, "within takes a duration that is not negative")
		}
		n := now(r, nil, at)
		return compare(t, later(n, -d.n, at), at) >= 0 && compare(t, later(n, d.n, at), at) <= 0
	case 3:
		if v.kind == aText {
			fail(at, "within takes numbers, times or durations: write date(…) around a date")
		}
		return compare(v, arguments[1], at) >= 0 && compare(v, arguments[2], at) <= 0
	}
	fail(at, "within takes a time and a duration, or a value and its two bounds")
	return false
}

// unique says whether no two members of a list are equal.
func unique(r *run, arguments []value, at file.Location) bool {
	if arguments[0].kind != aList {
		fail(at, "unique takes a list, not %s", arguments[0].kind)
	}
	type scalar struct {
		kind kind
		exp  int32
		n    int64
		s    string
	}
	seen := make(map[scalar]struct{})
	var others []value // lists, objects and long numbers are compared with each other
	distinct := true
	r.each(arguments[0], func(_ int, item value) bool {
		r.keep(1)
		if item.kind != aList && item.kind != anObject && item.ref == nil {
			key := scalar{item.kind, item.exp, item.n, item.s}
			_, twice := seen[key]
			seen[key] = struct{}{}
			distinct = !twice
			return distinct
		}
		for _, other := range others {
			r.spend(1)
			if r.equal(item, other) {
				distinct = false
				return false
			}
		}
		others = append(others, item)
		return true
	})
	return distinct
}

// networks compiles cidr(address, "10.0.0.0/8", …) with networks that are read at load; nil where they are not constant.
func (c *compiler) networks(n *ast.CallNode, arguments []code) logic {
	if len(arguments) < 2 {
		return nil
	}
	var networks []netip.Prefix
	for _, a := range n.Arguments[1:] {
		parts := []ast.Node{a}
		if list, ok := a.(*ast.ArrayNode); ok {
			parts = list.Nodes
		}
		for _, part := range parts {
			known, ok := c.constant(part)
			if !ok || known.kind != aText {
				return nil
			}
			p, ok := parseNetwork(known.s)
			if !ok {
				c.mistake(part.Location(), "Invalid network", "Expected a network such as 10.0.0.0/8 or 2001:db8::/32.")
			}
			networks = append(networks, p)
		}
	}
	address, at := arguments[0], n.Location()
	return func(r *run) bool {
		a := parseAddress(r.string(address(r), "cidr", at))
		return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
	}
}

// cidr says of one text whether it is a network, and of an address whether it lies in one of networks.
func cidr(r *run, arguments []value, at file.Location) bool {
	text := r.string(arguments[0], "cidr", at)
	if len(arguments) == 1 {
		_, ok := parseNetwork(text)
		return ok
	}
	address, found := parseAddress(text), false
	look := func(_ int, v value) bool {
		p, ok := parseNetwork(r.string(v, "cidr", at))
		if !ok {
			fail(at, "cidr was given what is no network")
		}
		found = found || p.Contains(address)
		return true
	}
	for _, v := range arguments[1:] {
		if v.kind == aList {
			r.each(v, look)
		} else {
			look(0, v)
		}
	}
	return found
}
