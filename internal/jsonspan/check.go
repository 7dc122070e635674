package jsonspan

import (
	"math"
	"strconv"
	"sync"
)

// Check says whether doc is one strict JSON value: RFC 8259, and of RFC 7493 the demands of sections 2.1 (UTF-8, no
// surrogates on their own, no noncharacters), 2.2 (a number that IEEE 754 binary64 cannot tell from infinity or from
// zero is refused) and 2.3 (no two members of an object with the same name, however it is spelt). A byte order mark
// and anything after the value are refused too. The error is an *Error.
//
// It takes one pass and time linear in len(doc). Its memory is at most some 20 bytes for each member of the objects
// that are open at one time, and some hundreds for each object; it is used again. A document of 4 GiB is too long.
func Check(doc []byte, b Bounds) error {
	c := checkers.Get().(*checker)
	err := c.check(doc, b)
	c.release()
	return err
}

// check is Check, and makes an index where c.most allows it.
func (c *checker) check(doc []byte, b Bounds) error {
	if b.Depth <= 0 {
		b.Depth = DefaultDepth
	}
	if b.Number <= 0 {
		b.Number = DefaultNumber
	}
	c.doc, c.bounds, c.outer = doc, b, 0
	if at, detail := c.run(); detail != "" {
		return &Error{Offset: at, Pointer: Locate(doc, at), Detail: detail}
	}
	return nil
}

// checker is the state of one Check.
type checker struct {
	doc    []byte
	bounds Bounds
	outer  int // objects and arrays that are open around doc

	levels []level // around the innermost object or array that is open, at most bounds.Depth
	names  names
	nodes  []node // of the index that is made
	most   int    // nodes that it may have; 0 where none is made
}

var checkers = sync.Pool{New: func() any { return new(checker) }}

// keep is how many names a checker may remember room for between documents: about 2 MiB.
const keep = 1 << 16

func (c *checker) release() {
	c.doc, c.nodes, c.most = nil, nil, 0
	c.levels = c.levels[:0]
	if !c.names.release() {
		return
	}
	checkers.Put(c)
}

const (
	ended     = "the document ends in the middle of a value"
	empty     = "the document is empty"
	orderMark = "a byte order mark may not stand before the value"
	noValue   = "a value was expected"
	noName    = "a member's name in double quotes was expected"
	noColon   = "a colon was expected after a member's name"
	noBracket = "a comma or a closing bracket was expected"
	noBrace   = "a comma or a closing brace was expected"
	trailing  = "something stands after the value"
	tooLarge  = "the document has 4 GiB or more"
)

// run gives the place and the kind of the first mistake, or no detail.
func (c *checker) run() (at int, detail string) {
	doc := c.doc
	if uint64(len(doc)) > math.MaxUint32 {
		return 0, tooLarge
	}
	if len(doc) >= 3 && doc[0] == 0xEF && doc[1] == 0xBB && doc[2] == 0xBF {
		return 0, orderMark
	}
	i := Space(doc, 0)
	if i == len(doc) {
		return i, empty
	}
	if i, detail = c.value(i); detail != "" {
		return i, detail
	}
	if i = Space(doc, i); i < len(doc) {
		return i, trailing
	}
	return 0, ""
}

// note adds a node to the index, as long as there may be more.
func (c *checker) note(start, end int, info uint32) {
	if len(c.nodes) < c.most {
		c.nodes = append(c.nodes, node{uint32(start), uint32(end), uint32(len(c.nodes) + 1), info})
	}
}

// level is an object or array that is open.
type level struct {
	names int    // where an object's names begin; -1 for an array
	more  int    // where those beyond the first few begin
	text  int    // where the text of those with escapes begins
	seen  uint64 // a bit for each of its names, by which most are known to be new
	node  int    // its place in the index
	count uint32 // its members or items so far
}

