package change

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// CompilePatch makes what carries patches of the object called root over chain, oldest first. It refuses operations
// that a patch cannot be carried through, in the object and in those that it holds in members: whoever says what one
// member becomes may know no other value. What lists hold is sent whole, so there any operation is right. Mistakes
// that Validate tells of chain and objects are told again.
func CompilePatch(chain []*Change, objects map[string]*Object, root string) (*Patch, hcl.Diagnostics) {
	c := newCompiler(chain, objects)
	c.places(nil, nil, []Held{{Object: root}})
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	b := &patchBuilder{compiler: c, chain: chain, patches: make(map[string]*Patch)}
	p := b.patch([]Held{{Object: root}}, true)
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	return p, c.diags
}

type patchBuilder struct {
	*compiler
	chain   []*Change
	patches map[string]*Patch // by what they hold, so that objects that hold themselves in lists come to an end
}

// patch makes what carries patches of a message that has objects at these places.
func (b *patchBuilder) patch(roots []Held, strict bool) *Patch {
	var key strings.Builder
	for _, h := range roots {
		fmt.Fprintf(&key, "%s=%s ", h.Path, h.Object)
	}
	if p := b.patches[key.String()]; p != nil {
		return p
	}
	p := &Patch{root: &spot{}}
	b.patches[key.String()] = p
	program, diags := Compile(b.chain, b.objects, roots)
	if diags.HasErrors() { // not after what CompilePatch has checked
		b.diags = append(b.diags, diags...)
		return p
	}
	p.program = program
	root := &seat{spot: p.root}
	p.root.seat = root
	s := &shaping{patchBuilder: b, patch: p, strict: strict}
	s.hold(root, roots)
	p.number(root)
	p.root.settle()
	return p
}

// number lists the seats in which something is.
func (p *Patch) number(s *seat) {
	s.members = slices.DeleteFunc(s.members, func(m *seat) bool { return m.vacated })
	s.number = len(p.seats)
	s.quoted = jsonspan.AppendQuote(nil, s.name)
	p.seats = append(p.seats, s)
	for _, m := range s.members {
		p.number(m)
	}
}

// settle notes of s and all below it what its removal takes.
func (s *spot) settle() {
	if s.sole != nil {
		inside := s
		for inside.sole != nil {
			inside = inside.only
		}
		s.seat, s.taken = inside.seat, inside.taken
	}
	if s.seat != nil {
		s.removed = []*seat{s.seat.top()}
		s.foreign = s.seat.stranger(s)
	}
	for _, m := range s.members {
		m.settle()
		for _, r := range m.removed {
			if s.seat == nil || !r.within(s.seat.top()) {
				s.removed = append(s.removed, r)
				if s.foreign == "" {
					s.foreign = m.foreign
				}
			}
		}
	}
}

// stranger gives the first place in s whose value is not from owner, as a JSON pointer; "" if there is none.
func (s *seat) stranger(owner *spot) string {
	if s.spot != nil && !s.spot.within(owner) {
		return jsonspan.Join(s.appendPath(nil))
	}
	for _, m := range s.members {
		if at := m.stranger(owner); at != "" {
			return at
		}
	}
	return ""
}

// shaping runs the operations of a chain on the shape itself instead of on messages. It begins with the caller's, of
// which nothing is known, and notes of each place that an operation touches where it is in the end.
type shaping struct {
	*patchBuilder
	patch   *Patch
	strict  bool     // what no patch can be carried through is a mistake of the catalogue, not just a reason to refuse
	holding []string // the objects around the one at hand
}

