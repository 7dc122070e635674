package jsonspan

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

const twice = "an object has two members of the same name"

// names finds members of the same name. The names of the open objects lie on a stack, those of the innermost one on
// top. A small object compares each name with those before it; a large one looks all of them up in a table when it
// ends, hashed with a seed that nobody outside can know, so that no choice of names makes it slow.
type names struct {
	stack []name
	text  []byte   // what names with escapes spell; at most as long as the document
	table []uint32 // twice the members of the largest object that ended, at most
}

type name struct {
	start, end int    // the name without its quotes, in the document or, where decoded, in text
	head       uint64 // its length up to 255 and its first 7 bytes: most names that differ differ here
	at         int    // where it stands in the document
	decoded    bool
}

// few is the number of members up to which comparing each with each is faster than a table.
const few = 16

var seed = maphash.MakeSeed()

func (n *names) begin() int { return len(n.stack) }

// add puts the name in doc[i:end], quotes included, on the stack, and says whether it is new, as far as can be said
// before the object ends. base is what begin gave.
func (n *names) add(doc []byte, i, end int, escaped bool, base int) bool {
	m := name{start: i + 1, end: end - 1, at: i}
	if escaped {
		m.start, m.decoded = len(n.text), true
		n.text = AppendText(n.text, doc[i:end])
		m.end = len(n.text)
	}
	text := n.of(doc, &m)
	m.head = head(text)
	if len(n.stack)-base < few {
		for k := base; k < len(n.stack); k++ {
			if o := &n.stack[k]; o.head == m.head && (len(text) <= 7 || bytes.Equal(text, n.of(doc, o))) {
				return false
			}
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
func (n *names) end(doc []byte, base int) int {
	own := n.stack[base:]
	at := -1
	if len(own) > few {
		at = n.search(doc, own)
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

func (n *names) search(doc []byte, own []name) int {
	size := 64
	for size < 2*len(own) {
		size *= 2
	}
	if cap(n.table) < size {
		n.table = make([]uint32, size)
	}
	table := n.table[:size]
	clear(table)
	for k := range own {
		text := n.of(doc, &own[k])
		for slot := maphash.Bytes(seed, text); ; slot++ {
			seen := &table[slot&uint64(size-1)]
			if *seen == 0 {
				*seen = uint32(k + 1)
				break
			}
			if o := &own[*seen-1]; o.head == own[k].head && bytes.Equal(text, n.of(doc, o)) {
				return own[k].at
			}
		}
	}
	return -1
}

// release empties n and says whether it is small enough to be kept.
func (n *names) release() bool {
	n.stack, n.text = n.stack[:0], n.text[:0]
	return cap(n.stack) <= keep && cap(n.table) <= 4*keep && cap(n.text) <= 16*keep
}
