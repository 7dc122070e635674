// Package merge lays what a caller of an older version writes over the resource as it is, so that nothing is lost that
// the caller could not see. It merges three JSON documents in the newest shape: theirs, the resource as the service has
// it; base, what a caller who changed nothing would write; and mine, what this caller writes. What the caller cannot see
// is exactly where base and theirs differ.
//
// Documents are read as spans of bytes: what is taken over keeps its spelling, and numbers are compared as decimals.
// Members stand in the order of theirs, new ones behind them in the order of mine.
package merge

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// ErrUnsafe says that what the caller wrote and what it could not see cannot both be kept: the caller would not read
// back what it wrote.
var ErrUnsafe = errors.New("what the caller wrote and what it cannot see exclude each other")

// Overlay gives the document to write in the place of theirs for a caller whose body is mine. p is what lies between
// the caller's version and the newest; theirs and mine are in the newest shape, and strict JSON. The caller reads back
// what it wrote, and what it cannot see stays as it was, save in what the caller takes away: items of lists, and whole
// objects where fits, which says what the service would accept, or the caller's own view does not let the hidden rest
// stand alone. Where p hides something, as a policy wants it, that is nothing that the caller can see either; and a list
// of which p leaves items out can only be written back as it was read. The error is ErrUnsafe, or that of a resource that cannot be brought to the caller's version and back.
func Overlay(p *change.Program, theirs, mine []byte, fits func([]byte) bool) ([]byte, error) {
	seen, err := p.Down(theirs)
	if err != nil {
		return nil, fmt.Errorf("bringing the resource to the caller's version: %w", err)
	}
	base, err := p.Up(seen)
	if err != nil {
		return nil, fmt.Errorf("bringing the resource back from the caller's version: %w", err)
	}
	wrote, err := p.Down(mine)
	if err != nil {
		return nil, fmt.Errorf("bringing the body to the caller's version: %w", err)
	}
	for _, m := range []merger{{keep: true}, {keep: true, older: p.Pointer}, {}, {older: p.Pointer}} {
		m.sifted = p.Sifts()
		doc := m.merge(base, theirs, mine)
		if m.lost {
			break
		}
		if reads, err := p.Down(doc); err == nil && same(reads, wrote, m.kept) && (!m.kept || fits(doc)) {
			return doc, nil
		}
	}
	return nil, ErrUnsafe
}

// merger is the state of one merge.
type merger struct {
	older func(pointer string) string // where a value stands in the caller's shape; nil: members that are one there are not looked for
	keep  bool                        // what is hidden in an object that the caller took away is kept
	kept  bool                        // something was

	sifted bool   // items of lists may be hidden
	lost   bool   // such a list was changed, and with it what is hidden would go
	path   []byte // the pointer of the object at hand
	out    []byte
}

// merge gives the three documents as one, in memory of its own.
func (m *merger) merge(base, theirs, mine []byte) []byte {
	base, theirs, mine = trim(base), trim(theirs), trim(mine)
	m.out = make([]byte, 0, max(len(theirs), len(mine))+64)
	m.value(base, theirs, mine)
	return m.out
}

func trim(doc []byte) []byte { return bytes.Trim(doc, " \t\r\n") }

// value writes what becomes of a value that all three have.
func (m *merger) value(base, theirs, mine []byte) {
	switch {
	case Equal(base, theirs):
		m.out = append(m.out, mine...)
	case Equal(mine, base):
		m.out = append(m.out, theirs...)
	default:
		m.both(base, theirs, mine)
	}
}

// both writes a value that the caller changed and could not see all of.
func (m *merger) both(base, theirs, mine []byte) {
	m.lost = m.lost || m.sifted && partial(base, theirs)
	switch {
	case base[0] == '{' && theirs[0] == '{' && mine[0] == '{':
		m.object(base, theirs, mine)
	case base[0] == '[' && theirs[0] == '[' && mine[0] == '[':
		m.list(base, theirs, mine)
	default:
		m.out = append(m.out, mine...)
	}
}

// partial says whether a list has items that the caller does not see.
func partial(base, theirs []byte) bool {
	return base[0] == '[' && theirs[0] == '[' && len(items(base)) != len(items(theirs))
}

// member is what the three have under one name; nil where they have nothing.
type member struct {
	name               []byte // as it is spelt
	base, theirs, mine []byte
	hidden             bool // the caller could not see what is there
	changed            bool // the caller wrote something else than it read
	plain              bool // no object and no list in any
}

