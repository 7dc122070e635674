package policy

import (
	"iter"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/packed"
)

// datum is a value in the data of a bundle, by its place.
type datum struct {
	value packed.Value // where one file gives all of it
	joint *joint       // an object that several give, otherwise
}

// joint is an object that several files give together.
type joint struct {
	own   []packed.Value   // objects whose members it has, but for
	parts map[string]datum // those that several of them have, and those of the folders below
}

func (p datum) isObject() bool { return p.joint != nil || p.value.Kind() == '{' }

// member gives a member of an object.
func (p datum) member(name string) (datum, bool) {
	if p.joint == nil {
		value, ok := p.value.Member(name)
		return datum{value: value}, ok
	}
	if part, ok := p.joint.parts[name]; ok {
		return part, true
	}
	for _, object := range p.joint.own {
		if value, ok := object.Member(name); ok {
			return datum{value: value}, true
		}
	}
	return datum{}, false
}

// members gives the members of an object, in no order.
func (p datum) members() iter.Seq2[string, datum] {
	return func(yield func(string, datum) bool) {
		own, parts := []packed.Value{p.value}, map[string]datum(nil)
		if p.joint != nil {
			own, parts = p.joint.own, p.joint.parts
		}
		for _, object := range own {
			for raw, value := range object.Members() {
				name := jsonspan.Text(raw)
				if _, part := parts[name]; !part && !yield(name, datum{value: value}) {
					return
				}
			}
		}
		for name, part := range parts {
			if !yield(name, part) {
				return
			}
		}
	}
}

// at gives what data has at a path through objects.
func (p datum) at(path []string) (datum, bool) {
	for _, name := range path {
		next, ok := p.member(name)
		if !ok {
			return datum{}, false
		}
		p = next
	}
	return p, true
}

// size is how many bytes of text give what is at a place.
func (p datum) size() int {
	if p.joint == nil {
		return len(p.value.Raw())
	}
	size := 0
	for _, object := range p.joint.own {
		size += len(object.Raw())
	}
	for name, part := range p.joint.parts {
		size += len(name) + part.size()
		for _, object := range p.joint.own { // what is of several is counted already
			if value, ok := object.Member(name); ok {
				size -= len(value.Raw())
			}
		}
	}
	return size
}

// longest is how many bytes the longest value has among the members or items of a place, at most.
func (p datum) longest() int {
	if p.joint == nil {
		return p.value.Longest()
	}
	return p.size()
}

// branch is a place in the data of a bundle that is being read: what one file gives there, and what others give below it.
type branch struct {
	value    datum
	file     string // where value comes from; empty where there is none
	children map[string]*branch
}

// at gives the branch at a path of names, made if need be.
func (b *branch) at(path []string) *branch {
	for _, name := range path {
		if b.children == nil {
			b.children = map[string]*branch{}
		}
		next := b.children[name]
		if next == nil {
			next = &branch{}
			b.children[name] = next
		}
		b = next
	}
	return b
}

// merge makes one place of what all files give at and below a branch, if any does.
func (b *branch) merge(at []string) (p datum, given bool, diags hcl.Diagnostics) {
	given = b.file != ""
	merged := &joint{parts: map[string]datum{}}
	if given {
		merged.own = []packed.Value{b.value.value}
	}
	for _, name := range util.KeysSorted(b.children) {
		child := b.children[name]
		here := append(slices.Clip(at), name)
		below, some, more := child.merge(here)
		diags = append(diags, more...)
		if !some {
			continue
		}
		var clash []string
		if given && !b.value.isObject() {
			clash = at
		} else if given {
			if beside, twice := b.value.member(name); twice {
				below, clash = join(beside, below, here)
			}
		}
		if clash != nil {
			diags = append(diags, fileDiagnostic(child.source(), "Data given twice", dataRef(clash)+" is already given by another file of the bundle."))
			continue
		}
		merged.parts[name] = below
	}
	if len(merged.parts) == 0 {
		return b.value, given, diags
	}
	return datum{joint: merged}, true, diags
}

// source names a file that gives something at or below a branch.
func (b *branch) source() string {
	for b.file == "" && len(b.children) > 0 {
		b = b.children[util.KeysSorted(b.children)[0]]
	}
	return b.file
}

// join gives an object of the members of two, or the path at which they contradict each other.
func join(a, b datum, at []string) (joined datum, clash []string) {
	if !a.isObject() || !b.isObject() {
		return datum{}, at
	}
	j := &joint{parts: map[string]datum{}}
	for _, p := range []datum{a, b} {
		if p.joint == nil {
			j.own = append(j.own, p.value)
			continue
		}
		j.own = append(j.own, p.joint.own...)
		maps.Copy(j.parts, p.joint.parts)
	}
	few, many := a, b
	if few.size() > many.size() {
		few, many = b, a
	}
	var both []string
	for name := range few.members() {
		if _, twice := many.member(name); twice {
			both = append(both, name)
		}
	}
	slices.Sort(both)
	for _, name := range both {
		left, _ := a.member(name)
		right, _ := b.member(name)
		if j.parts[name], clash = join(left, right, append(slices.Clip(at), name)); clash != nil {
			return datum{}, clash
		}
	}
	return datum{joint: j}, nil
}

// outside finds the first path at which data gives something that lies in none of the roots. Objects on the way to a
// root are no data of their own.
func (p datum) outside(roots [][]string, at []string) []string {
	members := maps.Collect(p.members())
	for _, name := range util.KeysSorted(members) {
		here := append(slices.Clip(at), name)
		inside, above := false, false
		for _, root := range roots {
			n := min(len(root), len(here))
			if !slices.Equal(root[:n], here[:n]) {
				continue
			}
			inside = inside || len(root) <= len(here)
			above = above || len(root) > len(here)
		}
		switch {
		case inside:
		case above && members[name].isObject():
			if found := members[name].outside(roots, here); found != nil {
				return found
			}
		default:
			return here
		}
	}
	return nil
}
