package xmlform

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// kinds are types of JSON values.
type kinds uint8

const (
	null kinds = 1 << iota
	boolean
	numeric
	text
	list
	object
	every = 1<<iota - 1
)

var typeNames = map[string]kinds{
	"null": null, "boolean": boolean, "number": numeric, "integer": numeric, "string": text, "array": list, "object": object,
}

// hints are keywords that speak of values of one type; a schema that names no type means that one.
var hints = map[string]kinds{
	"properties": object, "additionalProperties": object, "required": object, "minProperties": object, "maxProperties": object,
	"items": list, "prefixItems": list, "minItems": list, "maxItems": list, "uniqueItems": list, "contains": list,
	"minLength": text, "maxLength": text, "pattern": text, "format": text,
	"minimum": numeric, "maximum": numeric, "exclusiveMinimum": numeric, "exclusiveMaximum": numeric, "multipleOf": numeric,
}

// term stands for a schema: one that is written at a pointer, or several that hold together or in the place of each
// other. The same term always has the same key, so that a schema which holds itself has finitely many.
type term struct {
	key    string
	from   *source
	schema any // of a leaf
	at     string
	either bool // one of the parts holds; else all of them do
	parts  []*term
}

func (s *source) leaf(at string, schema any) *term {
	return &term{key: s.name + strconv.Quote(at), from: s, schema: schema, at: at}
}

// joined is several terms as one, nil ones left out.
func joined(either bool, terms ...*term) *term {
	parts := map[string]*term{}
	for _, t := range terms {
		switch {
		case t == nil:
		case t.parts != nil && t.either == either:
			for _, p := range t.parts {
				parts[p.key] = p
			}
		default:
			parts[t.key] = t
		}
	}
	keys := slices.Sorted(maps.Keys(parts))
	if len(keys) == 0 {
		return nil
	}
	first := parts[keys[0]]
	t := &term{either: either, from: first.from, at: first.at}
	for _, key := range keys {
		t.parts = append(t.parts, parts[key])
	}
	if len(keys) == 1 {
		return t.parts[0]
	}
	operator := "&"
	if either {
		operator = "|"
	}
	t.key = "(" + strings.Join(keys, operator) + ")"
	return t
}

// shape is what a term says of a value, as far as its form depends on it.
type shape struct {
	kinds    kinds
	hints    kinds
	members  map[string]*term
	required map[string]bool
	items    *term
	rest     *term // of the members that are not told by name; nil where nothing tells of them
	word     word
	odd      map[string]string // what cannot be read: keyword by pointer
}

// word is OpenAPI's keyword xml.
type word struct {
	name      string
	attribute bool
	wrapped   bool
}

// both is what holds where a and b do.
func both(a, b shape) shape {
	a.kinds &= b.kinds
	a.hints |= b.hints
	a.members = merged(false, a.members, b.members)
	a.required = with(a.required, b.required)
	a.items, a.rest = joined(false, a.items, b.items), joined(false, a.rest, b.rest)
	a.odd = with(a.odd, b.odd)
	return a.named(b)
}

// either is what holds where a or b does: whoever reads must know the members of both.
func either(a, b shape) shape {
	a.kinds = a.meant() | b.meant()
	a.hints |= b.hints
	a.members = merged(true, a.members, b.members)
	required := map[string]bool{}
	for name := range a.required {
		if b.required[name] {
			required[name] = true
		}
	}
	a.required = required
	a.items, a.rest = joined(true, a.items, b.items), joined(true, a.rest, b.rest)
	a.odd = with(a.odd, b.odd)
	return a.named(b)
}

// meant are the types that a value may have, as far as anything speaks of them.
func (a shape) meant() kinds {
	if a.kinds == every && a.hints != 0 {
		return a.hints
	}
	return a.kinds
}

// named takes from b what a does not say about names. What stands nearest to a value comes first.
func (a shape) named(b shape) shape {
	if a.word.name == "" {
		a.word.name = b.word.name
	}
	a.word.attribute = a.word.attribute || b.word.attribute
	a.word.wrapped = a.word.wrapped || b.word.wrapped
	return a
}

func merged(either bool, a, b map[string]*term) map[string]*term {
	if len(a) == 0 {
		return b
	}
	m := maps.Clone(a)
	for name, t := range b {
		m[name] = joined(either, m[name], t)
	}
	return m
}

