// Package packed holds a JSON document as its text, with an index by which a value is found without reading what lies
// before it. Text and index are bytes and numbers: a document of many megabytes takes little more memory than its text,
// and the collector of garbage has nothing in it to walk through.
package packed

import (
	"hash/maphash"
	"iter"
	"math"
	"slices"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// MaxText is how long a document may be, in bytes: the index counts them in 32 bits.
const MaxText = math.MaxInt32

// large is how far behind the beginning of an object or array its last member or item must begin for it to be indexed, in
// bytes. Those of others are found by going through them, which takes no longer than looking them up.
const large = 512

// seed is one that nobody outside can know, so that no choice of names makes the index slow.
var seed = maphash.MakeSeed()

// Document is a JSON document that never changes; many goroutines may read it at once.
type Document struct {
	text       []byte
	containers []container // the objects and arrays that are indexed, in the order in which they begin
	tables     [][]uint32  // their members and items
}

// container is an indexed object or array.
type container struct {
	at, end           uint32 // of the text
	longest           uint32 // bytes of its longest value
	table, from, size uint32 // its part of a table
}

// Text is the document as it is spelt.
func (d *Document) Text() []byte { return d.text }

// Root is the whole document.
func (d *Document) Root() Value { return Value{d, uint32(jsonspan.Space(d.text, 0))} }

// container finds an object or array in the index, nil where it is not there.
func (d *Document) container(at uint32) *container {
	i, found := slices.BinarySearchFunc(d.containers, at, func(c container, at uint32) int { return int(c.at) - int(at) })
	if !found {
		return nil
	}
	return &d.containers[i]
}

// slots is the part of a table that belongs to a container.
func (d *Document) slots(c *container) []uint32 { return d.tables[c.table][c.from : c.from+c.size] }

// end gives the end of the value that begins at i.
func (d *Document) end(i int) int {
	object := d.text[i] == '{'
	if !object && d.text[i] != '[' {
		return jsonspan.Value(d.text, i)
	}
	if c := d.container(uint32(i)); c != nil {
		return int(c.end)
	}
	// What is not indexed is short, but for its last value, which may be.
	for i = jsonspan.Space(d.text, i+1); d.text[i] != '}' && d.text[i] != ']'; i = d.next(d.end(i)) {
		if object {
			i = d.past(i)
		}
	}
	return i + 1
}

// past gives the beginning of the value whose member's name begins at i.
func (d *Document) past(i int) int {
	end, _ := jsonspan.String(d.text, i)
	return jsonspan.Space(d.text, jsonspan.Space(d.text, end)+1) // past the colon
}

// next gives the beginning of the member or item behind the value that ends at i, or of the bracket.
func (d *Document) next(i int) int {
	if i = jsonspan.Space(d.text, i); d.text[i] == ',' {
		i = jsonspan.Space(d.text, i+1)
	}
	return i
}

// Value is a value in a document. It can be compared, and is a key of maps: it is the place in the document.
type Value struct {
	doc *Document
	at  uint32
}

// Kind is the first byte of the value: one of {["tfn-, or a digit.
func (v Value) Kind() byte { return v.doc.text[v.at] }

// Raw is the value as it is spelt.
func (v Value) Raw() []byte { return v.doc.text[v.at:v.doc.end(int(v.at))] }

// Longest is how many bytes the longest value has among the members or items of an object or array, at most.
func (v Value) Longest() int {
	if c := v.doc.container(v.at); c != nil {
		return int(c.longest)
	}
	return len(v.Raw())
}

// Member gives the value of an object's member, and whether there is one. Nothing else has members.
func (v Value) Member(name string) (Value, bool) {
	d := v.doc
	if v.Kind() != '{' {
		return Value{}, false
	}
	c := d.container(v.at)
	if c == nil {
		for raw, value := range v.Members() {
			if jsonspan.Is(raw, name) {
				return value, true
			}
		}
		return Value{}, false
	}
	slots := d.slots(c)
	for k := place(maphash.String(seed, name), len(slots)); slots[k] != 0; k = (k + 1) % len(slots) {
		at := int(slots[k])
		end, _ := jsonspan.String(d.text, at)
		if jsonspan.Is(d.text[at:end], name) {
			return Value{d, uint32(d.past(at))}, true
		}
	}
	return Value{}, false
}

// place spreads a hash over n slots.
func place(hash uint64, n int) int { return int((hash >> 32) * uint64(n) >> 32) }

// Item gives an array's item by its number, from 0 on, and whether there is one. Nothing else has items.
func (v Value) Item(number int) (Value, bool) {
	d := v.doc
	if v.Kind() != '[' || number < 0 {
		return Value{}, false
	}
	i, n := jsonspan.Space(d.text, int(v.at)+1), 0
	if c := d.container(v.at); c != nil {
		slots := d.slots(c)
		k, found := 0, len(slots)/2 // the last entry that does not lie behind it
		for k+1 < found {
			if middle := (k + found) / 2; int64(slots[2*middle]) <= int64(number) {
				k = middle
			} else {
				found = middle
			}
		}
		n, i = int(slots[2*k]), int(slots[2*k+1])
	}
	for ; d.text[i] != ']'; n++ {
		if n == number {
			return Value{d, uint32(i)}, true
		}
		i = d.next(d.end(i))
	}
	return Value{}, false
}

// Members gives the members of an object in their order: the name as it is spelt, with its quotes, and the value.
func (v Value) Members() iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		d := v.doc
		if v.Kind() != '{' {
			return
		}
		for i := jsonspan.Space(d.text, int(v.at)+1); d.text[i] != '}'; {
			end, _ := jsonspan.String(d.text, i)
			value := d.past(i)
			if !yield(d.text[i:end], Value{d, uint32(value)}) {
				return
			}
			i = d.next(d.end(value))
		}
	}
}

// Items gives the items of an array in their order.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		d := v.doc
		if v.Kind() != '[' {
			return
		}
		for i := jsonspan.Space(d.text, int(v.at)+1); d.text[i] != ']'; i = d.next(d.end(i)) {
			if !yield(Value{d, uint32(i)}) {
				return
			}
		}
	}
}
