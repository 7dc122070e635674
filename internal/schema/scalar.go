package schema

import (
	"unicode/utf8"
)

// characters holds a string against t.
func (e *evaluator) characters(t *text, content []byte) bool {
	ok := true
	// A character has one to four bytes.
	if t.min > 0 && len(content) < 4*t.min || t.max >= 0 && len(content) > t.max {
		n := utf8.RuneCount(content)
		if n < t.min {
			ok = e.refuse("minLength", about{n: t.min})
		}
		if t.max >= 0 && n > t.max {
			ok = e.refuse("maxLength", about{n: t.max})
		}
	}
	if t.pattern == nil || !ok && e.sink == nil {
		return ok
	}
	if !e.matches(t.pattern, content) {
		ok = e.refuse("pattern", about{pattern: t.pattern.Pattern})
	}
	return ok
}

// matches says whether content has what an expression describes.
func (e *evaluator) matches(x *expression, content []byte) bool {
	return e.spend(1+len(content)*x.weight>>1) && x.Match(content)
}

// amount holds a number against n.
func (e *evaluator) amount(n *numbers, raw []byte) bool {
	ok := true
	v := numeral{raw: raw}
	v.small, v.plain = plain(raw)
	if n.min != nil && v.against(n.min, &e.digits) < 0 {
		ok = e.refuse("minimum", about{number: n.min.rat})
	}
	if n.max != nil && v.against(n.max, &e.digits) > 0 {
		ok = e.refuse("maximum", about{number: n.max.rat})
	}
	if n.above != nil && v.against(n.above, &e.digits) <= 0 {
		ok = e.refuse("exclusiveMinimum", about{number: n.above.rat})
	}
	if n.below != nil && v.against(n.below, &e.digits) >= 0 {
		ok = e.refuse("exclusiveMaximum", about{number: n.below.rat})
	}
	if n.step != nil && !v.isMultiple(n.step, &e.digits) {
		ok = e.refuse("multipleOf", about{number: n.step.rat})
	}
	return ok
}
