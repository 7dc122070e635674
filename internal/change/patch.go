package change

import (
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Patch carries patches of one object, written against the caller's version of it, to the newest: merge patches
// (RFC 7396) and JSON Patches (RFC 6902). Whatever a patch does to the caller's form of a resource, the carried one
// does to the newest form of it, and nothing else: members that the caller's version does not have stay as they are.
// A patch of which that cannot be said exactly is refused.
//
// Only objects that changes move members into or out of are not held to be the same: a removal may leave them empty
// where the other form has none. And a merge patch cannot tell null from nothing (RFC 7396, section 1), so a resource
// with null in place of such an object is patched as if nothing stood there.
//
// A Patch is immutable and serves many patches at once.
type Patch struct {
	program *Program // what carries whole values; each stands where it would stand in a whole message
	root    *spot
	seats   []*seat // by number, the root's first
	refused string  // why nothing inside may be pointed at, only the whole; "" where it may
}

// Empty says that the object is the same in both versions.
func (p *Patch) Empty() bool { return p.program.Empty() }

// Whole is what carries the object itself.
func (p *Patch) Whole() *Program { return p.program }

// spot is a place in the caller's shape at which changes do something, or that lies on the way to one. Members that are
// no spots are the same in both shapes, and lie in the spot's seat.
type spot struct {
	name    string
	parent  *spot
	members []*spot
	seat    *seat // where the value is in the newest shape; nil where taken

	reached *operation // it reaches into the value, which therefore must be an object; nil for none
	inner   bool       // the value must be an object, because of reached or because an object is held in it
	changed bool       // the value itself becomes another
	lossy   bool       // two old values may become one, or two new ones
	taken   *operation // a member of a newer version stands here, so the caller's version has none of this name
	sole    *operation // it takes the value of the only member out of the object here
	only    *spot      // that member
	listed  bool       // changed, and a list in one of the versions but not in the other
	items   *Patch     // of a list whose items hold something to do: what to do with each of them

	// What is done where the value is removed as a whole, or another takes its place.
	removed []*seat // all seats that have a part of the value, the topmost of each
	foreign string  // the newest shape has members in the seat that come from elsewhere: the first of them
}

// seat is a place in the newest shape that something was brought to, or that lies on the way to one.
type seat struct {
	number  int
	name    string
	quoted  []byte // the name as a JSON string
	parent  *seat
	members []*seat
	spot    *spot // whose value is here; nil for an object that changes have made
	wrap    bool  // the object was made around a value and has no other members
	vacated bool  // nothing is here any more
}

// top is the place that goes when s goes: the outermost object that was made around it alone.
func (s *seat) top() *seat {
	for s.parent != nil && s.parent.wrap {
		for _, m := range s.parent.members {
			if m != s && !m.vacated {
				return s
			}
		}
		s = s.parent
	}
	return s
}

// within says whether s is other or lies in it.
func (s *seat) within(other *seat) bool {
	for ; s != nil; s = s.parent {
		if s == other {
			return true
		}
	}
	return false
}

// appendPath appends the names that lead to s.
func (s *seat) appendPath(names []string) []string {
	if s.parent == nil {
		return names
	}
	return append(s.parent.appendPath(names), s.name)
}

func (s *spot) within(other *spot) bool {
	for ; s != nil; s = s.parent {
		if s == other {
			return true
		}
	}
	return false
}

func (s *spot) member(name string) *spot {
	for _, m := range s.members {
		if m.name == name {
			return m
		}
	}
	return nil
}

// lone says whether the spot is the only member of its object, which does not stay without it.
func (s *spot) lone() bool { return s.parent != nil && s.parent.only == s }

// plain says whether values are the same here in both shapes, and can be brought to any other such place.
func (s *spot) plain() bool {
	return s == nil || len(s.members) == 0 && !s.inner && !s.changed && s.items == nil && !s.lone() && s.seat != nil && s.seat.top() == s.seat
}

// whole says whether the value is one value in the newest shape too.
func (s *spot) whole() bool { return s.foreign == "" && len(s.removed) == 1 }

func (s *spot) appendPath(names []string) []string {
	if s.parent == nil {
		return names
	}
	return append(s.parent.appendPath(names), s.name)
}

// pointer is the spot's JSON pointer in the caller's shape.
func (s *spot) pointer() string { return jsonspan.Join(s.appendPath(nil)) }

// up carries a value that stands at s, as Program.Up does in a message that has nothing else, and gives what stands at
// to then. The error's pointer is in the caller's shape.
func (p *Patch) up(s *spot, raw []byte, to *seat) ([]byte, error) {
	doc, end := raw, 0
	if s.parent != nil {
		doc = make([]byte, 0, len(raw)+64)
		doc, end = s.appendAround(doc, 0)
		doc = append(doc, raw...)
		for range end {
			doc = append(doc, '}')
		}
	}
	out, err := p.program.Up(doc)
	if err != nil {
		return nil, err
	}
	var names [8]string
	value, ok := jsonspan.Get(out, to.appendPath(names[:0])...)
	if !ok {
		return nil, &Error{Pointer: s.pointer(), Detail: "has no counterpart in the newest version"}
	}
	return value, nil
}

// appendAround appends the objects around s, with the name of the member that s is, and counts them.
func (s *spot) appendAround(doc []byte, depth int) ([]byte, int) {
	if s.parent == nil {
		return doc, depth
	}
	doc, depth = s.parent.appendAround(doc, depth)
	return append(jsonspan.AppendQuote(append(doc, '{'), s.name), ':'), depth + 1
}

// fail gives the error of an operation; op may be nil.
func fail(op *operation, pointer, detail string) *Error {
	e := &Error{Pointer: pointer, Detail: detail}
	if op != nil {
		e.Change, e.Range = op.change.Name, op.Range
	}
	return e
}
