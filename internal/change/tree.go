package change

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// run is the state of one message on its way. It is used again for the next one.
type run struct {
	program *Program
	doc     []byte
	up      bool

	// nodes is the tree of what has been opened: at most one for each member of the opened objects, two where
	// untouched members lie between; those of a list's item are given back when the item has been written.
	nodes    []node
	src, dst []int32 // ways into the tree, from the object at hand to a member; at most maxPath+1 long
	scratch  []byte  // a name or a scalar, decoded; at most as long as the message
	depth    int     // of render in itself, at most maxDepth

	// computed are the values that steps have made: of one item of a list at a time, at most as long as its texts and
	// a little for each number.
	computed []byte

	out     []byte
	waiting waiting
}

// node is a value of the tree, and the member it is the value of. Its children are listed once it has been opened.
type node struct {
	place       int32 // number of what is still to be done with the value, 0 for nothing
	sym         int32 // the member's name; none in a stretch of untouched members, and for items
	seg0, seg1  int32 // the member with the white space around it, from comma to comma
	nam0, nam1  int32 // its name with the quotes
	at0, at1    int32 // its value as it came
	val0, val1  int32 // its value; val1 is 0 where the end has not been found yet
	first, last int32 // its children
	next        int32 // its next sibling

	member, value source // what seg, nam and at, and what val point into
	flags         uint8
}

// source is one of the byte slices that nodes point into.
type source uint8

const (
	message  source = iota
	literals        // Program.literals
	computed        // run.computed
)

const (
	opened  uint8 = 1 << iota // the children are listed
	made                      // an object that no source has: val points nowhere
	listed                    // with made: not an object but a list; its only child is its only item
	spelt                     // a number that was the text of a string, and has to be spelt like that on the way back
	added                     // a member that no source has at this place: it is written anew
	renamed                   // the name is written anew, the rest of the member as it came
	dead                      // taken away
	masked                    // hidden from the caller: by what veils say or, with dead, without a trace

	ofValue = opened | made | listed | spelt | masked // the flags that go where the value goes
)

func (r *run) bytes(s source) []byte {
	switch s {
	case literals:
		return r.program.literals
	case computed:
		return r.computed
	}
	return r.doc
}

// kind is the first byte of n's value.
func (r *run) kind(n int32) byte {
	v := &r.nodes[n]
	if v.flags&listed != 0 {
		return '['
	}
	if v.flags&made != 0 {
		return '{'
	}
	return r.bytes(v.value)[v.val0]
}

// open lists the members of the object n, and does what is still to be done with it.
func (r *run) open(n int32) error {
	if r.nodes[n].flags&opened == 0 {
		if err := r.list(n); err != nil {
			return err
		}
	}
	todo := r.nodes[n].place
	if todo == 0 {
		return nil
	}
	r.nodes[n].place = 0
	return r.apply(n, r.program.places[todo])
}

// enter opens n for a step. What is still to be done with it first has steps of its own, which must not lose this
// one's ways.
func (r *run) enter(n int32) error {
	if r.nodes[n].place == 0 {
		return r.open(n)
	}
	src, dst := r.src, r.dst
	r.src, r.dst = nil, nil
	err := r.open(n)
	r.src, r.dst = src, dst
	return err
}

