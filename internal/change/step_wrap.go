package change

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// wrap puts the member's value into an object of its own.
func wrap(r *run, object int32, s *step) error {
	n, err := r.find(object, s.from, &r.src, s)
	if err == nil && n != 0 {
		r.surround(n, s.inner, made|opened)
	}
	return err
}

// unwrap takes the member's value out of an object that has nothing else.
func unwrap(r *run, object int32, s *step) error {
	n, err := r.find(object, s.from, &r.src, s)
	if err != nil || n == 0 || r.nodes[n].flags&masked != 0 {
		return err
	}
	if r.kind(n) != '{' {
		return r.misfit(n, object, s, s.expected)
	}
	if err := r.enter(n); err != nil {
		return err
	}
	only := int32(0)
	for c := r.nodes[n].first; c != 0; c = r.nodes[c].next {
		if r.nodes[c].flags&dead != 0 {
			continue
		}
		if only != 0 || r.nodes[c].sym != s.inner {
			return r.misfit(n, object, s, s.expected)
		}
		only = c
	}
	if only == 0 && r.emptied(n) {
		r.nodes[n].flags |= dead | masked
		return nil
	}
	if only == 0 {
		return r.misfit(n, object, s, s.expected)
	}
	r.adopt(n, only)
	return nil
}

// enlist puts the member's value into a list of its own.
func enlist(r *run, object int32, s *step) error {
	n, err := r.find(object, s.from, &r.src, s)
	if err == nil && n != 0 {
		r.surround(n, none, made|listed|opened)
	}
	return err
}

// unlist takes the member's value out of a list that has nothing else.
func unlist(r *run, object int32, s *step) error {
	n, err := r.find(object, s.from, &r.src, s)
	if err != nil || n == 0 || r.nodes[n].flags&masked != 0 {
		return err
	}
	v := &r.nodes[n]
	if r.kind(n) != '[' {
		return r.misfit(n, object, s, s.expected)
	}
	var items *place
	if v.place != 0 {
		if items = r.program.places[v.place].items; items == nil {
			return r.fail(n, object, s, mustBeObject)
		}
	}
	if v.flags&listed != 0 {
		r.adopt(n, v.first)
	} else {
		b := r.bytes(v.value)
		start := jsonspan.Space(b, int(v.val0)+1)
		if start < len(b) && b[start] == ']' {
			return r.misfit(n, object, s, s.expected)
		}
		end := jsonspan.Value(b, start)
		if end < 0 {
			return r.broken()
		}
		switch i := jsonspan.Space(b, end); {
		case i < len(b) && b[i] == ',':
			return r.misfit(n, object, s, s.expected)
		case i >= len(b) || b[i] != ']':
			return r.broken()
		}
		v.val0, v.val1 = int32(start), int32(end)
	}
	if items == nil {
		return nil
	}
	v.place = items.number
	goes, err := r.hide(n, items)
	if goes {
		r.nodes[n].flags |= dead | masked
	}
	return err
}

// surround makes an object or a list the value of n, as flags say, and what was n's value its only child.
func (r *run) surround(n, name int32, flags uint8) {
	inner := r.nodes[n]
	inner.sym, inner.next = name, 0
	inner.flags = inner.flags&ofValue | added
	c := int32(len(r.nodes))
	r.nodes = append(r.nodes, inner)
	v := &r.nodes[n]
	v.flags = v.flags&^ofValue | flags
	v.first, v.last, v.place = c, c, 0
}

// adopt makes the value of the child c that of n, with what is still to be done with it.
func (r *run) adopt(n, c int32) {
	v, inner := &r.nodes[n], &r.nodes[c]
	v.value, v.val0, v.val1 = inner.value, inner.val0, inner.val1
	v.first, v.last, v.place = inner.first, inner.last, inner.place
	v.flags = v.flags&^ofValue | inner.flags&ofValue
}
