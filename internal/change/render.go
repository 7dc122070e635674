package change

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// waiting is a stretch of bytes that has still to be copied: what follows it in the same source joins it, so that all
// between two edits is copied at once.
type waiting struct {
	source   source
	from, to int32
}

// emit writes a stretch of a source.
func (r *run) emit(s source, from, to int32) {
	if from == to {
		return
	}
	if w := &r.waiting; w.to == from && w.source == s {
		w.to = to
		return
	}
	r.flush()
	r.waiting = waiting{s, from, to}
}

func (r *run) flush() {
	w := r.waiting
	if w.from != w.to {
		r.grow()
		r.out = append(r.out, r.bytes(w.source)[w.from:w.to]...)
	}
	r.waiting = waiting{from: -1, to: -1}
}

func (r *run) write(b []byte) {
	r.flush()
	r.grow()
	r.out = append(r.out, b...)
}

func (r *run) writeByte(c byte) {
	r.flush()
	r.grow()
	r.out = append(r.out, c)
}

// grow makes room for the whole message and some edits, once it is known that there are any.
func (r *run) grow() {
	if r.out == nil {
		r.out = make([]byte, 0, len(r.doc)+len(r.doc)/16+64)
	}
}

// maxDepth bounds the recursion of render where objects hold themselves and jsonspan.Check did not see the message: many
// times the 64 levels that it accepts by default, for what operations put around each.
const maxDepth = 1_000

// render does what is still to be done with n and writes its value.
func (r *run) render(n int32) error {
	if r.depth++; r.depth > maxDepth {
		return &Error{Detail: "the message is nested too deep"}
	}
	err := r.value(n)
	r.depth--
	return err
}

func (r *run) value(n int32) error {
	kind := r.kind(n)
	if number := r.nodes[n].place; number != 0 {
		todo := r.program.places[number]
		switch {
		case kind == 'n', todo.idle():
			// null stands for no object and no list.
		case todo.items != nil && kind == '[':
			return r.items(n, todo.items)
		case todo.items != nil:
			return r.fail(n, 0, nil, mustBeList)
		case kind != '{':
			return r.fail(n, 0, nil, mustBeObject)
		default:
			if err := r.open(n); err != nil {
				return err
			}
		}
	}
	v := &r.nodes[n]
	from := v.value
	if v.flags&opened == 0 || v.first == 0 && v.flags&made == 0 {
		if v.val1 == 0 {
			end := jsonspan.Value(r.bytes(from), int(v.val0))
			if end < 0 {
				return r.broken()
			}
			v.val1 = int32(end)
		}
		r.emit(from, v.val0, v.val1)
		return nil
	}
	switch {
	case v.flags&listed != 0:
		r.writeByte('[')
		if err := r.render(v.first); err != nil {
			return err
		}
		r.writeByte(']')
		return nil
	case v.flags&made != 0:
		r.writeByte('{')
	default:
		r.emit(from, v.val0, v.val0+1)
	}
	began := false
	for c := v.first; c != 0; c = r.nodes[c].next {
		if r.nodes[c].flags&dead != 0 {
			continue
		}
		if err := r.member(c, began); err != nil {
			return err
		}
		began = true
	}
	if v = &r.nodes[n]; v.flags&made != 0 {
		r.writeByte('}')
	} else {
		r.emit(from, v.val1-1, v.val1)
	}
	return nil
}

// member writes the member c, behind a comma unless it is the first.
func (r *run) member(c int32, comma bool) error {
	m := r.nodes[c]
	if comma {
		w := &r.waiting
		if m.flags&added == 0 && w.source == m.member && w.to == m.seg0-1 && r.bytes(m.member)[w.to] == ',' {
			w.to++ // the comma that came with it
		} else {
			r.writeByte(',')
		}
	}
	switch {
	case m.flags&added != 0:
		r.write(r.program.symbols.quoted[m.sym])
		r.writeByte(':')
		return r.render(c)
	case m.sym == none:
		r.emit(m.member, m.seg0, m.seg1)
		return nil
	case m.flags&renamed != 0:
		r.emit(m.member, m.seg0, m.nam0)
		r.write(r.program.symbols.quoted[m.sym])
		r.emit(m.member, m.nam1, m.at0)
	default:
		r.emit(m.member, m.seg0, m.at0)
	}
	if err := r.render(c); err != nil {
		return err
	}
	r.emit(m.member, m.at1, m.seg1)
	return nil
}

// items writes the list n, doing with each item what is to be done. One item's nodes are given back before the next,
// so that a long list takes no more room than its largest item.
func (r *run) items(n int32, todo *place) error {
	v := &r.nodes[n]
	v.place = 0
	if v.flags&listed != 0 {
		r.nodes[v.first].place = todo.number
		return r.render(n)
	}
	if todo.sifts() {
		return r.sift(n, todo)
	}
	from, known := v.value, v.val1
	b := r.bytes(from)
	written := v.val0
	i := jsonspan.Space(b, int(v.val0)+1)
	if i < len(b) && b[i] == ']' {
		i++
	} else {
		mark, before := len(r.nodes), len(r.computed)
		for {
			if i >= len(b) {
				return r.broken()
			}
			r.emit(from, written, int32(i))
			r.nodes = append(r.nodes[:mark], node{sym: none, val0: int32(i), value: from, place: todo.number})
			if err := r.render(int32(mark)); err != nil {
				return err
			}
			if r.waiting.source == computed {
				r.flush()
			}
			r.computed = r.computed[:before]
			written = r.nodes[mark].val1
			i = jsonspan.Space(b, int(written))
			if i < len(b) && b[i] == ']' {
				i++
				break
			}
			if i >= len(b) || b[i] != ',' {
				return r.broken()
			}
			i = jsonspan.Space(b, i+1)
		}
		r.nodes = r.nodes[:mark]
	}
	if known != 0 && known != int32(i) {
		return r.broken()
	}
	r.emit(from, written, int32(i))
	r.nodes[n].val1 = int32(i)
	return nil
}
