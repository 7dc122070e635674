package shape

import "strings"

// kinds is a set of the kinds of values that JSON has.
type kinds byte

const (
	null kinds = 1 << iota
	boolean
	integers // numbers without a fraction
	fractions
	strs
	arrays
	objects

	numbers = integers | fractions
	scalars = null | boolean | numbers | strs
	all     = scalars | arrays | objects
)

var kindsOf = map[string]kinds{
	"null": null, "boolean": boolean, "integer": integers, "number": numbers, "string": strs, "array": arrays, "object": objects,
}

// words are the types as the keyword type has them.
func (k kinds) words() []string {
	var words []string
	for _, t := range []string{"null", "boolean", "integer", "number", "string", "array", "object"} {
		if of := kindsOf[t]; k&of == of && (t != "integer" || k&fractions == 0) {
			words = append(words, t)
		}
	}
	return words
}

func (k kinds) String() string {
	switch k {
	case 0:
		return "no type at all"
	case all:
		return "any type"
	}
	return "of type " + strings.Join(k.words(), " or ")
}

// typed is the keyword type for kinds; nil where it would say nothing.
func typed(k kinds) *node {
	words := k.words()
	switch {
	case k == all:
		return nil
	case len(words) == 1:
		return text(words[0])
	}
	return texts(words)
}

// ofType is the schema of all values of some kinds.
func ofType(k kinds) *node {
	if t := typed(k); t != nil {
		return object("type", t)
	}
	return anything
}

// kindOf is the kind of a value.
func kindOf(n *node) kinds {
	switch n.kind {
	case '{':
		return objects
	case '[':
		return arrays
	}
	switch n.text[0] {
	case '"':
		return strs
	case 't', 'f':
		return boolean
	case 'n':
		return null
	}
	if strings.ContainsAny(n.text, ".eE") {
		return numbers // 1.0 is an integer
	}
	return integers
}

// types tells which kinds of values a schema may accept, as far as its type, const and enum say.
func (d *deriver) types(s *node) kinds { return d.typesVia(s, nil) }

func (d *deriver) typesVia(s *node, via []*unit) kinds {
	if s.is("false") {
		return 0
	}
	if s.kind != '{' || !d.step() {
		return all
	}
	k := all
	if t := s.get("type"); t != nil {
		k = 0
		if t.isText() {
			k = kindsOf[t.string()]
		}
		for _, word := range t.words() {
			k |= kindsOf[word]
		}
	}
	if c := s.get("const"); c != nil {
		k &= kindOf(c)
	}
	if e := s.get("enum"); e != nil && e.kind == '[' {
		var of kinds
		for _, v := range e.parts {
			of |= kindOf(v)
		}
		k &= of
	}
	if to := s.reference(); to != nil && !contains(via, to) {
		k &= d.typesVia(to.in(d.version), append(via, to))
	}
	for _, sub := range listOf(s, "allOf") {
		k &= d.typesVia(sub, via)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if subs := listOf(s, keyword); subs != nil {
			var of kinds
			for _, sub := range subs {
				of |= d.typesVia(sub, via)
			}
			k &= of
		}
	}
	return k
}

// typesOf tells which kinds of values several schemas accept together.
func (d *deriver) typesOf(parts []spoken) kinds {
	k := all
	for _, s := range parts {
		if s.sure {
			k &= d.types(s.node)
		}
	}
	return k
}

// listOf gives the schemas in a keyword that holds a list of them.
func listOf(s *node, keyword string) []*node {
	if l := s.get(keyword); l != nil && l.kind == '[' {
		return l.parts
	}
	return nil
}

func contains(via []*unit, u *unit) bool {
	for _, v := range via {
		if v == u {
			return true
		}
	}
	return false
}
