package change

import (
	"math"
	"sync"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Program is what lies between one version and the newest for one kind of message. It is immutable and serves many
// messages at once.
type Program struct {
	root     *place   // nil where there is nothing to do
	places   []*place // by number; number 0 is none
	symbols  symbols
	literals []byte // the constants of all operations, which nodes point into as they point into the message

	// newest is, of a program that obligations were joined to, the one without: what goes up. nil in all others.
	newest *Program
	veils  [2]literal // what masked strings, and other masked values, become
	sifts  bool       // items of lists may be left out
}

// place is what is to be done with the value at one place of a message: it is a list with something to do in its
// items, or an object that has a plan of its own, or one on the way to others.
type place struct {
	number int32 // what nodes call it, so that they hold no pointer and the garbage collector need not look at them
	items  *place
	plan   *plan
	fields []field
	passes bool // all there is to do in the value is done to items of lists, so it need not be whole

	// What obligations do with the whole value on the way down: conditions are for items of lists.
	act        act
	conditions []test
}

type field struct {
	sym   int32
	place *place
}

// plan is what is to be done with one object, wherever it stands.
type plan struct {
	up, down []step
	held     *place // the objects it holds in the newest shape; nil where there is nothing to do in them
}

// step is one operation in one direction.
type step struct {
	do        func(r *run, object int32, s *step) error
	from, to  []int32 // paths as symbols; to of rename and move only
	shared    int     // how many names from and to have in common
	value     literal // of put
	table     *table  // of translate
	inner     int32   // of wrap and unwrap: the member's name
	parts     []int32 // of split and join: the members' names, at most maxParts
	separator []byte
	number    number // of scale and cast
	expected  string // what a value that the step cannot take must be
	strict    bool   // going up: nothing may stand where something new will be
	op        *operation
}

// literal is a constant in Program.literals.
type literal struct{ start, end int32 }

// Empty says that messages are the same in both versions.
func (p *Program) Empty() bool { return p == nil || p.root == nil }

// Up carries a request from the caller's version to the newest. doc must be valid JSON without duplicate names, as
// jsonspan.Check accepts it. The result shares doc's memory only if nothing changed, and then is doc. The error is an
// *Error whose pointer is in the caller's shape.
func (p *Program) Up(doc []byte) ([]byte, error) { return p.run(doc, true) }

// Down carries a response from the newest version to the caller's. It demands and gives what Up does, but the pointer
// of an error is in the newest shape.
func (p *Program) Down(doc []byte) ([]byte, error) { return p.run(doc, false) }

var runs = sync.Pool{New: func() any { return new(run) }}

// keep is how many nodes a run may remember room for between messages: about 1 MiB.
const keep = 1 << 14

func (p *Program) run(doc []byte, up bool) ([]byte, error) {
	if up && p.newest != nil {
		p = p.newest
	}
	if p.root == nil {
		return doc, nil
	}
	if len(doc) > math.MaxInt32/2 {
		return nil, &Error{Detail: "the message is larger than 1 GiB"}
	}
	r := runs.Get().(*run)
	r.program, r.doc, r.up = p, doc, up
	out, err := r.all()
	r.release()
	if err != nil {
		return nil, err
	}
	return out, nil
}

// release gives r back for other messages.
func (r *run) release() {
	r.program, r.doc, r.out = nil, nil, nil
	if cap(r.nodes) <= keep && cap(r.scratch) <= keep && cap(r.computed) <= keep {
		runs.Put(r)
	}
}

// begin makes a tree of the value in doc between start and end, which is node 1.
func (r *run) begin(start, end int32, at *place) {
	// Node 0 is nobody: a link to it is no link.
	r.nodes = append(r.nodes[:0], node{}, node{sym: none, val0: start, val1: end, place: at.number})
	r.computed, r.depth = r.computed[:0], 0
}

// all carries the whole message.
func (r *run) all() ([]byte, error) {
	start, end := jsonspan.Space(r.doc, 0), len(r.doc)
	for end > start && jsonspan.Space(r.doc[end-1:end], 0) == 1 {
		end--
	}
	if start == end {
		return nil, r.broken()
	}
	r.begin(int32(start), int32(end), r.program.root)
	r.waiting = waiting{}
	r.emit(message, 0, int32(start))
	if err := r.render(1); err != nil {
		return nil, err
	}
	r.emit(message, int32(end), int32(len(r.doc)))
	if r.out == nil && r.waiting == (waiting{to: int32(len(r.doc))}) {
		return r.doc, nil
	}
	r.flush()
	return r.out, nil
}
