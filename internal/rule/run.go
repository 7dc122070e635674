package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/expr-lang/expr/file"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

var (
	errTime   = errors.New("the expression took longer than 50 ms")
	errText   = errors.New("the expression makes more than 4 MiB of strings")
	errMemory = errors.New("the expression makes lists of more than 250,000 members")
	errNumber = errors.New("a number is out of bounds")
	errZero   = errors.New("division by zero")
	errWhole  = errors.New("a remainder is of whole numbers")
)

// Failure is why an expression had no result: never a yes. It names the place for the log; clients are not told.
type Failure struct {
	Range   hcl.Range
	Message string
	Pointer string // the member of the body's list that the expression stumbled over, as a JSON pointer; "" where that is not known
	cause   error
}

// Error gives file:line:column and the reason.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.Range.Filename, f.Range.Start.Line, f.Range.Start.Column, f.Message)
}

// Unwrap gives the error of a look-up.
func (f *Failure) Unwrap() error { return f.cause }

// fault ends an evaluation at a place of the expression. It is a panic, so that what goes well costs no checks.
type fault struct {
	at    file.Location
	cause error
}

func fail(at file.Location, format string, args ...any) {
	panic(&fault{at, fmt.Errorf(format, args...)})
}

// run is what one evaluation needs. It is used again by later ones.
type run struct {
	program *Program
	x       *exchange.Exchange
	index   *jsonspan.Index // of the body; nil where there is none
	at      file.Location   // of what was begun last, for failures that do not know their place
	values  []value         // of the slots
	known   []bool          // which of them
	lets    []value         // variables, in the order in which they are declared
	rounds  []round         // of the predicates around, the innermost last
	stack   []value         // arguments of the calls around
	site    *site           // whose condition was not met, or is being tried

	spent    int // since the clock was read
	text     int // bytes of strings made
	members  int // of lists and objects made
	deadline time.Time
}

// round is where a predicate is in its list.
type round struct {
	index int
	node  int   // of the item in the body's index, counted from 1, for it is read only where the predicate names it; otherwise 0
	item  value // where node is 0
}

// current gives the item that a round is at.
func (r *run) current(depth int) value {
	if at := &r.rounds[depth]; at.node == 0 {
		return at.item
	}
	return r.fromIndex(r.rounds[depth].node - 1)
}

func newRun(p *Program) *run {
	return &run{
		program: p, values: make([]value, len(p.slots)), known: make([]bool, len(p.slots)),
		lets: make([]value, p.lets), rounds: make([]round, p.rounds),
	}
}

// evaluate runs what is compiled. Whatever goes wrong, a mistake of ours included, is a failure.
func (p *Program) evaluate(x *exchange.Exchange, with func(*run)) (f *Failure) {
	r := p.pool.Get().(*run)
	if r.x = x; p.needs.Body == exchange.JSON {
		r.index = x.Body.Parsed()
	}
	defer func() {
		if e := recover(); e != nil {
			f = r.failure(e)
		}
		r.forget()
		p.pool.Put(r)
	}()
	with(r)
	return nil
}

func (r *run) failure(e any) *Failure {
	at, cause := r.at, error(nil)
	switch e := e.(type) {
	case *fault:
		at, cause = e.at, e.cause
	case error:
		cause = e
	default:
		cause = fmt.Errorf("%v", e)
	}
	return &Failure{Range: r.program.at.place(at), Message: cause.Error(), Pointer: r.pointer(), cause: cause}
}

// forget drops all that belongs to the request.
func (r *run) forget() {
	for i, known := range r.known {
		if known {
			r.values[i], r.known[i] = value{}, false
		}
	}
	if len(r.lets)+len(r.rounds)+cap(r.stack) > 0 { // most expressions have none of them
		clear(r.lets)
		clear(r.rounds)
		clear(r.stack[:cap(r.stack)])
		r.stack = r.stack[:0]
	}
	r.x, r.index, r.site = nil, nil, nil
	r.at, r.spent, r.text, r.members, r.deadline = file.Location{}, 0, 0, 0, time.Time{}
}

// What an evaluation spends between two looks at the clock. One step is a round of a predicate, a look-up, or so many
// bytes gone through; all of it takes some 10 µs.
const (
	stepsPerLook = 64
	bytesPerStep = 128
	namesPerStep = 16
)

// spend ends an evaluation that goes on for too long. The clock is read now and then, so that short ones never read it.
func (r *run) spend(steps int) {
	if r.spent += steps; r.spent >= stepsPerLook {
		r.look()
	}
}

func (r *run) look() {
	r.spent = 0
	now := r.program.now()
	if r.deadline.IsZero() {
		r.deadline = now.Add(maxTime)
	} else if now.After(r.deadline) {
		panic(errTime)
	}
}

// write counts the bytes of a string about to be made.
func (r *run) write(bytes int) {
	r.spend(bytes / bytesPerStep)
	if r.text += bytes; r.text > maxText {
		panic(errText)
	}
}

// keep counts members of a list or an object about to be made.
func (r *run) keep(n int) {
	if r.members += n; r.members > maxMembers {
		panic(errMemory)
	}
}

// slot gives what the expression names of the request, looked up when it is first needed.
func (r *run) slot(i int) value {
	r.spend(1)
	if !r.known[i] {
		s := &r.program.slots[i]
		r.values[i] = s.get(r, s)
		r.known[i] = true
	}
	return r.values[i]
}

// sort sorts the names of an object, of which there are no more than keep allowed.
func (r *run) sort(names []string) {
	r.spend(len(names))
	slices.Sort(names)
}

func sortedNames(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