// value gives the end of the value that begins at i, or the place and the kind of the first mistake in it. It is one
// loop without recursion, and in it stands what most values and names need: the rest is called for.
func (c *checker) value(i int) (end int, detail string) {
	doc := c.doc
	var top level // the innermost object or array; those around it are in levels
	depth, array := 0, false
value:
	if i >= len(doc) {
		return i, ended
	}
	switch ch := doc[i]; ch {
	case '{', '[':
		if c.outer+depth >= c.bounds.Depth {
			return i, c.bounds.tooDeep()
		}
		c.levels = append(c.levels, top)
		depth++
		top = level{names: -1, node: len(c.nodes)}
		array = ch == '['
		if !array {
			c.names.begin(&top)
		}
		c.note(i, 0, 0)
		if i++; i < len(doc) && doc[i] <= ' ' {
			i = Space(doc, i)
		}
		if i < len(doc) && doc[i] == ch+2 { // as } is to {, and ] to [
			goto close
		}
		if !array {
			goto name
		}
		goto value
	case '"':
		end, escaped, detail := checkString(doc, i)
		if detail != "" {
			return end, detail
		}
		c.note(i, end, escaped)
		i = end
	case 't', 'f', 'n':
		word := "true"
		if ch == 'f' {
			word = "false"
		} else if ch == 'n' {
			word = "null"
		}
		if len(doc)-i < len(word) || string(doc[i:i+len(word)]) != word {
			return i, noValue
		}
		c.note(i, i+len(word), 0)
		i += len(word)
	default:
		if ch != '-' && ch-'0' > 9 {
			return i, noValue
		}
		end, detail := checkNumber(doc, i, c.bounds.Number)
		if detail != "" {
			return end, detail
		}
		c.note(i, end, 0)
		i = end
	}

after:
	if depth == 0 {
		return i, ""
	}
	top.count++
	if i >= len(doc) {
		return i, ended
	}
	if doc[i] <= ' ' {
		if i = Space(doc, i); i >= len(doc) {
			return i, ended
		}
	}
	if doc[i] != ',' {
		goto close
	}
	if i++; i < len(doc) && doc[i] <= ' ' {
		i = Space(doc, i)
	}
	if array {
		goto value
	}

name:
	if i >= len(doc) {
		return i, ended
	}
	if doc[i] != '"' {
		return i, noName
	}
	if w, size := short(doc, i); size >= 0 {
		end := i + size + 2
		if !c.names.addShort(w, size, i, end, &top) {
			return i, twice
		}
		c.note(i, end, 0)
		i = end
	} else {
		end, escaped, detail := checkString(doc, i)
		if detail != "" {
			return end, detail
		}
		if !c.names.add(doc, i, end, escaped, &top) {
			return i, twice
		}
		c.note(i, end, escaped)
		i = end
	}
	if i < len(doc) && doc[i] <= ' ' {
		i = Space(doc, i)
	}
	if i >= len(doc) {
		return i, ended
	}
	if doc[i] != ':' {
		return i, noColon
	}
	if i++; i < len(doc) && doc[i] <= ' ' {
		i = Space(doc, i)
	}
	goto value

close:
	switch {
	case array && doc[i] == ']':
	case !array && doc[i] == '}':
		if at := c.names.end(doc, &top, c.bounds.Pause); at >= 0 {
			return at, twice
		}
	case array:
		return i, noBracket
	default:
		return i, noBrace
	}
	i++
	if top.node < len(c.nodes) {
		n := &c.nodes[top.node]
		n.end, n.next, n.info = uint32(i), uint32(len(c.nodes)), top.count
	}
	depth--
	top = c.levels[len(c.levels)-1]
	c.levels = c.levels[:len(c.levels)-1]
	array = top.names < 0
	if c.bounds.Pause != nil {
		c.bounds.Pause()
	}
	goto after
}

func (b Bounds) tooDeep() string {
	return "objects and arrays may be nested " + strconv.Itoa(b.Depth) + " deep at most"
}
