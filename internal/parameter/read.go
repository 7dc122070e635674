package parameter

import (
	"net/url"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// read sorts the parameters of the query by name. It reads as net/url does what admission let pass: names and values
// are decoded once, empty parts are nothing.
func (c *check) read() {
	for part := range strings.SplitSeq(c.x.Query.Raw, "&") {
		if part == "" {
			continue
		}
		written, raw, _ := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(written)
		value, err2 := url.QueryUnescape(raw)
		if err1 != nil || err2 != nil || strings.Contains(part, ";") {
			c.found.Repeated = Query // nobody could say what it is; admission lets none such pass
			c.stray()
			continue
		}
		if c.deep != nil && c.member(name, value) {
			continue
		}
		i, ok := c.Set.query[name]
		if !ok {
			c.stranger(name)
			continue
		}
		v := &c.values[i]
		if v.n++; v.n == 1 {
			v.first, v.raw = value, raw
		} else {
			v.more = append(v.more, value)
		}
	}
}

// stray tells that the query is not well formed.
func (c *check) stray() {
	if len(c.found.Errors) < maxErrors {
		c.found.Errors = append(c.found.Errors, Error{Query, "", "type", "the query is not well formed"})
	}
}

// append appends the JSON value that a text spells, and gives whether it is of one of the types.
func (t Types) append(dst []byte, text string) ([]byte, bool) {
	switch {
	case t&(Integer|Number) != 0 && numeral(text, t&Number != 0):
		return append(dst, text...), true
	case t&Boolean != 0 && (text == "true" || text == "false"):
		return append(dst, text...), true
	case t&String != 0:
		return jsonspan.AppendQuote(dst, text), true
	}
	return dst, false
}

// numeral says whether a text is a number as JSON spells it: whole ones by their digits alone, so that no server reads
// 010 as eight or 1e3 as none.
func numeral(s string, fraction bool) bool {
	if len(s) > maxNumber {
		return false
	}
	s = strings.TrimPrefix(s, "-")
	s, ok := digits(s, true)
	if !ok {
		return false
	}
	if fraction && strings.HasPrefix(s, ".") {
		if s, ok = digits(s[1:], false); !ok {
			return false
		}
	}
	if fraction && s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if len(s) > maxExponent {
			return false
		}
		s, ok = digits(s, false)
	}
	return ok && s == ""
}

// maxExponent is how many digits an exponent may have: what is written in a few bytes can take a gigabyte to compare.
const maxExponent = 3

// digits takes digits off the front of s; whole numbers do not begin with a zero.
func digits(s string, whole bool) (rest string, ok bool) {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[n:], n > 0 && (!whole || n == 1 || s[0] != '0')
}
