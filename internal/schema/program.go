package schema

import (
	"encoding/binary"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/pattern"
)

// program is a schema made ready to be held against the text of a document. It is made of what the library compiled,
// which has resolved the references and knows the meta-schema, and must say what the library says of every document.
type program struct {
	root   *node
	cyclic int  // nodes that may lead to themselves without going into the document
	scoped bool // some reference depends on the way it was reached by
}

// node is one schema of a program.
type node struct {
	of      *jsonschema.Schema
	always  bool   // anything is valid
	never   bool   // nothing is valid
	blame   string // the keyword to tell where never
	cycle   int    // its place among the cyclic nodes, counted from 1; 0 for the others
	scope   *scope // the resource it is part of, where the program is scoped
	types   uint8  // those allowed, of the type constants; 0 for all
	equals  *alternatives
	format  *format
	text    *text
	numbers *numbers
	object  *object
	array   *array

	// What is held against the same value.
	ref                *node
	dynamic            *dynamic
	not                *node
	all, any, one      []*node
	check, then, other *node // if, then, else
	compound           bool  // whether there are such

	otherMembers, otherItems *node // unevaluatedProperties, unevaluatedItems
}

// The types, as bits. A number is told to be an integer only where it matters.
const (
	ofNull uint8 = 1 << iota
	ofBoolean
	ofNumber
	ofInteger
	ofString
	ofArray
	ofObject
)

var typeBits = map[string]uint8{
	"null": ofNull, "boolean": ofBoolean, "number": ofNumber, "integer": ofInteger, "string": ofString,
	"array": ofArray, "object": ofObject,
}

// typeOf is the type of a value by its first byte.
var typeOf = func() (t [256]uint8) {
	t['n'], t['t'], t['f'], t['"'], t['['], t['{'] = ofNull, ofBoolean, ofBoolean, ofString, ofArray, ofObject
	for _, ch := range "-0123456789" {
		t[ch] = ofNumber
	}
	return t
}()

// text is what is asked of a string.
type text struct {
	min, max int // characters; max is -1 for no bound
	pattern  *expression
}

// numbers is what is asked of a number. What is not asked is nil.
type numbers struct{ min, max, above, below, step *limit }

// object is what is asked of an object.
type object struct {
	min, max   int // members; max is -1 for no bound
	names      names
	members    []*node // by the index of their name; nil where nothing is asked of one
	required   []int   // indexes of names
	needs      []need
	implies    []implication
	patterns   []patterned
	closed     bool  // additionalProperties is false
	additional *node // nil for none
	naming     *node // propertyNames; nil for none
}

// need is a member because of which others are required.
type need struct {
	keyword string
	name    int
	others  []int
}

// implication is a member because of which a schema must hold.
type implication struct {
	name int
	node *node
}

// patterned is what is asked of the members whose names an expression describes.
type patterned struct {
	name expression
	node *node
}

// expression is a regular expression.
type expression struct {
	*pattern.Pattern
	weight int // how many steps to take for each two bytes it is held against
}

// array is what is asked of an array.
type array struct {
	min, max    int // items; max is -1 for no bound
	unique      bool
	prefix      []*node
	items       *node // nil for none
	contains    *node // nil for none
	minContains int   // -1 where it is not asked
	maxContains int   // -1 for no bound
}

// names are the names of members that a schema knows, each with its index.
type names struct {
	list     []string
	byLength [][]known      // by the length of the name
	index    map[string]int // instead, once there are many of one length
}

type known struct {
	name  string
	head  uint64 // its first eight bytes
	index int
}

// head gives the first eight bytes of a name.
func head(name []byte) (h uint64) {
	if cap(name) >= 8 {
		return binary.LittleEndian.Uint64(name[:8]) & (1<<(8*min(len(name), 8)) - 1)
	}
	for i, ch := range name {
		h |= uint64(ch) << (8 * i)
	}
	return h
}

// Up to how many names of one length, and up to what length, comparing each is faster than a map.
const (
	fewNames   = 6
	shortNames = 128
)

// add gives the index of a name, a new one if it is not known.
func (n *names) add(name string) int {
	if i := n.find([]byte(name)); i >= 0 {
		return i
	}
	i := len(n.list)
	n.list = append(n.list, name)
	if n.index == nil && len(name) < shortNames {
		for len(n.byLength) <= len(name) {
			n.byLength = append(n.byLength, nil)
		}
		same := &n.byLength[len(name)]
		if *same = append(*same, known{name, head([]byte(name)), i}); len(*same) <= fewNames {
			return i
		}
	}
	if n.index == nil {
		n.index = make(map[string]int)
		for i, name := range n.list {
			n.index[name] = i
		}
	}
	n.index[name] = i
	return i
}

// find gives the index of a name, -1 if it is not known.
func (n *names) find(name []byte) int {
	if n.index != nil {
		if i, ok := n.index[string(name)]; ok {
			return i
		}
		return -1
	}
	if len(name) < len(n.byLength) {
		same := n.byLength[len(name)]
		if len(same) == 0 {
			return -1
		}
		h := head(name)
		for i := range same {
			if k := &same[i]; k.head == h && (len(name) <= 8 || k.name == string(name)) {
				return k.index
			}
		}
	}
	return -1
}
