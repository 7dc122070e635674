package change

import (
	"sync"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// merging is one merge patch on its way. It is used again for the next one.
type merging struct {
	patch *Patch
	slots []slot // by the seats' numbers

	// extras are members that no change touches: at most one for each member of the patch.
	extras []extra
}

// slot is what a patch says of a seat.
type slot struct {
	said        said
	value       []byte
	first, last int32 // of its extras, counted from one
}

type said uint8

const (
	nothing said = iota
	some         // of members of it
	all          // the whole value
)

type extra struct {
	name, value []byte // as they are spelt
	next        int32
}

var mergings = sync.Pool{New: func() any { return new(merging) }}

// keepExtras is how many members a merging may remember room for between patches: about 64 KiB.
const keepExtras = 1 << 10

var null = []byte("null")

// Merge carries a merge patch (RFC 7396) up. doc must be valid JSON without duplicate names, as jsonspan.Check accepts
// it. The result shares doc's memory only if nothing changed, and then is doc. The error is an *Error whose pointer
// leads into doc.
func (p *Patch) Merge(doc []byte) ([]byte, error) {
	raw, ok := jsonspan.Get(doc)
	if !ok {
		return nil, &Error{Detail: "the message is not valid JSON"}
	}
	if p.Empty() {
		return doc, nil
	}
	m := mergings.Get().(*merging)
	m.patch = p
	if cap(m.slots) < len(p.seats) {
		m.slots = make([]slot, len(p.seats))
	}
	m.slots = m.slots[:len(p.seats)]
	err := m.carry(p.root, raw)
	var out []byte
	if err == nil {
		out = m.write(make([]byte, 0, len(doc)+len(doc)/16+64), p.seats[0])
	}
	clear(m.slots)
	clear(m.extras)
	m.extras, m.patch = m.extras[:0], nil
	if cap(m.extras) <= keepExtras {
		mergings.Put(m)
	}
	return out, err
}

// carry brings what the patch says of s to where it belongs.
func (m *merging) carry(s *spot, raw []byte) error {
	switch kind := raw[0]; {
	case kind == '{' && s.inner && !s.changed:
		return m.members(s, raw)
	case s.taken != nil:
		return fail(s.taken, s.pointer(), presentUp)
	case kind == 'n' && s.parent != nil:
		return m.remove(s)
	case s.changed:
		return m.change(s, raw)
	case s.inner:
		return fail(s.reached, s.pointer(), mustBeObject)
	case kind == '{' && s.items != nil:
		return fail(nil, s.pointer(), mustBeList)
	case s.items != nil:
		return m.change(s, raw)
	}
	m.say(s.seat, all).value = raw
	return nil
}

// change carries a value that is given whole.
func (m *merging) change(s *spot, raw []byte) error {
	value, err := m.patch.up(s, raw, s.seat)
	if err != nil {
		return err
	}
	if s.changed && !s.whole() || s.listed && (raw[0] == '{' || value[0] == '{' || value[0] == 'n') {
		return fail(s.reached, s.pointer(), "is a list in one of the versions only, which a merge patch cannot say of an object; send a JSON Patch")
	}
	m.say(s.seat, all).value = value
	return nil
}

// members carries what the patch says of the members of the object s.
func (m *merging) members(s *spot, raw []byte) error {
	empty := true
	for quoted, value := range jsonspan.Members(raw) {
		empty = false
		var inside *spot
		for _, member := range s.members {
			if jsonspan.Is(quoted, member.name) {
				inside = member
			}
		}
		if inside != nil {
			if err := m.carry(inside, value); err != nil {
				return err
			}
			continue
		}
		if op := s.taken; op != nil {
			return fail(op, s.pointer(), presentUp)
		}
		if s.sole != nil {
			return fail(s.sole, s.pointer()+"/"+jsonspan.Escape(jsonspan.Text(quoted)), "is not a member of this object, which has but one")
		}
		at := m.say(s.seat, some)
		m.extras = append(m.extras, extra{name: quoted, value: value})
		n := int32(len(m.extras))
		if at.first == 0 {
			at.first = n
		} else {
			m.extras[at.last-1].next = n
		}
		at.last = n
	}
	switch {
	case !empty:
	case s.sole != nil:
		return fail(s.sole, s.pointer(), "must have its only member")
	case s.taken != nil:
		return fail(s.taken, s.pointer(), presentUp)
	default:
		m.say(s.seat, some)
	}
	return nil
}

// remove takes away all that is of s.
func (m *merging) remove(s *spot) error {
	if s.foreign != "" {
		return fail(s.reached, s.pointer(), "cannot be removed as a whole: in the newest version it is one with members that stand elsewhere in this one; remove its members one by one")
	}
	if s.lone() {
		return fail(s.parent.sole, s.pointer(), "cannot be removed but with the object around it")
	}
	for _, at := range s.removed {
		m.say(at, all).value = null
	}
	return nil
}

// say notes that something is said of a seat, and therefore of members of those around it.
func (m *merging) say(s *seat, what said) *slot {
	for around := s.parent; around != nil; around = around.parent {
		m.slots[around.number].said = max(m.slots[around.number].said, some)
	}
	at := &m.slots[s.number]
	at.said = max(at.said, what)
	return at
}

// write appends what the patch says of s.
func (m *merging) write(out []byte, s *seat) []byte {
	at := &m.slots[s.number]
	if at.said == all {
		return append(out, at.value...)
	}
	out = append(out, '{')
	for _, member := range s.members {
		if m.slots[member.number].said != nothing {
			out = append(comma(out), member.quoted...)
			out = m.write(append(out, ':'), member)
		}
	}
	for n := at.first; n != 0; n = m.extras[n-1].next {
		out = append(comma(out), m.extras[n-1].name...)
		out = append(append(out, ':'), m.extras[n-1].value...)
	}
	return append(out, '}')
}

// comma ends the member before, if there is one.
func comma(out []byte) []byte {
	if out[len(out)-1] == '{' {
		return out
	}
	return append(out, ',')
}
