package change

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// test is a condition of a filter, ready.
type test struct {
	path []int32
	key  string
}

// idle says that nothing is to be done in the value.
func (at *place) idle() bool { return at.items == nil && at.plan == nil && len(at.fields) == 0 }

// sifts says that items at the place may be left out or masked as a whole.
func (at *place) sifts() bool { return at.act != shown || at.conditions != nil }

// hide does with the value n what its place says of the whole of it, and says whether it goes.
func (r *run) hide(n int32, at *place) (bool, error) {
	if at.conditions != nil {
		if meets, err := r.meets(n, at.conditions); !meets {
			return true, err
		}
		if at.idle() && at.act == shown {
			// It is copied as it came.
			v := &r.nodes[n]
			v.flags &^= opened
			v.first, v.last, v.place = 0, 0, 0
		}
	}
	switch at.act {
	case gone:
		return true, nil
	case veiled:
		r.veil(n)
	}
	return false, nil
}

// conceal does with the member c what its place says of the whole of it.
func (r *run) conceal(c int32, as act) {
	if as == gone {
		r.nodes[c].flags |= dead | masked
		return
	}
	r.veil(c)
}

// veil masks the value of n.
func (r *run) veil(n int32) {
	as := r.program.veils[1]
	if r.kind(n) == '"' {
		as = r.program.veils[0]
	}
	r.set(n, literals, as.start, as.end)
	r.nodes[n].flags |= masked
}

// meets says whether the value n is an object whose members are what all of tests say. It looks at them as they came.
func (r *run) meets(n int32, tests []test) (bool, error) {
	for i := range tests {
		c := n
		for _, sym := range tests[i].path {
			if r.kind(c) != '{' {
				return false, nil
			}
			if r.nodes[c].flags&opened == 0 {
				if err := r.list(c); err != nil {
					return false, err
				}
			}
			if c = r.child(c, sym); c == 0 {
				return false, nil
			}
		}
		if k := r.kind(c); k == '{' || k == '[' {
			return false, nil
		}
		v := &r.nodes[c]
		r.scratch = jsonspan.AppendScalar(r.scratch[:0], r.bytes(v.value)[v.val0:v.val1])
		if string(r.scratch) != tests[i].key {
			return false, nil
		}
	}
	return true, nil
}

// sift writes the list n without the items that go. No white space is kept around the others.
func (r *run) sift(n int32, todo *place) error {
	v := &r.nodes[n]
	from, known := v.value, v.val1
	b := r.bytes(from)
	r.emit(from, v.val0, v.val0+1)
	i := jsonspan.Space(b, int(v.val0)+1)
	empty, began := i < len(b) && b[i] == ']', false
	for mark, before := len(r.nodes), len(r.computed); !empty; {
		end := 0 // of an object, meets finds it
		if i >= len(b) || b[i] != '{' || todo.act != shown {
			if end = jsonspan.Value(b, i); end < 0 {
				return r.broken()
			}
		}
		r.nodes = append(r.nodes[:mark], node{sym: none, val0: int32(i), val1: int32(end), value: from, place: todo.number})
		goes, err := r.hide(int32(mark), todo)
		if err != nil {
			return err
		}
		if end == 0 {
			end = int(r.nodes[mark].val1)
		}
		if !goes {
			if w := &r.waiting; began && w.source == from && w.to == int32(i-1) && b[w.to] == ',' {
				w.to++ // the comma that came with it
			} else if began {
				r.writeByte(',')
			}
			if err := r.render(int32(mark)); err != nil {
				return err
			}
			if r.waiting.source == computed {
				r.flush()
			}
			began = true
		}
		r.computed = r.computed[:before]
		if i = jsonspan.Space(b, end); i < len(b) && b[i] == ']' {
			r.nodes = r.nodes[:mark]
			break
		}
		if i >= len(b) || b[i] != ',' {
			return r.broken()
		}
		i = jsonspan.Space(b, i+1)
	}
	if known != 0 && known != int32(i+1) {
		return r.broken()
	}
	r.emit(from, int32(i), int32(i+1))
	r.nodes[n].val1 = int32(i + 1)
	return nil
}

// tidy takes away the objects on a way that are masked, or in which nothing is left because the rest was hidden: in the shape before a move
// they would not be there.
func (r *run) tidy(way []int32) {
	for k := len(way) - 1; k > 0 && (r.nodes[way[k]].flags&masked != 0 || r.emptied(way[k])); k-- {
		r.nodes[way[k]].flags |= dead | masked
	}
}

// emptied says whether no member of n is left, and one was hidden.
func (r *run) emptied(n int32) bool {
	hidden := false
	for c := r.nodes[n].first; c != 0; c = r.nodes[c].next {
		flags := r.nodes[c].flags
		if flags&dead == 0 {
			return false
		}
		hidden = hidden || flags&masked != 0
	}
	return hidden
}
