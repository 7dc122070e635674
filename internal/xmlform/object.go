package xmlform

import (
	"strconv"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

const twice = "this element may be there but once"

// object reads an object.
func (d *decoder) object(n *node, t *tag) *Error {
	o := objectReader{decoder: d, n: n, marks: len(d.seen)}
	for range (len(n.members) + 63) / 64 {
		d.seen = append(d.seen, 0)
	}
	err := o.read(t)
	d.seen = d.seen[:o.marks]
	return err
}

// objectReader is an object being read.
type objectReader struct {
	*decoder
	n      *node
	marks  int // where in seen those of this object's members begin
	others map[string]bool
	wrote  bool
	// open is the list whose elements are being read: its member, or its name where the schema does not name it; count
	// is how many there were.
	open      int
	openOther string
	count     int
}

const closed, other = -1, -2

func (o *objectReader) read(t *tag) *Error {
	o.open = closed
	if err := o.nest('{', t.at); err != nil {
		return err
	}
	for _, a := range o.attributes {
		if err := o.attribute(a); err != nil {
			return err
		}
	}
	for {
		next, err := o.child(t)
		if err != nil {
			return err
		}
		if next == nil {
			break
		}
		i, known := o.n.elements[string(next.name)]
		if known {
			err = o.member(i, next)
		} else {
			err = o.another(next)
		}
		if err != nil {
			return err
		}
	}
	o.close()
	for _, i := range o.n.lists {
		if o.mark(i) {
			o.key(o.n.members[i].key)
			o.dst = append(o.dst, "[]"...)
		}
	}
	o.leave('}')
	return nil
}

// mark notes that a member is there, and says whether it was not before.
func (o *objectReader) mark(i int) bool {
	word, bit := &o.seen[o.marks+i/64], uint64(1)<<(i%64)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

func (o *objectReader) key(key []byte) {
	if o.wrote {
		o.dst = append(o.dst, ',')
	}
	o.wrote = true
	o.dst = append(o.dst, key...)
}

// close ends the list whose elements were being read.
func (o *objectReader) close() {
	if o.open != closed {
		o.leave(']')
		o.open = closed
	}
}

func (o *objectReader) attribute(a attribute) *Error {
	i, known := o.n.attributes[string(a.name)]
	if !known {
		return misshapen(a.at, "there may be no such attribute")
	}
	m := &o.n.members[i]
	value, err := o.unescape(o.buffer[:0], a.value, a.at, true)
	if err != nil {
		return err.under(m.name)
	}
	o.buffer = value
	o.mark(i) // the scanner has seen to it that it is there but once
	o.key(m.key)
	if err := o.put(m.node.kind(), value, a.at); err != nil {
		return err.under(m.name)
	}
	return nil
}

// member reads the element of a member that the schema names.
func (o *objectReader) member(i int, t *tag) *Error {
	m := &o.n.members[i]
	if o.open == i {
		return o.item(m.node, m.name, t)
	}
	o.close()
	if !o.mark(i) {
		if m.repeats {
			return misshapen(t.at, "the elements of a list must stand together").under(m.name)
		}
		return misshapen(t.at, twice).under(m.name)
	}
	o.key(m.key)
	return o.first(m.node, m.repeats, i, m.name, t)
}

// first reads the element of a member, or of its first item.
func (o *objectReader) first(n *node, repeats bool, open int, name string, t *tag) *Error {
	if repeats && !(t.null && n.kinds&null != 0) {
		if err := o.nest('[', t.at); err != nil {
			return err.under(name)
		}
		o.open, o.openOther, o.count = open, name, 0
		return o.item(n, name, t)
	}
	if err := o.value(n, t); err != nil {
		return err.under(name)
	}
	return nil
}

// item reads the element of an item.
func (o *objectReader) item(n *node, name string, t *tag) *Error {
	if o.count > 0 {
		o.dst = append(o.dst, ',')
	}
	if err := o.value(n.items, t); err != nil {
		return err.under(strconv.Itoa(o.count)).under(name)
	}
	o.count++
	return nil
}

// another reads the element of a member that the schema does not name.
func (o *objectReader) another(t *tag) *Error {
	name, ok := nameOf(string(t.name))
	if _, named := o.n.names[name]; o.n.rest == nil || named || !ok {
		return misshapen(t.at, "there may be no such element")
	}
	repeats := o.n.rest.kind() == list && !o.n.rest.word.wrapped
	if o.open == other && o.openOther == name {
		return o.item(o.n.rest, name, t)
	}
	o.close()
	if o.others[name] {
		return misshapen(t.at, twice).under(name)
	}
	if o.others == nil {
		o.others = map[string]bool{}
	}
	o.others[name] = true
	o.key(append(jsonspan.AppendQuote(nil, name), ':'))
	return o.first(o.n.rest, repeats, other, name, t)
}