// hold runs the operations of the objects that stand at these places in base.
func (s *shaping) hold(base *seat, holds []Held) {
	var lists [][]string
	items := make(map[string][]Held)
	for _, h := range holds {
		if s.plan(h.Object) == nil {
			continue
		}
		tokens, _ := parseHeld(h.Path)
		if len(tokens) > 0 && tokens[0] != item && base.spot != nil {
			base.spot.inner = true
		}
		if k := slices.Index(tokens, item); k >= 0 {
			way := strings.Join(tokens[:k], ".")
			if items[way] == nil {
				lists = append(lists, tokens[:k])
			}
			items[way] = append(items[way], Held{Path: heldPath(tokens[k+1:]), Object: h.Object})
			continue
		}
		if at := s.walk(base, tokens, nil); at != nil {
			if at.spot != nil {
				at.spot.inner = true
			}
			s.object(at, h.Object)
		}
	}
	for _, way := range lists {
		if at := s.walk(base, way, nil); at != nil && at.spot != nil {
			at.spot.items = s.patchBuilder.patch(items[strings.Join(way, ".")], false)
		}
	}
}

// heldPath writes tokens as parseHeld reads them.
func heldPath(tokens []string) string {
	var path strings.Builder
	for _, t := range tokens {
		switch {
		case t == item:
			path.WriteString("[*]")
		case path.Len() > 0:
			path.WriteString("." + t)
		default:
			path.WriteString(t)
		}
	}
	return path.String()
}

// object runs the operations of the object at base, and of those it holds.
func (s *shaping) object(base *seat, name string) {
	if slices.Contains(s.holding, name) {
		s.refuse(s.firstIn(name), "the object holds itself in a member, and may be changed at any depth")
		return
	}
	s.holding = append(s.holding, name)
	for _, op := range s.ops[name] {
		s.run(base, op)
	}
	s.hold(base, s.objects[name].Holds)
	s.holding = s.holding[:len(s.holding)-1]
}

// firstIn gives the first operation of the object, or of one that it holds.
func (s *shaping) firstIn(name string) *operation {
	seen := map[string]bool{}
	var find func(name string) *operation
	find = func(name string) *operation {
		if seen[name] {
			return nil
		}
		seen[name] = true
		if ops := s.ops[name]; len(ops) > 0 {
			return ops[0]
		}
		for _, h := range s.objects[name].Holds {
			if op := find(h.Object); op != nil {
				return op
			}
		}
		return nil
	}
	return find(name)
}

// refuse says that patches cannot be carried through op.
func (s *shaping) refuse(op *operation, why string) {
	if !s.strict {
		s.patch.refused = "is an item of a list that is carried as a whole: " + why
		return
	}
	s.complain(op.Range, op.change.Range.Ptr(), "PATCH of an older version",
		"A PATCH of object %q as callers from before change %q know it cannot be carried through %s %q: %s. Let the route begin with since = the version of this change, so that older versions have none, or write the operation as ones that a patch can be carried through: rename, move, wrap, unwrap, list, unlist, enum, scale and cast.",
		s.holding[0], op.change.Name, op.Kind, op.Path, why)
}

// run runs one operation of the object at base.
func (s *shaping) run(base *seat, op *operation) {
	switch op.Kind {
	case Rename, Move:
		s.move(base, op)
	case Enum, Scale, Cast, List, Unlist:
		for _, p := range op.Pairs {
			if s.strict && isNull(p.New) && !isNull(p.Old) {
				s.refuse(op, "an old value becomes null, which a merge patch (RFC 7396) takes for a removal")
			}
		}
		at := s.walk(base, op.path, op)
		if at == nil {
			return
		}
		if at.spot == nil {
			s.refuse(op, "other operations have made the object that it works on")
			return
		}
		if at.stranger(at.spot) != "" {
			s.refuse(op, "other operations have brought members into the value that it works on")
		}
		r, l := op.Laws()
		at.spot.changed = true
		at.spot.lossy = at.spot.lossy || !r || !l
		at.spot.listed = at.spot.listed || op.Kind == List || op.Kind == Unlist
	case Wrap:
		if at := s.walk(base, op.path, op); at != nil {
			around := &seat{name: at.name, wrap: true}
			at.leave(around)
			around.attach(at, op.Member)
		}
	case Unwrap:
		if at := s.walk(base, op.path, op); at != nil {
			s.unwrap(at, op)
		}
	case Add:
		s.refuse(op, "what the newer version has there must neither be set to the constant nor be lost")
	case Drop:
		s.refuse(op, "the newer version has no place for the value")
	default:
		s.refuse(op, "the members that it works on depend on each other, and a patch need not name all of them")
	}
}

