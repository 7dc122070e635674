package schema

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// alternatives are the values that a schema allows by const and enum. Numbers are compared as they are written, never
// rounded.
type alternatives struct {
	constant *value
	enum     bool
	types    uint8               // of what enum has
	texts    []string            // the strings of enum, if they are few
	set      map[string]struct{} // if they are many
	rest     []value             // its other values
}

// fewTexts is up to how many strings comparing each is faster than a map.
const fewTexts = 8

// value is a value that a schema names.
type value struct {
	kind    uint8
	word    string // of null, true and false
	text    string
	number  decimal
	items   []value
	names   names
	members []value // by the index of their names
}

func (b *builder) alternatives(s *jsonschema.Schema) *alternatives {
	if s.Const == nil && s.Enum == nil {
		return nil
	}
	a := new(alternatives)
	if s.Const != nil {
		v := b.value(*s.Const)
		a.constant = &v
	}
	if s.Enum == nil {
		return a
	}
	a.enum = true
	for _, of := range s.Enum.Values {
		v := b.value(of)
		a.types |= v.kind
		if v.kind == ofString {
			a.texts = append(a.texts, v.text)
		} else {
			a.rest = append(a.rest, v)
		}
	}
	if len(a.texts) > fewTexts {
		a.set = make(map[string]struct{}, len(a.texts))
		for _, text := range a.texts {
			a.set[text] = struct{}{}
		}
	}
	return a
}

func (b *builder) value(of any) value {
	switch of := of.(type) {
	case nil:
		return value{kind: ofNull, word: "null"}
	case bool:
		return value{kind: ofBoolean, word: fmt.Sprint(of)}
	case string:
		return value{kind: ofString, text: of}
	case json.Number:
		return value{kind: ofNumber, number: parseDecimal(nil, []byte(of))}
	case []any:
		v := value{kind: ofArray}
		for _, item := range of {
			v.items = append(v.items, b.value(item))
		}
		return v
	case map[string]any:
		v := value{kind: ofObject}
		for name, member := range of {
			v.names.add(strings.Clone(name))
			v.members = append(v.members, b.value(member))
		}
		return v
	}
	b.err = fmt.Errorf("a constant of the schema is a %T", of)
	return value{}
}

// allowed says whether the value at i is one of enum. It knows the end of a string already.
func (e *evaluator) allowed(a *alternatives, i int, kind uint8, text []byte) bool {
	if a.types&kind == 0 {
		return false
	}
	if kind == ofString {
		if a.set != nil {
			_, ok := a.set[string(text)]
			return ok
		}
		for _, known := range a.texts {
			if known == string(text) {
				return true
			}
		}
		return false
	}
	for k := range a.rest {
		if _, ok := e.equal(&a.rest[k], i); ok {
			return true
		}
	}
	return false
}

// equal says whether the value at i is v, and where it ends if so.
func (e *evaluator) equal(v *value, i int) (end int, ok bool) {
	if !e.spend(1) || typeOf[e.first(i)] != v.kind {
		return 0, false
	}
	switch v.kind {
	case ofArray:
		c, n := e.open(i), 0
		for e.next(&c) {
			if n == len(v.items) {
				return 0, false
			}
			if c.At, ok = e.equal(&v.items[n], c.Value); !ok {
				return 0, false
			}
			n++
		}
		return c.At, n == len(v.items) && !e.breaks(&c) && !e.spent
	case ofObject:
		c, n := e.open(i), 0
		for e.next(&c) {
			k := v.names.find(e.name(&c))
			if k < 0 {
				return 0, false
			}
			if c.At, ok = e.equal(&v.members[k], c.Value); !ok {
				return 0, false
			}
			n++
		}
		return c.At, n == len(v.members) && !e.breaks(&c) && !e.spent
	}
	raw, end := e.raw(i)
	if end < 0 {
		return 0, false
	}
	switch v.kind {
	case ofString:
		return end, jsonspan.Is(raw, v.text)
	case ofNumber:
		d := parseDecimal(e.digits[:0], raw)
		if d.digits != nil {
			e.digits = d.digits[:0]
		}
		return end, d.compare(v.number) == 0
	}
	return end, string(raw) == v.word
}
