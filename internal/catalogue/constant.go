package catalogue

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// constantKind is what a constant is. Its words are what diagnostics call it.
type constantKind string

const (
	null    constantKind = "null"
	boolean constantKind = "true or false"
	number  constantKind = "a number"
	text    constantKind = "a text"
	list    constantKind = "a list"
	object  constantKind = "an object"
)

// maxConstant bounds the size of a constant in bytes as JSON, about: locals that repeat one another double with each
// line.
const maxConstant = 1 << 20

// constant is a value known at load, exactly as it is written: cty would normalise its texts, respell its numbers and
// sort its members.
type constant struct {
	kind    constantKind
	truth   bool
	text    string // of a text its bytes, of a number its spelling, which is JSON's
	items   []constant
	members []member
	size    int
	rng     hcl.Range // where it is used
}

// member is one member of an object.
type member struct {
	name  string
	at    hcl.Range
	value constant
}

// JSON spells the constant.
func (c *constant) JSON() json.RawMessage { return c.append(make([]byte, 0, c.size)) }

func (c *constant) append(b []byte) []byte {
	switch c.kind {
	case boolean:
		return strconv.AppendBool(b, c.truth)
	case number:
		return append(b, c.text...)
	case text:
		return appendText(b, c.text)
	case list:
		b = append(b, '[')
		for i := range c.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = c.items[i].append(b)
		}
		return append(b, ']')
	case object:
		b = append(b, '{')
		for i := range c.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, c.members[i].name), ':')
			b = c.members[i].value.append(b)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// appendText writes a JSON string, its characters as they are wherever JSON lets them.
func appendText(b []byte, s string) []byte {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return append(b, strings.TrimSuffix(out.String(), "\n")...)
}

// cty gives the constant to cty, for the operators that are left to it.
func (c *constant) cty() cty.Value {
	switch c.kind {
	case boolean:
		return cty.BoolVal(c.truth)
	case number:
		if v, err := cty.ParseNumberVal(c.text); err == nil {
			return v
		}
	case text:
		return cty.StringVal(c.text)
	case list:
		items := make([]cty.Value, len(c.items))
		for i := range c.items {
			items[i] = c.items[i].cty()
		}
		return cty.TupleVal(items)
	case object:
		members := make(map[string]cty.Value, len(c.members))
		for i := range c.members {
			members[c.members[i].name] = c.members[i].value.cty()
		}
		return cty.ObjectVal(members)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// fromCty takes what an operator computed: a number or a truth value.
func fromCty(v cty.Value) (constant, bool) {
	switch {
	case !v.IsKnown() || v.IsNull():
		return constant{}, false
	case v.Type() == cty.Bool:
		return constant{kind: boolean, truth: v.True(), size: 5}, true
	case v.Type() == cty.Number:
		spelling, ok := spell(v.AsBigFloat())
		return constant{kind: number, text: spelling, size: len(spelling)}, ok
	}
	return constant{}, false
}

// spell writes a number in the fewest digits that stand for it, if they are at most maxDigits.
func spell(f *big.Float) (string, bool) {
	if f.IsInf() {
		return "", false
	}
	if exponent := f.MantExp(nil); exponent > 4*maxDigits || exponent < -4*maxDigits {
		return "", false
	}
	s := f.Text('f', -1)
	return s, len(s) <= maxDigits
}
