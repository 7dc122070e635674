package change

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// apply does with the opened object n what is to be done at its place.
func (r *run) apply(n int32, todo *place) error {
	if p := todo.plan; p != nil {
		// What an object holds stands where the newest shape says: so it is found after all steps up, and before
		// all steps down, which carry it along unopened.
		if r.up {
			if err := r.steps(n, p.up); err != nil {
				return err
			}
		}
		if p.held != nil {
			r.assign(n, p.held)
		}
		if !r.up {
			if err := r.steps(n, p.down); err != nil {
				return err
			}
		}
		return nil
	}
	if todo.items != nil {
		return r.fail(n, 0, nil, mustBeList)
	}
	r.assign(n, todo)
	return nil
}

func (r *run) steps(n int32, steps []step) error {
	for i := range steps {
		if err := steps[i].do(r, n, &steps[i]); err != nil {
			return err
		}
	}
	return nil
}

// assign notes at the members of the opened object n what is to be done with them. It is done when they are opened or
// written.
func (r *run) assign(n int32, at *place) {
	for i := range at.fields {
		if c := r.child(n, at.fields[i].sym); c != 0 {
			if todo := at.fields[i].place; todo.act != shown {
				r.conceal(c, todo.act)
			} else {
				r.nodes[c].place = todo.number
			}
		}
	}
}

const (
	presentUp    = "is not a member of this version but of a newer one"
	emptyUp      = "must not be an empty object here; leave it out"
	unknownValue = "has a value that this version does not know"
)

// vacant makes sure, going up, that nothing stands where path leads: whoever asks in an older version cannot mean the
// newer one's member, and it could not be told from the mapped one on the way back.
func vacant(r *run, object int32, path []int32, s *step) error {
	if !s.strict {
		return nil
	}
	there, err := r.find(object, path, &r.dst, s)
	if err != nil {
		return err
	}
	if there != 0 {
		return r.fail(there, object, s, presentUp)
	}
	return nil
}

// rename gives the member another name at its place.
func rename(r *run, object int32, s *step) error {
	n, err := r.find(object, s.from, &r.src, s)
	if err != nil {
		return err
	}
	if err := vacant(r, object, s.to, s); err != nil || n == 0 {
		return err
	}
	sym := s.to[len(s.to)-1]
	if there := r.child(r.src[len(r.src)-2], sym); there != 0 {
		r.nodes[there].flags |= dead
	}
	r.nodes[n].sym = sym
	r.nodes[n].flags |= renamed
	return nil
}

// move takes the member to another object. Objects missing on the way there are made, those left empty behind it are
// taken away, so that the move back is its inverse. An object that was empty before could not be told from one that
// was made, so in requests it is refused.
func move(r *run, object int32, s *step) error {
	n, err := r.find(object, s.from, &r.src, s)
	if err != nil {
		return err
	}
	if err := vacant(r, object, s.to, s); err != nil {
		return err
	}
	if n == 0 {
		r.tidy(r.src)
		return nil
	}
	parent := object
	last := len(s.to) - 1
	for k, sym := range s.to[:last] {
		c := r.child(parent, sym)
		if c == 0 {
			c = r.link(parent, r.behind(parent, k, s), node{sym: sym, flags: made | added | opened})
		} else {
			if r.kind(c) != '{' {
				return r.fail(c, object, s, mustBeObject)
			}
			if err := r.enter(c); err != nil {
				return err
			}
			if v := &r.nodes[c]; s.strict && v.first == 0 && v.flags&made == 0 && v.value == message {
				return r.fail(c, object, s, emptyUp)
			}
		}
		parent = c
	}
	if there := r.child(parent, s.to[last]); there != 0 {
		r.nodes[there].flags |= dead
	}
	m := r.nodes[n]
	m.sym = s.to[last]
	m.flags = m.flags&^renamed | added
	r.link(parent, r.behind(parent, last, s), m)
	for k := len(r.src) - 1; k > 0; k-- {
		r.nodes[r.src[k]].flags |= dead
		if !r.empty(r.src[k-1]) {
			break
		}
	}
	return nil
}

// behind gives the child of parent that a new member comes behind: the one the moved member is in, where both ways
// part at parent, so that a move there and back keeps the order; else the last.
func (r *run) behind(parent int32, k int, s *step) int32 {
	if k == s.shared {
		return r.src[k+1]
	}
	return r.nodes[parent].last
}

// remove takes the member away.
func remove(r *run, object int32, s *step) error {
	n, err := r.find(object, s.from, &r.src, s)
	if err == nil && n != 0 {
		r.nodes[n].flags |= dead
	}
	return err
}

// put makes the member a constant, if the object it belongs to is there.
func put(r *run, object int32, s *step) error {
	if err := vacant(r, object, s.from, s); err != nil {
		return err
	}
	n, err := r.owner(object, s)
	if err != nil || n == 0 {
		return err
	}
	sym := s.from[len(s.from)-1]
	c := r.child(n, sym)
	if c == 0 {
		c = r.link(n, r.nodes[n].last, node{sym: sym, flags: added})
	}
	r.set(c, literals, s.value.start, s.value.end)
	return nil
}

// owner gives the object, opened, that the member at s.from belongs to or would belong to; 0 if it is not there.
func (r *run) owner(object int32, s *step) (int32, error) {
	n, err := r.find(object, s.from[:len(s.from)-1], &r.src, s)
	if err != nil || n == 0 || n == object {
		return n, err
	}
	switch r.kind(n) {
	case '{':
		return n, r.enter(n)
	case 'n':
		return 0, nil
	}
	return 0, r.fail(n, object, s, mustBeObject)
}

// set makes a plain value or a constant, bytes of a source, the value of n.
func (r *run) set(n int32, from source, start, end int32) {
	v := &r.nodes[n]
	v.val0, v.val1, v.first, v.last, v.place = start, end, 0, 0, 0
	v.value = from
	v.flags &^= ofValue
}

// misfit gives the error of step s where n's value is not what it must be.
func (r *run) misfit(n, object int32, s *step, expected string) error {
	if r.nodes[n].value != message {
		expected = unknownValue
	}
	return r.fail(n, object, s, expected)
}

// translate puts the member's counterpart in its place.
func translate(r *run, object int32, s *step) error {
	n, err := r.find(object, s.from, &r.src, s)
	if err != nil || n == 0 {
		return err
	}
	v := &r.nodes[n]
	if v.flags&masked != 0 {
		return nil
	}
	if k := r.kind(n); k != '{' && k != '[' {
		raw := r.bytes(v.value)[v.val0:v.val1]
		// No escape is longer than six bytes, and no other spelling of a longer value can be a key.
		if len(raw) <= s.table.longest {
			r.scratch = jsonspan.AppendScalar(r.scratch[:0], raw)
			to, ok := s.table.pairs[string(r.scratch)]
			if ok && to.same {
				return nil
			}
			if ok && (v.flags&spelt == 0 || to.key == string(raw)) {
				r.set(n, literals, to.start, to.end)
				return nil
			}
		}
	}
	return r.misfit(n, object, s, s.table.expected)
}
