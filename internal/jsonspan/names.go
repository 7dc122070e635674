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
	start, end int    // the name without its quotes, in the document or, where decoded, in text
	head       uint64 // its length up to 255 and its first 7 bytes: most names that differ differ here
	at         int    // where it stands in the document
	more       int    // of an object's first name: how many there were in names.more before it
	decoded    bool
}

// few is the number of members up to which comparing each with each is faster than a table.
const few = 16

var seed = maphash.MakeSeed()

func (n *names) begin() int { return len(n.stack) }

// add puts the name in doc[i:end], quotes included, on the stack, and says whether it is new, as far as can be said
// before the object ends. base is what begin gave.
func (n *names) add(doc []byte, i, end int, escaped bool, base int) bool {
	if len(n.stack)-base == few {
		if len(n.more) == cap(n.more) {
			n.more = slices.Grow(n.more, max(len(n.more), 64)) // twice as many, since each time leaves garbage behind
		}
		n.more = append(n.more, uint32(i))
		return true
	}
	m := name{start: i + 1, end: end - 1, at: i, more: len(n.more)}
	if escaped {
		m.start, m.decoded = len(n.text), true
		n.text = AppendText(n.text, doc[i:end])
		m.end = len(n.text)
	}
	text := n.of(doc, &m)
	m.head = head(text)
	for k := base; k < len(n.stack); k++ {
		if o := &n.stack[k]; o.head == m.head && (len(text) <= 7 || bytes.Equal(text, n.of(doc, o))) {
			return false
		}
	}
	n.stack = append(n.stack, m)
	return true
}

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
	if m.decoded {
		return n.text[m.start:m.end]
	}
	return doc[m.start:m.end]
}

// end takes the names from base on off the stack and gives the place of the first that stood there already, or -1.
func (n *names) end(doc []byte, base int, pause func()) int {
	own := n.stack[base:]
	at := -1
	if len(own) == few && len(n.more) > own[0].more {
		at = n.search(doc, own, n.more[own[0].more:], pause)
		n.more = n.more[:own[0].more]
	}
	for k := range own {
		if own[k].decoded {
			n.text = n.text[:own[k].start]
			break
		}
	}
	n.stack = n.stack[:base]
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
	}
	table := n.table[:size]
	clear(table)
	place := func(k int) int {
		if k < len(first) {
			return first[k].at
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
