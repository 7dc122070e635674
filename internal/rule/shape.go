package rule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/types"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Shape is what a JSON Schema says of the members and the types of a value, as far as rules are checked by it: what it
// leaves open may be anything. An object has no members but those that the schema names, unless it says with
// additionalProperties or patternProperties that there are others: a name that it does not have is more likely misspelt.
type Shape struct {
	is      form
	members map[string]*Shape // of an object
	open    bool              // it may have others
	items   *Shape            // of a list
}

type form uint8

const (
	anything form = iota
	objects
	lists
	texts
	wholes
	numbers
	truths
	nulls
)

// The bounds of what is read of a schema.
const (
	maxShapes = 10_000 // schemas within one
	maxTyped  = 2_000  // of them that the type of one name is made of; what is beyond may be anything
	maxWays   = 32     // schemas within each other
)

// unknown is the shape of what nothing is known of.
var unknown = &Shape{}

// ShapeOf reads a schema that refers to nothing but itself; nil where nothing is to be learned from it.
func ShapeOf(schema []byte) *Shape {
	var root any
	if json.Unmarshal(schema, &root) != nil {
		return nil
	}
	s := &shaper{root: root, done: make(map[string]*Shape), join: joiner{maxShapes}}
	if shape := s.shape(root, 0); shape.is != anything {
		return shape
	}
	return nil
}

// Either is the shape of a value that has one of the shapes given; nil is one of which nothing is known.
func Either(shapes []*Shape) *Shape {
	if len(shapes) == 0 || slices.Contains(shapes, nil) {
		return nil
	}
	j, all := &joiner{maxShapes}, shapes[0]
	for _, s := range shapes[1:] {
		all = j.oneOf(all, s)
	}
	return all
}

type shaper struct {
	root  any
	done  map[string]*Shape // by reference
	join  joiner
	count int
}

func (s *shaper) shape(v any, depth int) *Shape {
	schema, ok := v.(map[string]any)
	if s.count++; !ok || s.count > maxShapes || depth > maxWays {
		return unknown
	}
	own := s.own(schema, depth)
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		parts, _ := schema[word].([]any)
		var joined *Shape
		for _, part := range parts {
			p := s.shape(part, depth+1)
			switch {
			case joined == nil:
				joined = p
			case word == "allOf":
				joined = s.join.both(joined, p)
			default:
				joined = s.join.oneOf(joined, p)
			}
		}
		if joined != nil {
			own = s.join.both(own, joined)
		}
	}
	if to, ok := schema["$ref"].(string); ok {
		own = s.join.both(own, s.reference(to, depth))
	}
	return own
}

// own reads a schema without those that it is joined with.
func (s *shaper) own(schema map[string]any, depth int) *Shape {
	shape := &Shape{is: formOf(schema)}
	switch shape.is {
	case objects:
		properties, _ := schema["properties"].(map[string]any)
		shape.members = make(map[string]*Shape, len(properties))
		for name, of := range properties {
			shape.members[name] = s.shape(of, depth+1)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if name, ok := name.(string); ok && shape.members[name] == nil {
				shape.members[name] = unknown
			}
		}
		for _, word := range []string{"patternProperties", "if", "then", "else", "dependentSchemas", "$dynamicRef"} {
			shape.open = shape.open || schema[word] != nil
		}
		for _, word := range []string{"additionalProperties", "unevaluatedProperties"} {
			more, written := schema[word]
			shape.open = shape.open || written && more != false
		}
		if len(properties) == 0 && schema["additionalProperties"] != false {
			shape.open = true // it describes none of its members
		}
	case lists:
		shape.items = unknown
		if schema["prefixItems"] == nil && schema["items"] != nil {
			shape.items = s.shape(schema["items"], depth+1)
		}
	}
	return shape
}

var forms = map[string]form{
	"object": objects, "array": lists, "string": texts, "integer": wholes, "number": numbers, "boolean": truths, "null": nulls,
}

// formOf tells the type of a schema's values; whether they may be null besides makes no difference.
func formOf(schema map[string]any) form {
	var all []form
	switch t := schema["type"].(type) {
	case string:
		all = append(all, forms[t])
	case []any:
		for _, word := range t {
			word, _ := word.(string)
			all = append(all, forms[word])
		}
	default:
		values, _ := schema["enum"].([]any)
		if constant, ok := schema["const"]; ok {
			values = []any{constant}
		}
		for _, v := range values {
			all = append(all, formOfValue(v))
		}
	}
	found := nulls
	for _, f := range all {
		if found = eitherForm(found, f); found == anything {
			return anything
		}
	}
	switch {
	case len(all) > 0:
		return found
	case schema["properties"] != nil:
		return objects
	case schema["items"] != nil || schema["prefixItems"] != nil:
		return lists
	}
	return anything
}

func formOfValue(v any) form {
	switch v.(type) {
	case string:
		return texts
	case float64:
		return numbers
	case bool:
		return truths
	case nil:
		return nulls
	}
	return anything
}

