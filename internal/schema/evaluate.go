package schema

import (
	"sync"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// The bounds of holding one document against one schema. A schema that tries several forms for a value, each of which
// tries several for the values below, takes time that doubles with each level of the document.
const (
	freeSteps    = 250_000 // whatever the document's size; some milliseconds
	stepsPerByte = 8       // and for each of its bytes; a value that is held against one schema is about one step
	maxNested    = 5_000   // schemas that are held against values at one time, each within the one before
)

// evaluator holds one document against a program, on its text: no value is decoded. It stops at the first thing that is
// wrong or, where it has a sink, tells it there and goes on.
//
// A place is a value's byte in the document or, where there is an index, its node.
type evaluator struct {
	doc    []byte
	index  *jsonspan.Index // nil where the document is gone through as it is spelt
	steps  int             // that are left
	nested int             // schemas that are being held against values
	spent  bool            // there were too few steps, or too many schemas nested
	broken bool            // the document is not JSON
	sink   *sink
	way    []string // to the value, where there is a sink

	words  []uint64 // regions, a stack of them: which members were seen, and which were evaluated
	active []int    // for each cyclic node, one more than where the value begins that it is being held against
	scopes []*scope // the resources of the schemas around, where the program is scoped

	// Room that is used again and again.
	text, digits, other []byte
	hashes              []uint64 // of the items of an array, and where they begin: at most 28 bytes for each
	starts, table       []uint32
}

var evaluators = sync.Pool{New: func() any { return new(evaluator) }}

// keep is how many entries of each kind of room an evaluator keeps between documents.
const keep = 1 << 15

// release gives the evaluator back, without the document and without more room than most documents need.
func (e *evaluator) release() {
	if cap(e.words) > keep || cap(e.digits) > keep || cap(e.text) > 8*keep || cap(e.other) > 8*keep || cap(e.hashes) > keep || cap(e.table) > 4*keep || cap(e.active) > keep {
		return
	}
	clear(e.way[:cap(e.way)])
	clear(e.scopes[:cap(e.scopes)])
	e.doc, e.index, e.sink, e.way, e.scopes = nil, nil, nil, e.way[:0], e.scopes[:0]
	evaluators.Put(e)
}

// run says whether doc is valid. What is not is told to the sink, if there is one.
func (e *evaluator) run(p *program, doc []byte, to *sink) bool {
	e.doc, e.sink = doc, to
	e.steps, e.nested, e.spent, e.broken = freeSteps+stepsPerByte*len(doc), 0, false, false
	e.way, e.words, e.scopes = e.way[:0], e.words[:0], e.scopes[:0]
	if cap(e.active) < p.cyclic {
		e.active = make([]int, p.cyclic)
	}
	e.active = e.active[:p.cyclic]
	clear(e.active)
	if e.index != nil {
		_, ok := e.eval(p.root, 0, none)
		return ok && !e.broken && !e.spent
	}
	start := jsonspan.Space(doc, 0)
	end, ok := e.eval(p.root, start, none)
	if !ok {
		return false
	}
	if end == 0 {
		end = e.skip(start)
	}
	if !e.broken && (end < 0 || jsonspan.Space(doc, end) != len(doc)) {
		e.broken = true
	}
	return !e.broken && !e.spent
}

// spend takes steps, and says whether there were as many.
func (e *evaluator) spend(n int) bool {
	if e.steps -= n; e.steps < 0 {
		e.spent = true
	}
	return !e.spent
}

// open begins to go through the object or array at i.
func (e *evaluator) open(i int) jsonspan.Cursor {
	if e.index != nil {
		return e.index.Open(i)
	}
	return jsonspan.Open(e.doc, i)
}

// first is the first byte of the value at i, 0 if there is none.
func (e *evaluator) first(i int) byte {
	switch {
	case e.index != nil:
		return e.index.First(i)
	case i < len(e.doc):
		return e.doc[i]
	}
	return 0
}

// raw gives the value at i as it is spelt, and its end; -1 if there is none.
func (e *evaluator) raw(i int) (text []byte, end int) {
	if e.index != nil {
		return e.index.Raw(i), 1
	}
	if end = e.skip(i); end < 0 {
		return nil, -1
	}
	return e.doc[i:end], end
}

// skip gives the end of the value at i, -1 if there is none. With an index nobody needs to know it.
func (e *evaluator) skip(i int) int {
	if e.index != nil {
		return 1
	}
	end := jsonspan.Value(e.doc, i)
	if end < 0 {
		e.broken = true
		return -1
	}
	e.steps -= (end - i) >> 6 // spend, by whoever comes next
	return end
}

// next goes on to the next member or item, and takes a step for it, and more for a long way there: a document may have
// a megabyte of blanks.
func (e *evaluator) next(c *jsonspan.Cursor) bool {
	if e.index != nil {
		return c.Step() && e.spend(1)
	}
	at := c.At
	if c.Next() {
		return e.spend(1 + (c.Value-at)>>4)
	}
	e.steps -= (c.At - at) >> 4
	return false
}

// breaks says whether a cursor came to what is no JSON.
func (e *evaluator) breaks(c *jsonspan.Cursor) bool {
	e.broken = e.broken || c.Broken
	return c.Broken
}

// name gives the name of the member that a cursor found, until the next string is looked at.
func (e *evaluator) name(c *jsonspan.Cursor) []byte {
	if !c.Escaped {
		return e.doc[c.Name+1 : c.NameEnd-1]
	}
	e.text = jsonspan.AppendText(e.text[:0], e.doc[c.Name:c.NameEnd])
	return e.text
}

// region is where it is noted which members or items of one value were evaluated, for unevaluatedProperties and
// unevaluatedItems of a schema around.
type region struct{ at, words int }

var none = region{at: -1}

func (r region) wanted() bool { return r.at >= 0 }

// reserve makes an empty region on top of the others; free takes it and all above it away.
func (e *evaluator) reserve(bits int) region {
	r := region{len(e.words), (bits + 63) / 64}
	for range r.words {
		e.words = append(e.words, 0)
	}
	e.steps -= r.words
	return r
}

func (e *evaluator) free(r region) { e.words = e.words[:r.at] }

func (e *evaluator) set(r region, bit int)      { e.words[r.at+bit>>6] |= 1 << (bit & 63) }
func (e *evaluator) has(r region, bit int) bool { return e.words[r.at+bit>>6]&(1<<(bit&63)) != 0 }

// fill notes everything.
func (e *evaluator) fill(r region) {
	for k := range r.words {
		e.words[r.at+k] = ^uint64(0)
	}
}

// eval holds the value at i against n. It gives the value's end, or 0 if it did not come to know it.
func (e *evaluator) eval(n *node, i int, evaluated region) (end int, ok bool) {
	is := typeOf[e.first(i)]
	switch {
	case !e.spend(1):
		return 0, false
	case n.always:
		return 0, true
	case n.never:
		return 0, e.refuse(n.blame, about{words: "is not allowed"})
	case is == 0:
		e.broken = true
		return 0, false
	case !e.enter():
		return 0, false
	}
	switch {
	case n.cycle > 0:
		end, ok = e.once(n, i, is, evaluated)
	case n.scope != nil:
		end, ok = e.within(n, i, is, evaluated)
	default:
		end, ok = e.hold(n, i, is, evaluated)
	}
	e.leave()
	return end, ok && !e.spent
}

// enter says whether one more thing may be begun within those that are; leave ends it.
func (e *evaluator) enter() bool {
	if e.nested++; e.nested > maxNested {
		e.nested--
		e.spent = true
	}
	return !e.spent
}

func (e *evaluator) leave() { e.nested-- }

// once refuses a value that is being held against n already.
func (e *evaluator) once(n *node, i int, is uint8, evaluated region) (end int, ok bool) {
	before := e.active[n.cycle-1]
	if before == i+1 {
		return 0, e.refuse("", about{words: endless})
	}
	e.active[n.cycle-1] = i + 1
	end, ok = e.within(n, i, is, evaluated)
	e.active[n.cycle-1] = before
	return end, ok
}

// within remembers the resource that n is part of while a value is held against it.
func (e *evaluator) within(n *node, i int, is uint8, evaluated region) (end int, ok bool) {
	if n.scope == nil {
		return e.hold(n, i, is, evaluated)
	}
	e.scopes = append(e.scopes, n.scope)
	end, ok = e.hold(n, i, is, evaluated)
	e.scopes = e.scopes[:len(e.scopes)-1]
	return end, ok
}

// hold is eval without what keeps it from going on forever.
func (e *evaluator) hold(n *node, i int, is uint8, evaluated region) (end int, ok bool) {
	var content []byte
	switch is {
	case ofString:
		if content, end = e.string(i); end < 0 {
			return 0, false
		}
	case ofNumber, ofBoolean, ofNull:
		if content, end = e.raw(i); end < 0 {
			return 0, false
		}
	}
	if n.types != 0 && n.types&is == 0 && (is != ofNumber || n.types&ofInteger == 0 || !e.integer(content)) {
		return end, e.refuse("type", about{of: n.of})
	}
	if a := n.equals; a != nil {
		if a.constant != nil {
			if _, same := e.equal(a.constant, i); !same {
				return end, e.refuse("const", about{of: n.of})
			}
		}
		if a.enum && !e.allowed(a, i, is, content) {
			return end, e.refuse("enum", about{of: n.of})
		}
	}
	if n.format != nil && is == ofString && !e.formatted(n.format, content) {
		return end, e.refuse("format", about{of: n.of})
	}
	if n.otherMembers == nil && n.otherItems == nil {
		return e.holdEach(n, i, is, content, end, evaluated)
	}
	return e.holdAll(n, i, is, content, end, evaluated)
}

// holdAll holds a value of the right type against everything that can be wrong at one time.
func (e *evaluator) holdAll(n *node, i int, is uint8, content []byte, end int, evaluated region) (int, bool) {
	mine := evaluated
	own := is == ofObject && n.otherMembers != nil || is == ofArray && n.otherItems != nil
	if own {
		mine = e.reserve(e.count(i))
	}
	end, ok := e.holdEach(n, i, is, content, end, mine)
	if own {
		if ok || e.sink != nil {
			to, good := e.others(n, i, is, mine)
			ok = ok && good
			end = max(end, to)
		}
		if ok && evaluated.wanted() {
			e.fill(evaluated)
		}
		e.free(mine)
	}
	return end, ok
}

// holdEach is holdAll but for what is told of the members and items that nothing else evaluated.
func (e *evaluator) holdEach(n *node, i int, is uint8, content []byte, end int, mine region) (int, bool) {
	ok := true
	switch {
	case is == ofObject && n.object != nil:
		end, ok = e.members(n.object, i, mine)
	case is == ofArray && n.array != nil:
		end, ok = e.items(n.array, i, mine)
	case is == ofString && n.text != nil:
		ok = e.characters(n.text, content)
	case is == ofNumber && n.numbers != nil:
		ok = e.amount(n.numbers, content)
	}
	if !ok && e.sink == nil {
		return end, false
	}
	if n.compound {
		to, good := e.combine(n, i, mine)
		if !good {
			if ok = false; e.sink == nil {
				return end, false
			}
		}
		end = max(end, to)
	}
	return end, ok
}

// count is how many members or items the value at i has.
func (e *evaluator) count(i int) int {
	if e.index != nil {
		return e.index.Count(i)
	}
	c, n := e.open(i), 0
	for e.next(&c) {
		c.At = e.skip(c.Value)
		n++
	}
	e.breaks(&c)
	return n
}

// integer says whether a number has no fraction, however it is spelt.
func (e *evaluator) integer(raw []byte) bool {
	if _, ok := plain(raw); ok {
		return true
	}
	n := numeral{raw: raw}
	return n.exact(&e.digits).integer()
}

// string gives what the string at i spells, until the next one is looked at, and its end.
func (e *evaluator) string(i int) (content []byte, end int) {
	var raw []byte
	var escaped bool
	if e.index != nil {
		raw, end, escaped = e.index.Raw(i), 1, e.index.Escaped(i)
	} else {
		if end, escaped = jsonspan.String(e.doc, i); end < 0 {
			e.broken = true
			return nil, -1
		}
		raw = e.doc[i:end]
	}
	e.steps -= len(raw) >> 6
	if !escaped {
		return raw[1 : len(raw)-1], end
	}
	e.text = jsonspan.AppendText(e.text[:0], raw)
	return e.text, end
}
