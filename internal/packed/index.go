package packed

import (
	"bytes"
	"hash/maphash"
	"slices"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/pace"
)

// How tables are laid out.
const (
	apart  = 256     // bytes of an array's text between two items that are in its table, at least
	shared = 1 << 12 // slots of a table of which small containers have a part each
)

// New makes a document of a text of at most MaxText bytes that is JSON without two members of an object with the same
// name, as jsonspan.Check and encoding/json make sure of. The text must not change afterwards. It takes one pass in
// which it steps aside for requests, and while it lasts 4 bytes for each member and item of what is open at one time.
func New(text []byte) *Document {
	b := builder{doc: &Document{text: text}}
	b.value(jsonspan.Space(text, 0))
	d := b.doc
	slices.SortFunc(d.containers, func(a, b container) int { return int(a.at) - int(b.at) })
	d.containers = slices.Clip(d.containers)
	return d
}

// builder makes the index of a document.
type builder struct {
	doc     *Document
	places  []uint32 // where members and items begin, of the objects and arrays that are open
	scratch []byte
	pace    pace.Pace
	table   uint32   // the last that is shared
	left    []uint32 // of it
}

// value indexes the value that begins at i, and gives its end.
func (b *builder) value(i int) int {
	d := b.doc
	switch d.text[i] {
	case '{', '[':
		c := container{at: uint32(i)}
		b.pace.Step()
		object, mark, last := d.text[i] == '{', len(b.places), i
		for i = jsonspan.Space(d.text, i+1); d.text[i] != '}' && d.text[i] != ']'; {
			last = i
			b.note(uint32(i))
			if object {
				i = d.past(i)
			}
			end := b.value(i)
			c.longest = max(c.longest, uint32(end-i))
			i = d.next(end)
		}
		c.end = uint32(i + 1)
		if places := b.places[mark:]; last-int(c.at) > large {
			if object {
				b.members(&c, places)
			} else {
				b.items(&c, places)
			}
			d.containers = append(d.containers, c)
		}
		b.places = b.places[:mark]
		return i + 1
	case '"':
		end, _ := jsonspan.String(d.text, i)
		return end
	}
	return jsonspan.Value(d.text, i)
}

// note notes where a member or item begins. There is twice the room each time, since each time leaves garbage behind.
func (b *builder) note(at uint32) {
	if len(b.places) == cap(b.places) {
		b.places = slices.Grow(b.places, max(len(b.places), 1<<10))
	}
	b.places = append(b.places, at)
}

// members makes the table of an object whose members' names begin at places. It is half empty, and a name is to be found
// at its hash or not far behind.
func (b *builder) members(c *container, places []uint32) {
	text := b.doc.text
	slots := b.take(c, 2*len(places))
	for _, at := range places {
		b.pace.Step()
		end, _ := jsonspan.String(text, int(at))
		name := text[at+1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			b.scratch = jsonspan.AppendText(b.scratch[:0], text[at:end])
			name = b.scratch
		}
		k := place(maphash.Bytes(seed, name), len(slots))
		for slots[k] != 0 {
			k = (k + 1) % len(slots)
		}
		slots[k] = at
	}
}

// items makes the table of an array whose items begin at places: numbers and places of some of them, so far apart that
// others are soon found from there.
func (b *builder) items(c *container, places []uint32) {
	n := 0
	each := func(note func(number int, at uint32)) {
		last := uint32(0)
		for number, at := range places {
			if number == 0 || at-last >= apart {
				note(number, at)
				last = at
			}
		}
	}
	each(func(int, uint32) { n++ })
	slots := b.take(c, 2*n)[:0]
	each(func(number int, at uint32) { slots = append(slots, uint32(number), at) })
}

// take gives a container n slots: of a table that it shares with others, or of one of its own.
func (b *builder) take(c *container, n int) []uint32 {
	d := b.doc
	c.size = uint32(n)
	if n > shared/4 {
		c.table = uint32(len(d.tables))
		d.tables = append(d.tables, make([]uint32, n))
		return d.tables[c.table]
	}
	if len(b.left) < n {
		b.table = uint32(len(d.tables))
		b.left = make([]uint32, shared)
		d.tables = append(d.tables, b.left)
	}
	c.table, c.from = b.table, uint32(shared-len(b.left))
	b.left = b.left[n:]
	return d.slots(c)
}
