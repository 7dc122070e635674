package shape

import (
	"fmt"
	"math/big"
)

// aNumber is the pattern of a string that spells a number of JSON.
const aNumber = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`

// scale undoes that the decimal point of the member moved.
func (d *deriver) scale(path []string) {
	newer, older := integers, strs
	decimals := d.op.Decimals
	if d.op.As == "number" {
		older = numbers
	}
	if decimals < 0 {
		newer, older = older, integers
	}
	member, k, ok := d.plain(path, newer)
	if !ok {
		return
	}
	parts := d.said(member)
	out := wordsOf(parts).with("type", typed(older|k&null))
	switch {
	case older == strs:
		out = out.with("pattern", text(fmt.Sprintf(`^-?(0|[1-9][0-9]*)\.[0-9]{%d}$`, decimals)))
	case newer != strs:
		for _, p := range parts {
			for i, name := range p.names {
				switch name {
				case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
					if bound := shifted(p.parts[i].text, -decimals); p.sure && bound != "" && !out.has(name) {
						out = out.with(name, scalar(bound))
					}
				}
			}
		}
		if decimals > 0 {
			out = out.with("multipleOf", scalar(shifted("1", -decimals)))
		}
	}
	d.replace(path, d.constants(out, parts))
}

// cast undoes that the member got another type.
func (d *deriver) cast(path []string) {
	of := func(as string) kinds {
		if as == "number" {
			return numbers
		}
		return kindsOf[as]
	}
	newer, older := of(d.op.As), of(d.op.From)
	member, k, ok := d.plain(path, newer)
	if !ok {
		return
	}
	parts := d.said(member)
	out := wordsOf(parts).with("type", typed(older|k&null))
	switch {
	case newer == numbers:
		out = out.with("pattern", text(aNumber))
	case newer == boolean:
		out = out.with("pattern", text("^(true|false)$"))
	}
	d.replace(path, d.constants(out, parts))
}

// plain finds the member at path, which must be able to be of a kind.
func (d *deriver) plain(path []string, want kinds) (member []spoken, k kinds, ok bool) {
	member, _, known := d.find(path)
	if !known || len(member) == 0 {
		return nil, 0, false
	}
	k = d.typesOf(member)
	if k&want == 0 {
		d.complain("Unsuitable type", "%s %q makes it %s, but the schema has it %s%s.", d.op.Kind, d.op.Path, want, k, d.here(nil))
		return nil, 0, false
	}
	return member, k, true
}

// shifted moves the decimal point of a number by digits to the right; "" where raw is none.
func shifted(raw string, by int) string {
	r, ok := new(big.Rat).SetString(raw)
	if !ok {
		return ""
	}
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(by, -by))), nil)
	if by < 0 {
		r.Quo(r, new(big.Rat).SetInt(factor))
	} else {
		r.Mul(r, new(big.Rat).SetInt(factor))
	}
	digits, _ := r.FloatPrec() // finite: a decimal was divided by a power of ten
	return r.FloatString(digits)
}