// unwrap takes the value out of the object at.
func (s *shaping) unwrap(at *seat, op *operation) {
	inside := s.child(at, op.Member)
	for _, m := range at.members {
		if m != inside && !m.vacated {
			inside = nil
		}
	}
	switch {
	case inside == nil:
	case at.spot == nil && at.wrap:
		at.leave(inside)
		return
	case at.spot == nil || inside.spot == nil || inside.spot.parent != at.spot:
	case slices.ContainsFunc(at.spot.members, func(m *spot) bool { return m != inside.spot && m.taken == nil }):
	default:
		at.spot.reach(op)
		at.spot.sole, at.spot.only = op, inside.spot
		at.leave(inside)
		return
	}
	s.refuse(op, "other operations work on the object that it takes the value out of")
}

// leave puts other in the place of s.
func (s *seat) leave(other *seat) {
	other.name, other.parent = s.name, s.parent
	s.parent.members[slices.Index(s.parent.members, s)] = other
}

func isNull(raw []byte) bool { return bytes.HasPrefix(raw, []byte("null")) }

// move brings a member to another place.
func (s *shaping) move(base *seat, op *operation) {
	from := s.walk(base, op.path, op)
	parent := base
	for _, name := range op.to[:len(op.to)-1] {
		next := s.child(parent, name)
		if next == nil {
			if from == nil {
				return
			}
			next = &seat{}
			parent.attach(next, name)
		}
		if next.spot != nil {
			next.spot.reach(op)
		}
		parent = next
	}
	name := op.to[len(op.to)-1]
	if there := s.child(parent, name); there != nil {
		there.take(op)
	}
	if from == nil {
		return
	}
	k := slices.Index(from.parent.members, from)
	from.parent.members[k] = &seat{name: from.name, parent: from.parent, vacated: true}
	parent.attach(from, name)
}

// reach notes that op reaches into the value at s.
func (s *spot) reach(op *operation) {
	s.inner = true
	if s.reached == nil {
		s.reached = op
	}
}

// attach makes m the member of s with that name, in the place of whatever was there.
func (s *seat) attach(m *seat, name string) {
	s.members = slices.DeleteFunc(s.members, func(old *seat) bool { return old.name == name })
	m.name, m.parent = name, s
	s.members = append(s.members, m)
}

// take notes that nothing of the caller's may be where op brings something.
func (s *seat) take(op *operation) {
	if s.spot != nil {
		s.spot.taken, s.spot.seat = op, nil
	}
	for _, m := range s.members {
		m.take(op)
	}
}

// walk follows path from base, as op does, and gives the place it leads to; nil where the caller's members have left
// or never were.
func (s *shaping) walk(base *seat, path []string, op *operation) *seat {
	at := base
	for k, name := range path {
		if k > 0 && at.spot != nil {
			at.spot.inner = true
			if op != nil {
				at.spot.reach(op)
			}
		}
		if at = s.child(at, name); at == nil {
			return nil
		}
	}
	return at
}

// child gives the place of a member, which is the caller's own unless an operation has brought another there.
func (s *shaping) child(at *seat, name string) *seat {
	for _, m := range at.members {
		if m.name == name {
			if m.vacated {
				return nil
			}
			return m
		}
	}
	if at.spot == nil || at.spot.taken != nil {
		return nil
	}
	m := &seat{name: name, parent: at, spot: &spot{name: name, parent: at.spot}}
	m.spot.seat = m
	at.spot.members = append(at.spot.members, m.spot)
	at.members = append(at.members, m)
	return m
}