func eitherForm(a, b form) form {
	switch {
	case a == b || b == nulls:
		return a
	case a == nulls:
		return b
	case a == wholes && b == numbers || a == numbers && b == wholes:
		return numbers
	}
	return anything
}

// reference gives what a reference leads to; a schema that contains itself has one shape.
func (s *shaper) reference(to string, depth int) *Shape {
	if found, ok := s.done[to]; ok {
		return found
	}
	pointer, ok := strings.CutPrefix(to, "#")
	if !ok || pointer != "" && pointer[0] != '/' {
		return unknown
	}
	v := s.root
	for _, token := range jsonspan.Split(pointer) {
		switch at := v.(type) {
		case map[string]any:
			v = at[token]
		default:
			return unknown
		}
	}
	found := &Shape{}
	s.done[to] = found // for references on the way
	*found = *s.shape(v, depth+1)
	return found
}

// joiner joins shapes, so many at most; what is beyond may be anything. Shapes may contain themselves.
type joiner struct{ left int }

// both is the shape of what two schemas say together.
func (j *joiner) both(a, b *Shape) *Shape {
	switch {
	case a.is == anything || a.is == nulls:
		return b
	case b.is == anything || b.is == nulls || a == b:
		return a
	case a.is == wholes && b.is == numbers:
		return a
	case a.is == numbers && b.is == wholes:
		return b
	case a.is != b.is:
		return unknown // nothing can be both
	}
	return j.joined(a, b, j.both)
}

// oneOf is the shape of what one of two schemas says.
func (j *joiner) oneOf(a, b *Shape) *Shape {
	if a == b {
		return a
	}
	is := eitherForm(a.is, b.is)
	switch {
	case is == anything:
		return unknown
	case a.is == nulls:
		return b
	case b.is == nulls:
		return a
	case a.is != b.is:
		return &Shape{is: is} // of two kinds of numbers
	}
	return j.joined(a, b, j.oneOf)
}

// joined joins two shapes of one form: an object has the members of both.
func (j *joiner) joined(a, b *Shape, join func(a, b *Shape) *Shape) *Shape {
	if j.left -= 1 + len(a.members) + len(b.members); j.left < 0 {
		return unknown
	}
	s := &Shape{is: a.is, open: a.open || b.open}
	switch a.is {
	case objects:
		s.members = make(map[string]*Shape, len(a.members)+len(b.members))
		maps.Copy(s.members, a.members)
		for _, name := range b.names() {
			m := b.members[name]
			if known, ok := s.members[name]; ok {
				m = join(known, m)
			}
			s.members[name] = m
		}
	case lists:
		s.items = join(a.items, b.items)
	}
	return s
}

// typed is the shape as a type of expr-lang's checker.
func (s *Shape) typed() types.Type {
	left := maxTyped
	return s.typedWithin(&left, 0)
}

func (s *Shape) typedWithin(left *int, depth int) types.Type {
	if *left--; *left < 0 || depth > maxWays {
		return types.Any
	}
	switch s.is {
	case objects:
		object := make(types.Map, len(s.members))
		for _, name := range s.names() {
			object[name] = s.members[name].typedWithin(left, depth+1)
		}
		if s.open {
			object[types.Extra] = types.Any
		}
		return object
	case lists:
		return types.Array(s.items.typedWithin(left, depth+1))
	case texts:
		return types.String
	case wholes:
		return types.Int
	case numbers:
		return types.Float64
	case truths:
		return types.Bool
	}
	return types.Any
}

func (s *Shape) names() []string {
	return slices.Sorted(maps.Keys(s.members))
}

// shape gives what is known of a place in the body. A place that the body cannot have is a mistake.
func (r *resolver) shape(path []step) (*Shape, bool) { return r.within(r.env.Body, Body, path, 0) }

// within gives what is known of a place of which the first steps lead to what has the shape s.
func (r *resolver) within(s *Shape, root Roots, path []step, first int) (*Shape, bool) {
	if s == nil {
		return unknown, true
	}
	for i := first; i < len(path); i++ {
		p := path[i]
		switch s.is {
		case objects:
			next := s.members[p.name]
			if next == nil && !s.open {
				r.mistake(p.at, "Unknown field", "%s", unknownField(p.name, s.names()))
				return nil, false
			}
			if next == nil {
				return unknown, true
			}
			s = next
		case lists:
			whole := r.noMember(root, path[:i], p, "a list")
			last := r.diags[len(r.diags)-1]
			last.Detail += fmt.Sprintf(" Write %[1]s[*].%[2]s in HCL's syntax, or map(%[1]s, .%[2]s) in expr-lang's.", whole, p.name)
			return nil, false
		case anything, nulls:
			return unknown, true
		default:
			r.noMember(root, path[:i], p, "no object")
			return nil, false
		}
	}
	return s, true
}

func (r *resolver) noMember(root Roots, path []step, member step, what string) (whole string) {
	s := slot{root: root, path: path}
	whole = s.written(len(path))
	r.mistake(member.at, "Unknown field", "By the schema, %s is %s, so it has no member %q.", whole, what, member.name)
	return whole
}
