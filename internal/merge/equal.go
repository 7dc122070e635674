package merge

import (
	"bytes"
	"hash/maphash"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Equal says whether two documents, which must be strict JSON, are the same value: the order of members does not
// count, and numbers are compared as decimals. It ends at the first difference.
func Equal(a, b []byte) bool { return same(a, b, false) }

// same is Equal where, if slack, a may also have objects with nothing in them that b lacks: an older version shows an
// object of which it sees no member.
func same(a, b []byte, slack bool) bool {
	if bytes.Equal(a, b) {
		return true
	}
	a, b = trim(a), trim(b)
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	switch {
	case a[0] == '{' && b[0] == '{':
		return sameMembers(a, b, slack)
	case a[0] == '[' && b[0] == '[':
		return sameItems(a, b, slack)
	case a[0] == '{' || b[0] == '{' || a[0] == '[' || b[0] == '[':
		return false
	}
	var room [2][64]byte
	return bytes.Equal(jsonspan.AppendScalar(room[0][:0], a), jsonspan.AppendScalar(room[1][:0], b))
}

func sameMembers(a, b []byte, slack bool) bool {
	var in names
	in.read(b)
	for name, value := range jsonspan.Members(a) {
		other := in.take(text(name))
		if other == nil && slack && hollow(value) {
			continue
		}
		if other == nil || !same(value, other, slack) {
			return false
		}
	}
	return in.left == 0
}

func sameItems(a, b []byte, slack bool) bool {
	others := items(b)
	n := 0
	for value := range jsonspan.Items(a) {
		if n == len(others) || !same(value, others[n], slack) {
			return false
		}
		n++
	}
	return n == len(others)
}

// hollow says whether a value is an object with nothing in it but such objects.
func hollow(raw []byte) bool {
	if len(raw) == 0 || raw[0] != '{' {
		return false
	}
	for _, value := range jsonspan.Members(raw) {
		if !hollow(value) {
			return false
		}
	}
	return true
}

func items(raw []byte) [][]byte {
	var all [][]byte
	for value := range jsonspan.Items(raw) {
		all = append(all, value)
	}
	return all
}

// text is what a name, quotes included, spells.
func text(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name[1 : len(name)-1]
	}
	return jsonspan.AppendText(nil, name)
}

// names are the members of one object, found by name.
type names struct {
	entries []entry
	index   map[string]int // of a large object; nil where looking at each is faster
	next    int            // the entry behind the one that was taken last: most objects agree in their order
	left    int            // entries that nobody took
}

type entry struct {
	raw, name, value []byte // raw is name as it is spelt
	taken            bool
}

// few is the number of members up to which looking at each is faster than a table.
const few = 16

func (n *names) read(object []byte) {
	for name, value := range jsonspan.Members(object) {
		n.entries = append(n.entries, entry{raw: name, name: text(name), value: value})
	}
	n.left = len(n.entries)
	if len(n.entries) > few {
		n.index = make(map[string]int, len(n.entries))
		for i := range n.entries {
			n.index[string(n.entries[i].name)] = i
		}
	}
}

// take gives the value under name, nil if there is none, and notes that it was asked for.
func (n *names) take(name []byte) []byte {
	at := -1
	if n.next < len(n.entries) && bytes.Equal(n.entries[n.next].name, name) {
		at = n.next
	} else if n.index != nil {
		if i, ok := n.index[string(name)]; ok {
			at = i
		}
	} else {
		for i := range n.entries {
			if bytes.Equal(n.entries[i].name, name) {
				at = i
				break
			}
		}
	}
	if at < 0 {
		return nil
	}
	e := &n.entries[at]
	if !e.taken {
		e.taken = true
		n.left--
	}
	n.next = at + 1
	return e.value
}

var seed = maphash.MakeSeed()

// hash is the same for equal values. The seed is nobody's to know, so that no choice of values makes a table slow.
func hash(raw []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	switch raw[0] {
	case '{':
		// The order of members does not count, so they are added up.
		sum := uint64(1)
		for name, value := range jsonspan.Members(raw) {
			sum += mix(maphash.Bytes(seed, text(name)), hash(value))
		}
		return mix('{', sum)
	case '[':
		sum := uint64('[')
		for value := range jsonspan.Items(raw) {
			sum = mix(sum, hash(value))
		}
		return sum
	}
	var room [64]byte
	return maphash.Bytes(seed, jsonspan.AppendScalar(room[:0], raw))
}

func mix(a, b uint64) uint64 {
	return maphash.Comparable(seed, [2]uint64{a, b})
}
