package schema

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/pattern"
)

// foreignError is a part of a schema in another version of JSON Schema, by its own $schema.
type foreignError struct{ at string }

func (e *foreignError) Error() string { return "expected JSON Schema 2020-12" }

// builder makes a program of what the library compiled. Schemas wait in a queue, since they may refer to each other in
// chains that are too long for recursion.
type builder struct {
	nodes  map[*jsonschema.Schema]*node
	order  []*node
	scopes *scopes
	err    error
}

func build(root *jsonschema.Schema, scopes *scopes) (*program, error) {
	b := &builder{nodes: make(map[*jsonschema.Schema]*node), scopes: scopes}
	p := &program{root: b.node(root)}
	for i := 0; i < len(b.order); i++ {
		b.fill(b.order[i])
		if b.err != nil {
			return nil, b.err
		}
	}
	if p.scoped = b.scopes.used; p.scoped {
		if b.scope(); b.err != nil {
			return nil, b.err
		}
	}
	p.cyclic = markCycles(b.order)
	if !p.scoped {
		b.shorten(p)
	}
	for _, n := range b.order {
		n.compound = n.combines()
	}
	return p, nil
}

// node gives the node of a schema, which is filled later.
func (b *builder) node(s *jsonschema.Schema) *node {
	if s == nil {
		return nil
	}
	n := b.nodes[s]
	if n == nil {
		n = &node{of: s}
		b.nodes[s] = n
		b.order = append(b.order, n)
	}
	return n
}

func (b *builder) each(schemas []*jsonschema.Schema) []*node {
	var all []*node
	for _, s := range schemas {
		all = append(all, b.node(s))
	}
	return all
}

func (b *builder) fill(n *node) {
	s := n.of
	switch {
	case s.DraftVersion != 2020 || s.RecursiveRef != nil && s.RecursiveRef.RecursiveAnchor:
		b.err = &foreignError{s.Location}
		return
	case s.Bool != nil && *s.Bool:
		n.always = true
		return
	case s.Bool != nil:
		n.never, n.blame = true, forbidden(s.Location)
		return
	}
	if s.Types != nil {
		for _, name := range s.Types.ToStrings() {
			n.types |= typeBits[name]
		}
	}
	n.equals = b.alternatives(s)
	if s.Format != nil {
		n.format = newFormat(s.Format)
	}
	n.text = b.text(s)
	n.numbers = b.numbers(s)
	n.object = b.object(s)
	n.array = b.array(s)
	n.ref = b.node(s.Ref)
	if s.RecursiveRef != nil {
		n.all = append(n.all, b.node(s.RecursiveRef))
	}
	n.not, n.any, n.one = b.node(s.Not), b.each(s.AnyOf), b.each(s.OneOf)
	n.all = append(n.all, b.each(s.AllOf)...)
	n.check, n.then, n.other = b.node(s.If), b.node(s.Then), b.node(s.Else)
	n.otherMembers, n.otherItems = b.node(s.UnevaluatedProperties), b.node(s.UnevaluatedItems)
	if s.DynamicRef != nil {
		n.dynamic = b.dynamic(n, s.DynamicRef)
	}
	n.always = n.idle()
}

// idle says whether a node asks nothing: it may have titles and other annotations.
func (n *node) idle() bool {
	return n.types == 0 && n.equals == nil && n.format == nil && n.text == nil && n.numbers == nil && n.object == nil &&
		n.array == nil && n.ref == nil && n.dynamic == nil && n.not == nil && n.all == nil && n.any == nil && n.one == nil &&
		n.check == nil && n.otherMembers == nil && n.otherItems == nil
}

func (b *builder) text(s *jsonschema.Schema) *text {
	if s.MinLength == nil && s.MaxLength == nil && s.Pattern == nil {
		return nil
	}
	t := &text{min: or(s.MinLength, 0), max: or(s.MaxLength, -1)}
	if s.Pattern != nil {
		re := b.expression(s.Pattern)
		t.pattern = &re
	}
	return t
}

func or(p *int, none int) int {
	if p == nil {
		return none
	}
	return max(*p, 0)
}