// list makes a node for each member of the object n that some operation may touch, and one for each stretch of
// members that none does.
func (r *run) list(n int32) error {
	from := r.nodes[n].value
	b := r.bytes(from)
	i := int(r.nodes[n].val0) + 1
	stretch, stretchEnd := -1, 0
	prior := int32(0)
	for {
		seg := i
		i = jsonspan.Space(b, i)
		if i >= len(b) {
			return r.broken()
		}
		if b[i] == '}' && seg == int(r.nodes[n].val0)+1 {
			break
		}
		if b[i] != '"' {
			return r.broken()
		}
		nam := i
		end, escaped := jsonspan.String(b, i)
		if end < 0 {
			return r.broken()
		}
		name := b[nam+1 : end-1]
		if escaped {
			r.scratch = jsonspan.AppendText(r.scratch[:0], b[nam:end])
			name = r.scratch
		}
		sym := r.program.symbols.find(name)
		if i = jsonspan.Space(b, end); i >= len(b) || b[i] != ':' {
			return r.broken()
		}
		val := jsonspan.Space(b, i+1)
		valEnd := jsonspan.Value(b, val)
		if valEnd < 0 {
			return r.broken()
		}
		if i = jsonspan.Space(b, valEnd); i >= len(b) || b[i] != ',' && b[i] != '}' {
			return r.broken()
		}
		if sym == none {
			if stretch < 0 {
				stretch = seg
			}
			stretchEnd = i
		} else {
			if stretch >= 0 {
				prior = r.link(n, prior, node{sym: none, seg0: int32(stretch), seg1: int32(stretchEnd), member: from, value: from})
				stretch = -1
			}
			prior = r.link(n, prior, node{sym: sym, seg0: int32(seg), seg1: int32(i), nam0: int32(nam), nam1: int32(end),
				at0: int32(val), at1: int32(valEnd), val0: int32(val), val1: int32(valEnd), member: from, value: from})
		}
		if b[i] == '}' {
			break
		}
		i++
	}
	if stretch >= 0 {
		r.link(n, prior, node{sym: none, seg0: int32(stretch), seg1: int32(stretchEnd), member: from, value: from})
	}
	v := &r.nodes[n]
	if v.val1 == 0 {
		v.val1 = int32(i + 1)
	} else if v.val1 != int32(i+1) {
		return r.broken()
	}
	v.flags |= opened
	return nil
}

// link puts m into the tree as a child of parent, behind its child prior, or first where prior is 0.
func (r *run) link(parent, prior int32, m node) int32 {
	n := int32(len(r.nodes))
	p := &r.nodes[parent]
	if prior == 0 {
		m.next = p.first
		p.first = n
	} else {
		m.next = r.nodes[prior].next
		r.nodes[prior].next = n
	}
	if p.last == prior {
		p.last = n
	}
	r.nodes = append(r.nodes, m)
	return n
}

// child gives the member of the opened object n with that name, 0 if there is none.
func (r *run) child(n, sym int32) int32 {
	for c := r.nodes[n].first; c != 0; c = r.nodes[c].next {
		if r.nodes[c].sym == sym && r.nodes[c].flags&dead == 0 {
			return c
		}
	}
	return 0
}

// empty says whether no member of the opened object n is left.
func (r *run) empty(n int32) bool {
	for c := r.nodes[n].first; c != 0; c = r.nodes[c].next {
		if r.nodes[c].flags&dead == 0 {
			return false
		}
	}
	return true
}

// find follows path from the opened object n and gives the member it leads to, 0 if there is none. A null on the way
// stands for an object that is not there; anything else that is no object is an error. way gets the nodes passed.
func (r *run) find(n int32, path []int32, way *[]int32, s *step) (int32, error) {
	*way = append((*way)[:0], n)
	for k, sym := range path {
		if k > 0 {
			switch r.kind(n) {
			case '{':
				if err := r.enter(n); err != nil {
					return 0, err
				}
			case 'n':
				return 0, nil
			default:
				return 0, r.fail(n, 0, s, mustBeObject)
			}
		}
		if n = r.child(n, sym); n == 0 {
			return 0, nil
		}
		*way = append(*way, n)
	}
	return n, nil
}

const (
	mustBeObject = "must be an object"
	mustBeList   = "must be a list"
)

func (r *run) broken() *Error { return &Error{Detail: "the message is not valid JSON"} }

// fail gives the error of step s at node n or, where n is not of the message, at node instead.
func (r *run) fail(n, instead int32, s *step, detail string) *Error {
	e := &Error{Detail: detail}
	if s != nil {
		e.Change, e.Range = s.op.change.Name, s.op.Range
	}
	for _, n := range [...]int32{n, instead} {
		switch v := &r.nodes[n]; {
		case n == 0:
		case v.value == message && v.flags&made == 0:
			e.Pointer = jsonspan.Locate(r.doc, int(v.val0))
			return e
		case v.member == message && v.nam1 > 0:
			e.Pointer = jsonspan.Locate(r.doc, int(v.nam0))
			return e
		}
	}
	return e
}
