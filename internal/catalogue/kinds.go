package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/duration"
)

// maxText bounds every text attribute, in bytes.
const maxText = 4096

// word is a text; check, where there is one, says whether it is what is expected. It gives a string.
type word struct {
	what  string
	check func(string) bool
}

func (k word) String() string { return k.what }

func (k word) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, text, k)
	if !ok {
		return nil, false
	}
	if c.text == "" || len(c.text) > maxText || k.check != nil && !k.check(c.text) {
		return nil, d.unsuitable(e.Range(), k)
	}
	return c.text, true
}

// choice is one of a few texts. It gives a string.
type choice struct{ of []string }

func (k choice) String() string { return either(k.of) }

func (k choice) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, text, k)
	switch {
	case !ok:
		return nil, false
	case !slices.Contains(k.of, c.text):
		d.wrong(e.Range(), "Unsuitable value", "Expected %s.%s", k, d.near(c.text, k.of))
		return nil, false
	}
	return c.text, true
}

// truth is true or false. It gives a bool.
type truth struct{}

func (truth) String() string { return "true or false" }

func (k truth) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, boolean, k)
	if !ok {
		return nil, false
	}
	return c.truth, true
}

// integer is a whole number. It gives an int64.
type integer struct{ min, max int64 }

func (k integer) String() string { return fmt.Sprintf("a whole number, %d to %d", k.min, k.max) }

func (k integer) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, number, k)
	if !ok {
		return nil, false
	}
	n, err := strconv.ParseInt(c.text, 10, 64)
	if err != nil || n < k.min || n > k.max {
		return nil, d.unsuitable(e.Range(), k)
	}
	return n, true
}

// span is a duration. It gives a time.Duration.
type span struct {
	min, max time.Duration
	whole    bool // seconds, no parts of one
}

func (k span) String() string {
	what := "a duration"
	if k.whole {
		what = "a duration in whole seconds"
	}
	return fmt.Sprintf("%s, \"%v\" to \"%v\"", what, duration.Duration(k.min), duration.Duration(k.max))
}

func (k span) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, text, k)
	if !ok {
		return nil, false
	}
	v, err := time.ParseDuration(c.text)
	if err != nil || v < k.min || v > k.max || k.whole && v%time.Second != 0 {
		return nil, d.unsuitable(e.Range(), k)
	}
	return v, true
}

// byteCount is a size. Its text is the largest unit that divides it.
type byteCount int64

var units = []struct {
	name string
	size int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

func (b byteCount) String() string {
	for _, u := range units {
		if b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return "0B"
}

// size is a number of bytes with its unit. It gives a byteCount.
type size struct{ min, max byteCount }

func (k size) String() string { return fmt.Sprintf("a size, \"%v\" to \"%v\"", k.min, k.max) }

func (k size) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, text, k)
	if !ok {
		return nil, false
	}
	for _, u := range units {
		digits, found := strings.CutSuffix(c.text, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if v := byteCount(n) * byteCount(u.size); err == nil && v >= k.min && v <= k.max {
			return v, true
		}
		break
	}
	return nil, d.unsuitable(e.Range(), k)
}

// date is a day, which begins at midnight UTC, or an instant. It gives a time.Time in UTC.
type date struct{}

func (date) String() string {
	return `a date such as "2026-11-01" (midnight UTC) or "2026-11-01T14:00:00Z" (RFC 3339)`
}

func (k date) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, text, k)
	if !ok {
		return nil, false
	}
	t, ok := parseDate(c.text)
	if !ok {
		return nil, d.unsuitable(e.Range(), k)
	}
	return t, true
}

func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// each is a list of what another kind gives. It gives []item.
type each struct {
	of       kind
	min, max int
}

type item struct {
	value any
	rng   hcl.Range
}

func (k each) String() string {
	if k.min == 0 {
		return fmt.Sprintf("a list of at most %d, each %v", k.max, k.of)
	}
	return fmt.Sprintf("a list of %d to %d, each %v", k.min, k.max, k.of)
}

func (k each) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	list, ok := e.(*hclsyntax.TupleConsExpr)
	if !ok {
		return k.named(d, e)
	}
	whole := d.fits(e.Range(), len(list.Exprs), k)
	var items []item
	for i, x := range list.Exprs {
		if i == k.max {
			break
		}
		v, ok := k.of.decode(d, x)
		whole = whole && ok
		if !ok {
			continue
		}
		if slices.ContainsFunc(items, func(it item) bool { return same(it.value, v) }) {
			d.wrong(x.Range(), "Written twice", "This list has the same item already.")
			whole = false
		}
		items = append(items, item{v, x.Range()})
	}
	if items == nil && !whole {
		return nil, false
	}
	return items, whole
}

// named is a list that a local or variable holds. Its items are texts, for references cannot be kept in one.
func (k each) named(d *decoder, e hclsyntax.Expression) (any, bool) {
	if _, bare := k.of.(reference); bare {
		return nil, d.unsuitable(e.Range(), k)
	}
	c, ok := d.expect(e, list, k)
	if !ok || !d.fits(e.Range(), len(c.items), k) {
		return nil, false
	}
	literal := &hclsyntax.TupleConsExpr{SrcRange: e.Range()}
	for i := range c.items {
		literal.Exprs = append(literal.Exprs, &held{&hclsyntax.LiteralValueExpr{SrcRange: e.Range()}, c.items[i]})
	}
	return k.decode(d, literal)
}

func (d *decoder) fits(r hcl.Range, n int, k each) bool {
	if n < k.min || n > k.max {
		return d.unsuitable(r, k)
	}
	return true
}

func same(a, b any) bool {
	if r, ok := a.(target); ok {
		s, ok := b.(target)
		return ok && r.name == s.name && r.word == s.word
	}
	return a == b
}

// fields is an object whose members are texts, such as header fields. It gives a constant.
type fields struct{ what string }

func (k fields) String() string { return k.what }

func (k fields) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, object, k)
	if !ok {
		return nil, false
	}
	for _, m := range c.members {
		if m.value.kind != text {
			return nil, d.unsuitable(m.value.rng, k)
		}
	}
	return c, true
}

// value is any constant, kept exactly as JSON. It gives a json.RawMessage.
type value struct{}

func (value) String() string { return "any value" }

func (value) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.constant(e)
	if !ok || !d.spend(c.size, e.Range()) {
		return nil, false
	}
	return c.JSON(), true
}

// pairs is what an enum replaces by what. It gives []Pair.
type pairs struct{}

const maxPairs = 1000

func (pairs) String() string {
	return fmt.Sprintf("a list of 1 to %d pairs [old, new], each of them a text, a number, true, false or null", maxPairs)
}

func (k pairs) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, list, k)
	if !ok {
		return nil, false
	}
	if len(c.items) == 0 || len(c.items) > maxPairs {
		return nil, d.unsuitable(e.Range(), k)
	}
	if !d.spend(c.size, e.Range()) {
		return nil, false
	}
	var out []Pair
	for _, p := range c.items {
		if p.kind != list || len(p.items) != 2 {
			ok = d.unsuitable(p.rng, k)
			continue
		}
		for _, side := range p.items {
			if side.kind == list || side.kind == object {
				ok = d.unsuitable(side.rng, k)
			}
		}
		out = append(out, Pair{p.items[0].JSON(), p.items[1].JSON(), p.rng})
	}
	if !ok {
		return nil, false
	}
	return out, true
}

// numeral says whether a text is a JSON number within our bounds.
func numeral(s string) bool {
	return len(s) <= maxDigits && numeralPattern.MatchString(s)
}

var numeralPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)