func newMember(name, base, theirs, mine []byte) member {
	e := member{name: name, base: base, theirs: theirs, mine: mine}
	e.hidden, e.changed, e.plain = !alike(base, theirs), !alike(base, mine), true
	for _, v := range [...][]byte{base, theirs, mine} {
		if v != nil && (v[0] == '{' || v[0] == '[') {
			e.plain = false
		}
	}
	return e
}

// alike says whether two values, of which both may be absent, are equal.
func alike(a, b []byte) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return Equal(a, b)
}

// object writes the merged object.
func (m *merger) object(base, theirs, mine []byte) {
	var inBase, inMine names
	inBase.read(base)
	inMine.read(mine)
	var all []member
	for name, value := range jsonspan.Members(theirs) {
		key := text(name)
		all = append(all, newMember(name, inBase.take(key), value, inMine.take(key)))
	}
	for i := range inMine.entries {
		if e := &inMine.entries[i]; !e.taken {
			all = append(all, newMember(e.raw, inBase.take(e.name), nil, e.value))
		}
	}
	for i := range inBase.entries {
		if e := &inBase.entries[i]; !e.taken { // nothing is written for it, but another member may be one with it
			all = append(all, newMember(e.raw, e.value, nil, nil))
		}
	}
	m.bind(all)
	m.out = append(m.out, '{')
	start := len(m.out)
	for i := range all {
		m.member(&all[i], start)
	}
	m.out = append(m.out, '}')
}

// bind finds plain members that are one in the caller's shape, as the parts of a text that was split are. The caller who
// changed one has changed them all: half of what it wrote and half of what was there is neither.
func (m *merger) bind(all []member) {
	hidden, written := false, map[string]bool(nil)
	for i := range all {
		hidden = hidden || all[i].plain && all[i].hidden && !all[i].changed
	}
	if !hidden || m.older == nil {
		return
	}
	for i := range all {
		if e := &all[i]; e.plain && e.changed {
			if written == nil {
				written = make(map[string]bool)
			}
			written[m.seen(e)] = true
		}
	}
	for i := range all {
		if e := &all[i]; written != nil && e.plain && e.hidden && !e.changed {
			e.hidden = !written[m.seen(e)]
		}
	}
}

// seen is where the caller sees a member of the object at hand.
func (m *merger) seen(e *member) string {
	return m.older(string(m.path) + "/" + jsonspan.Escape(jsonspan.Text(e.name)))
}

// member writes what becomes of a member, if anything does. The object's members begin at start.
func (m *merger) member(e *member, start int) {
	switch {
	case !e.hidden:
		m.put(e, start, e.mine)
	case !e.changed:
		m.put(e, start, e.theirs)
	case e.base == nil || e.theirs == nil:
		m.put(e, start, e.mine)
	case e.mine == nil && m.sifted && partial(e.base, e.theirs):
		m.lost = true
	case e.mine != nil:
		m.begin(e, start)
		mark := len(m.path)
		m.path = append(append(m.path, '/'), jsonspan.Escape(jsonspan.Text(e.name))...)
		m.both(e.base, e.theirs, e.mine)
		m.path = m.path[:mark]
	case m.keep && e.base[0] == '{' && e.theirs[0] == '{':
		mark := len(m.out)
		m.begin(e, start)
		if m.rest(e.base, e.theirs) {
			m.kept = true
		} else {
			m.out = m.out[:mark]
		}
	}
}

// put writes a member with a value, nil for none.
func (m *merger) put(e *member, start int, value []byte) {
	if value != nil {
		m.begin(e, start)
		m.out = append(m.out, value...)
	}
}

// begin writes what stands before a member's value.
func (m *merger) begin(e *member, start int) {
	if len(m.out) > start {
		m.out = append(m.out, ',')
	}
	m.out = append(append(m.out, e.name...), ':')
}

// rest writes what is hidden in an object that the caller took away, and says whether anything is.
func (m *merger) rest(base, theirs []byte) bool {
	var inBase names
	inBase.read(base)
	m.out = append(m.out, '{')
	start := len(m.out)
	for name, value := range jsonspan.Members(theirs) {
		e := &member{name: name, base: inBase.take(text(name))}
		switch {
		case alike(e.base, value):
		case e.base != nil && e.base[0] == '{' && value[0] == '{':
			mark := len(m.out)
			m.begin(e, start)
			if !m.rest(e.base, value) {
				m.out = m.out[:mark]
			}
		case e.base != nil && e.base[0] == '[' && value[0] == '[':
			// Its items go with what the caller saw of them.
		default:
			m.put(e, start, value)
		}
	}
	m.out = append(m.out, '}')
	return len(m.out) > start+1
}
