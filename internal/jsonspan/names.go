package jsonspan

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
)

const twice = "an object has two members of the same name"

// names finds members of the same name. The names of the open objects lie on a stack, those of the innermost one on
// top. A small object compares each name with those before it; of a large one all are looked up in a table when it ends,
// hashed with a seed that nobody outside can know, so that no choice of names makes it slow.
type names struct {
	stack []name   // the first few of each object
	more  []uint32 // where the others stand in the document
	text  []byte   // what names with escapes spell that are on the stack; at most as long as the document
	table []uint32 // less than three times the members of the largest object that ended
	left  []byte   // names with escapes that are compared
	right []byte
}

type name struct {
	head       uint64 // its length up to 255 and its first 7 bytes: most names that differ differ here
	start, end uint32 // the name without its quotes, in the document or, if it has escapes, in text
	escaped    uint32 // where it stands in the document if it has escapes; otherwise 0, where no name can stand
}

// at is where the name stands in the document.
func (m *name) at() int {
	if m.escaped != 0 {
		return int(m.escaped)
	}
	return int(m.start) - 1
}

// few is the number of members up to which comparing each with each is faster than a table.
const few = 16

var seed = maphash.MakeSeed()

// begin notes where the names of an object begin.
func (n *names) begin(in *level) {
	in.names, in.more, in.text = len(n.stack), len(n.more), len(n.text)
}

// add puts the name in doc[i:end], quotes included, on the stack, and says whether it is new in its object, as far as can
// be said before that ends.
func (n *names) add(doc []byte, i, end int, escaped uint32, in *level) bool {
	if escaped != 0 || len(n.stack)-in.names == few {
		return n.addSlowly(doc, i, end, escaped, in)
	}
	text := doc[i+1 : end-1]
	h := head(text)
	// Names that differ seldom have the same bit; only among those that have is one sought that is the same.
	bit := uint64(1) << (h * spread >> 58)
	if in.seen&bit != 0 && n.has(doc, text, h, in) {
		return false
	}
	in.seen |= bit
	n.stack = append(n.stack, name{h, uint32(i + 1), uint32(end - 1), 0})
	return true
}

// addShort is add for a name of at most seven bytes, with those that follow it the lowest of w.
func (n *names) addShort(w uint64, size, i, end int, in *level) bool {
	if len(n.stack)-in.names == few {
		return n.addLater(i)
	}
	h := uint64(size)<<56 | w&(1<<(8*size&56)-1)
	bit := uint64(1) << (h * spread >> 58)
	if in.seen&bit != 0 && n.has(nil, nil, h, in) {
		return false
	}
	in.seen |= bit
	n.stack = append(n.stack, name{h, uint32(i + 1), uint32(end - 1), 0})
	return true
}

// addSlowly is add for a name with escapes, and for those beyond the first few.
func (n *names) addSlowly(doc []byte, i, end int, escaped uint32, in *level) bool {
	if len(n.stack)-in.names == few {
		return n.addLater(i)
	}
	m := name{start: uint32(i + 1), end: uint32(end - 1)}
	if escaped != 0 {
		m.start, m.escaped = uint32(len(n.text)), uint32(i)
		n.text = AppendText(n.text, doc[i:end])
		m.end = uint32(len(n.text))
	}
	text := n.of(doc, &m)
	m.head = head(text)
	if n.has(doc, text, m.head, in) {
		return false
	}
	in.seen |= 1 << (m.head * spread >> 58)
	n.stack = append(n.stack, m)
	return true
}

// addLater puts the name at i among those that are looked up when the object ends.
func (n *names) addLater(i int) bool {
	if len(n.more) == cap(n.more) {
		n.more = slices.Grow(n.more, max(len(n.more), 64)) // twice as many, since each time leaves garbage behind
	}
	n.more = append(n.more, uint32(i))
	return true
}

// has says whether a name stands already among the first few of an object.
func (n *names) has(doc, text []byte, head uint64, in *level) bool {
	for k := in.names; k < len(n.stack); k++ {
		if o := &n.stack[k]; o.head == head && (len(text) <= 7 || bytes.Equal(text, n.of(doc, o))) {
			return true
		}
	}
	return false
}

// spread has all bits of a head take part in the six that choose a bit: 2^64 divided by the golden ratio, and odd.
const spread = 0x9E3779B97F4A7C15

func head(text []byte) uint64 {
	size := min(len(text), 7)
	h := uint64(min(len(text), 255)) << 56
	if cap(text) >= 8 {
		return h | binary.LittleEndian.Uint64(text[:8])&(1<<(8*size)-1)
	}
	for k := range size {
		h |= uint64(text[k]) << (8 * k)
	}
	return h
}

func (n *names) of(doc []byte, m *name) []byte {
	if m.escaped != 0 {
		return n.text[m.start:m.end]
	}
	return doc[m.start:m.end]
}

// end takes the names of an object off the stack and gives the place of the first that stood there already, or -1.
func (n *names) end(doc []byte, of *level, pause func()) int {
	at := -1
	if len(n.more) > of.more {
		at = n.search(doc, n.stack[of.names:], n.more[of.more:], pause)
		n.more = n.more[:of.more]
	}
	n.text = n.text[:of.text]
	n.stack = n.stack[:of.names]
	return at
}

// search looks all names of an object up: the first of them, which differ, and more.
func (n *names) search(doc []byte, first []name, more []uint32, pause func()) int {
	size := 64
	for 4*size < 5*(len(first)+len(more)) {
		size *= 2
	}
	if cap(n.table) < size {
		n.table = make([]uint32, size)
	} else {
		clear(n.table[:size])
	}
	table := n.table[:size]
	place := func(k int) int {
		if k < len(first) {
			return first[k].at()
		}
		return int(more[k-len(first)])
	}
	for k := range len(first) + len(more) {
		if pause != nil {
			pause()
		}
		at := place(k)
		text := spelt(doc, at, &n.left)
		for slot := maphash.Bytes(seed, text); ; slot++ {
			seen := &table[slot&uint64(size-1)]
			if *seen == 0 {
				*seen = uint32(k + 1)
				break
			}
			if bytes.Equal(text, spelt(doc, place(int(*seen-1)), &n.right)) {
				return at
			}
		}
	}
	return -1
}

// spelt is what the name at a place of doc spells. There is room for it where it has escapes.
func spelt(doc []byte, at int, room *[]byte) []byte {
	end, escaped := String(doc, at)
	if !escaped {
		return doc[at+1 : end-1]
	}
	*room = AppendText((*room)[:0], doc[at:end])
	return *room
}

// release empties n and says whether it is small enough to be kept.
func (n *names) release() bool {
	n.stack, n.more, n.text = n.stack[:0], n.more[:0], n.text[:0]
	return cap(n.stack) <= keep && cap(n.more) <= keep && cap(n.left)+cap(n.right) <= keep && cap(n.table) <= 4*keep && cap(n.text) <= 16*keep
}