func with[V any](a, b map[string]V) map[string]V {
	if len(a) == 0 {
		return b
	}
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// source is a schema being read.
type source struct {
	name  string
	doc   any
	fault func(at, format string, args ...any)
	terms int // looked at for the shape at hand
}

// shape works out what a term says. open are the references that are being followed.
func (s *source) shape(t *term, open ...string) shape {
	if s.terms++; s.terms > maxTerms {
		s.fault(t.at, "this part of the schema refers to more than %d others", maxTerms)
		return shape{kinds: every}
	}
	if t.parts != nil {
		all := s.shape(t.parts[0], open...)
		for _, p := range t.parts[1:] {
			if t.either {
				all = either(all, s.shape(p, open...))
			} else {
				all = both(all, s.shape(p, open...))
			}
		}
		return all
	}
	switch schema := t.schema.(type) {
	case map[string]any:
		return s.own(t.at, schema, open)
	case bool:
		if !schema {
			return shape{}
		}
	}
	return shape{kinds: every}
}

// own is what the schema at a pointer says.
func (s *source) own(at string, schema map[string]any, open []string) shape {
	to := shape{kinds: every, word: s.word(at, schema["xml"])}
	if types, ok := schema["type"]; ok {
		to.kinds &= typesOf(types)
	}
	if values, ok := schema["enum"].([]any); ok {
		to.kinds &= kindsOf(values...)
	}
	if value, ok := schema["const"]; ok {
		to.kinds &= kindsOf(value)
	}
	for keyword := range schema {
		to.hints |= hints[keyword]
	}
	below := func(way ...string) string { return at + jsonspan.Join(way) }
	if members, ok := schema["properties"].(map[string]any); ok {
		to.members = make(map[string]*term, len(members))
		for name, m := range members {
			to.members[name] = s.leaf(below("properties", name), m)
		}
	}
	if names, ok := schema["required"].([]any); ok {
		to.required = make(map[string]bool, len(names))
		for _, name := range names {
			if name, ok := name.(string); ok {
				to.required[name] = true
			}
		}
	}
	if items, ok := schema["items"]; ok {
		to.items = s.leaf(below("items"), items)
	}
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties"} {
		// true tells nothing of a member's type; false, that there is none.
		if rest, ok := schema[keyword].(map[string]any); ok && len(rest) > 0 {
			to.rest = joined(false, to.rest, s.leaf(below(keyword), rest))
		}
	}
	for _, keyword := range []string{"prefixItems", "patternProperties", "$dynamicRef"} {
		if _, ok := schema[keyword]; ok {
			to.odd = with(to.odd, map[string]string{below(keyword): keyword})
		}
	}
	if ref, ok := schema["$ref"].(string); ok {
		to = both(to, s.refer(below("$ref"), ref, open))
	}
	return s.applied(to, schema, below, open)
}

// applied adds what the schemas say that a schema holds a value to besides itself.
func (s *source) applied(to shape, schema map[string]any, below func(...string) string, open []string) shape {
	if all, ok := schema["allOf"].([]any); ok {
		for i, one := range all {
			to = both(to, s.shape(s.leaf(below("allOf", strconv.Itoa(i)), one), open...))
		}
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		branches, ok := schema[keyword].([]any)
		if !ok || len(branches) == 0 {
			continue
		}
		var one shape
		for i, schema := range branches {
			branch := s.shape(s.leaf(below(keyword, strconv.Itoa(i)), schema), open...)
			if i == 0 {
				one = branch
			} else {
				one = either(one, branch)
			}
		}
		to = both(to, one)
	}
	// What holds only sometimes still tells of members.
	perhaps := func(way ...string) {
		if one, ok := valueAt(schema, way...); ok {
			to = both(to, either(shape{kinds: every}, s.shape(s.leaf(below(way...), one), open...)))
		}
	}
	perhaps("if")
	perhaps("then")
	perhaps("else")
	if dependent, ok := schema["dependentSchemas"].(map[string]any); ok {
		for _, name := range slices.Sorted(maps.Keys(dependent)) {
			perhaps("dependentSchemas", name)
		}
	}
	return to
}

func valueAt(value any, way ...string) (any, bool) {
	for _, name := range way {
		m, _ := value.(map[string]any)
		v, ok := m[name]
		if !ok {
			return nil, false
		}
		value = v
	}
	return value, true
}

// refer follows a reference into the schema's own text.
func (s *source) refer(at, ref string, open []string) shape {
	pointer, ok := strings.CutPrefix(ref, "#")
	if plain, err := url.PathUnescape(pointer); err == nil {
		pointer = plain
	}
	if !ok || pointer != "" && pointer[0] != '/' {
		s.fault(at, "a reference that is no JSON pointer into the schema itself is not followed")
		return shape{kinds: every}
	}
	if slices.Contains(open, pointer) {
		return shape{kinds: every} // says no more than what is being worked out
	}
	target := s.doc
	for _, token := range jsonspan.Split(pointer) {
		switch in := target.(type) {
		case map[string]any:
			target, ok = in[token]
		case []any:
			i, err := strconv.Atoi(token)
			if ok = err == nil && i >= 0 && i < len(in); ok {
				target = in[i]
			}
		default:
			ok = false
		}
		if !ok {
			s.fault(at, "there is nothing at %s", pointer)
			return shape{kinds: every}
		}
	}
	return s.shape(s.leaf(pointer, target), append(slices.Clip(open), pointer)...)
}

// word reads OpenAPI's keyword xml.
func (s *source) word(at string, value any) word {
	from, ok := value.(map[string]any)
	if !ok {
		return word{}
	}
	at += "/xml"
	for _, name := range slices.Sorted(maps.Keys(from)) {
		switch {
		case name == "name" || name == "attribute" || name == "wrapped" || strings.HasPrefix(name, "x-"):
		case name == "namespace" || name == "prefix":
			s.fault(at, "elements in a namespace are not supported by this version")
		default:
			s.fault(at, "%q is not known; an xml object has name, attribute and wrapped", name)
		}
	}
	var w word
	w.attribute, _ = from["attribute"].(bool)
	w.wrapped, _ = from["wrapped"].(bool)
	if name, ok := from["name"].(string); ok {
		if isName(name) {
			w.name = name
		} else {
			s.fault(at, "%q is no name of an element", name)
		}
	}
	return w
}

func typesOf(value any) kinds {
	switch value := value.(type) {
	case string:
		return typeNames[value]
	case []any:
		var all kinds
		for _, name := range value {
			name, _ := name.(string)
			all |= typeNames[name]
		}
		return all
	}
	return every
}

func kindsOf(values ...any) kinds {
	var all kinds
	for _, v := range values {
		switch v.(type) {
		case nil:
			all |= null
		case bool:
			all |= boolean
		case string:
			all |= text
		case []any:
			all |= list
		case map[string]any:
			all |= object
		default:
			all |= numeric
		}
	}
	return all
}
