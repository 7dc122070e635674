package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// paths is a set of places in a document, as a tree of member names: what a policy can see of input. The document cut
// down to it, its restriction, is defined thus: of a whole place, all; of a place that holds an object, an object with
// the restrictions of those members that are named here and there; of a place that holds anything else, all of that.
//
// That is the contract between reach, which finds paths, and the input document, which builds its restriction: a policy
// says the same of a document and of its restriction to the policy's paths. Since what is no object is kept, and an
// object without the named members stays an object, a policy also cannot tell the two apart where a name is missing.
type paths struct {
	whole   bool
	members map[string]*paths // nil where whole, and where only the kind of value matters
}

// maxPaths bounds the members at one place and the depth: past it the place counts as whole.
const (
	maxPathMembers = 256
	maxPathDepth   = 32
)

// add puts the place at names into the set, with all that lies below it.
func (p *paths) add(names ...string) {
	if place := p.touch(names...); place != nil {
		place.whole, place.members = true, nil
	}
}

// touch puts the place at names into the set without what it holds, if that is an object: only whether something is
// there, and of what kind, matters. It gives the place; nil where one above it is whole, or became so by a bound.
func (p *paths) touch(names ...string) *paths {
	for i, name := range names {
		if p.whole {
			return nil
		}
		next := p.members[name]
		if next == nil {
			if i >= maxPathDepth || len(p.members) >= maxPathMembers {
				p.whole, p.members = true, nil
				return nil
			}
			if p.members == nil {
				p.members = map[string]*paths{}
			}
			next = &paths{}
			p.members[name] = next
		}
		p = next
	}
	return p
}

// graft puts what a set says of a place, as if that were a document of its own, at names.
func (p *paths) graft(names []string, set *paths) {
	if set.whole {
		p.add(names...)
		return
	}
	if p.touch(names...) == nil {
		return
	}
	for _, name := range set.names() {
		p.graft(append(names[:len(names):len(names)], name), set.members[name])
	}
}

// at gives the part of the set at names, nil where nothing of it lies there. A whole place's members are whole.
func (p *paths) at(names ...string) *paths {
	for _, name := range names {
		if p == nil || p.whole {
			return p
		}
		p = p.members[name]
	}
	return p
}

// names are the members named at this place, in order.
func (p *paths) names() []string { return slices.Sorted(maps.Keys(p.members)) }

// refs spells the places that are whole as Rego does, in order, below a reference: "input.request.method".
func (p *paths) refs(below ast.Ref) []string {
	if p.whole || len(p.members) == 0 {
		return []string{below.String()}
	}
	var refs []string
	for _, name := range p.names() {
		refs = append(refs, p.members[name].refs(append(slices.Clip(below), ast.StringTerm(name)))...)
	}
	return refs
}

// String lists the references below input, for tests and for people.
func (p *paths) String() string {
	if !p.whole && len(p.members) == 0 {
		return "nothing"
	}
	return strings.Join(p.refs(ast.InputRootRef), ", ")
}