// expression gives a pattern as Go's own type, which can be held against bytes. RE2 takes time linear in the text, but
// also in the size of the expression, to which {1000} adds a thousand times what it repeats.
func (b *builder) expression(p jsonschema.Regexp) expression {
	re, err := pattern.Compile(p.String())
	if err != nil {
		b.err = fmt.Errorf("the pattern %q is none of Go's: %w", p, err)
		return expression{}
	}
	return expression{re, 1 + re.Size()>>5}
}

func (b *builder) numbers(s *jsonschema.Schema) *numbers {
	var n numbers
	for _, of := range []struct {
		from *big.Rat
		to   **limit
	}{{s.Minimum, &n.min}, {s.Maximum, &n.max}, {s.ExclusiveMinimum, &n.above}, {s.ExclusiveMaximum, &n.below}, {s.MultipleOf, &n.step}} {
		l, err := newLimit(of.from)
		if err != nil {
			b.err = fmt.Errorf("%s: %w", s.Location, err)
		}
		*of.to = l
	}
	if n == (numbers{}) {
		return nil
	}
	return &n
}

func (b *builder) object(s *jsonschema.Schema) *object {
	o := &object{min: or(s.MinProperties, 0), max: or(s.MaxProperties, -1), naming: b.node(s.PropertyNames)}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		o.member(name, b.node(s.Properties[name]))
	}
	for _, name := range s.Required {
		o.required = append(o.required, o.member(name, nil))
	}
	for _, name := range slices.Sorted(maps.Keys(s.DependentRequired)) {
		o.need("dependentRequired", name, s.DependentRequired[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.DependentSchemas)) {
		o.implies = append(o.implies, implication{o.member(name, nil), b.node(s.DependentSchemas[name])})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Dependencies)) {
		switch d := s.Dependencies[name].(type) {
		case []string:
			o.need("dependencies", name, d)
		case *jsonschema.Schema:
			o.implies = append(o.implies, implication{o.member(name, nil), b.node(d)})
		}
	}
	for p, of := range s.PatternProperties {
		o.patterns = append(o.patterns, patterned{b.expression(p), b.node(of)})
	}
	slices.SortFunc(o.patterns, func(a, b patterned) int { return strings.Compare(a.name.String(), b.name.String()) })
	switch a := s.AdditionalProperties.(type) {
	case bool:
		if o.closed = !a; a {
			o.additional = &node{always: true} // which evaluates them
		}
	case *jsonschema.Schema:
		o.additional = b.node(a)
	}
	if s.AdditionalProperties == nil && o.min == 0 && o.max < 0 && len(o.names.list) == 0 && o.patterns == nil && o.naming == nil {
		return nil
	}
	return o
}

// member gives the index of a name, and has its value be valid by n, if that is not nil.
func (o *object) member(name string, n *node) int {
	i := o.names.add(name)
	if i == len(o.members) {
		o.members = append(o.members, nil)
	}
	if n != nil {
		o.members[i] = n
	}
	return i
}

func (o *object) need(keyword, name string, others []string) {
	n := need{keyword: keyword, name: o.member(name, nil)}
	for _, other := range others {
		n.others = append(n.others, o.member(other, nil))
	}
	o.needs = append(o.needs, n)
}

func (b *builder) array(s *jsonschema.Schema) *array {
	a := &array{
		min: or(s.MinItems, 0), max: or(s.MaxItems, -1), unique: s.UniqueItems,
		prefix: b.each(s.PrefixItems), items: b.node(s.Items2020), contains: b.node(s.Contains),
		minContains: or(s.MinContains, -1), maxContains: or(s.MaxContains, -1),
	}
	if a.min == 0 && a.max < 0 && !a.unique && a.prefix == nil && a.items == nil && a.contains == nil {
		return nil
	}
	return a
}

// shorten takes nodes that do nothing but refer to another one out of the way.
func (b *builder) shorten(p *program) {
	to := func(n *node) *node {
		for n != nil && n.ref != nil && n.cycle == 0 && n.refersOnly() {
			n = n.ref
		}
		return n
	}
	p.root = to(p.root)
	for _, n := range b.order {
		for edge := range n.edges() {
			*edge = to(*edge)
		}
	}
}

// refersOnly says whether a node asks nothing but what another one does.
func (n *node) refersOnly() bool {
	rest := *n
	rest.ref = nil
	return rest.idle()
}
