package archive

import (
	"bytes"
	"encoding/json"
	"hash"
	"math"
	"slices"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/pace"
)

// digester hashes a JSON document as OPA's signatures do: members in the order of their names, no white space, strings
// with no more escapes than they need. OPA makes maps of the document for that, which take more memory than the values
// that policies then compute with; this goes over its text, in time linear in it.
type digester struct {
	doc         []byte
	hash        hash.Hash
	out         []byte     // what is to be hashed next
	containers  containers // the longer objects and arrays, in the order in which they begin
	members     []member   // of the objects that are open
	left, right []byte     // names that are compared
	quoted      bytes.Buffer
	quote       *json.Encoder // OPA's own way to write a string
	pace        pace.Pace
}

// container is an object or array: where it begins and ends, and the number of the next one behind it.
type container struct{ at, end, next int32 }

// containers are numbered from 0 on. They lie in blocks: an array that grew would be moved, which nobody can interrupt.
type containers struct {
	blocks []*[block]container
	n      int32
}

// block is how many containers lie together.
const block = 1 << 12

func (c *containers) at(n int32) *container { return &c.blocks[n/block][n%block] }

func (c *containers) add(at int32) {
	if int(c.n/block) == len(c.blocks) {
		c.blocks = append(c.blocks, new([block]container))
	}
	*c.at(c.n) = container{at: at}
	c.n++
}

// begins says whether the container number n begins at i.
func (c *containers) begins(n int32, i int) bool { return n < c.n && int(c.at(n).at) == i }

// member is a member of an object: where its name begins and ends, and the number of the first container from there on.
type member struct{ from, to, number int32 }

const (
	maxDigested = math.MaxInt32 // the length of a document, in bytes
	outSize     = 16 << 10
	// short is how many bytes an object or array has that is gone through anew to find its end, at most: as many times as
	// it is deep in others as short, which is not often.
	short = 128
	// crowd is how many bytes an object has of which the members are counted before there is room for them, at least: room
	// that grows leaves much garbage behind.
	crowd = 64 << 10
)

// digest gives the hash of doc, which jsonspan.Check accepted and which is not longer than maxDigested.
func digest(h hash.Hash, doc []byte) []byte {
	d := &digester{doc: doc, hash: h, out: make([]byte, 0, outSize)}
	d.quote = json.NewEncoder(&d.quoted)
	d.quote.SetEscapeHTML(false)
	d.find()
	d.value(jsonspan.Space(doc, 0), 0)
	d.flush()
	return h.Sum(nil)
}

// find numbers the objects and arrays that are not short.
func (d *digester) find() {
	type opened struct{ at, number int32 }
	var open []opened
	for i := 0; i < len(d.doc); {
		switch d.doc[i] {
		case '{', '[':
			d.pace.Step()
			open = append(open, opened{int32(i), d.containers.n})
			d.containers.add(int32(i))
		case '}', ']':
			o := open[len(open)-1]
			open = open[:len(open)-1]
			if int32(i)-o.at < short { // and all in it
				d.containers.n = o.number
			} else {
				c := d.containers.at(o.number)
				c.end, c.next = int32(i+1), d.containers.n
			}
		case '"':
			i, _ = jsonspan.String(d.doc, i)
			continue
		}
		i++
	}
}

// skip gives the end of the value that begins at i, and the number of the next container behind it; n is that of the
// first from i on.
func (d *digester) skip(i int, n int32) (int, int32) {
	if d.containers.begins(n, i) {
		c := d.containers.at(n)
		return int(c.end), c.next
	}
	return jsonspan.Value(d.doc, i), n
}

// inside gives the number of the first container in the one that begins at i; n is that of the first from i on.
func (d *digester) inside(i int, n int32) int32 {
	if d.containers.begins(n, i) {
		return n + 1
	}
	return n
}

// value hashes the value that begins at i; n is the number of the first container from there on.
func (d *digester) value(i int, n int32) {
	switch d.doc[i] {
	case '{':
		d.object(i, n)
	case '[':
		d.put('[')
		n = d.inside(i, n)
		for i = jsonspan.Space(d.doc, i+1); d.doc[i] != ']'; {
			d.value(i, n)
			i, n = d.skip(i, n)
			if i = jsonspan.Space(d.doc, i); d.doc[i] == ',' {
				d.put(',')
				i = jsonspan.Space(d.doc, i+1)
			}
		}
		d.put(']')
	case '"':
		end, _ := jsonspan.String(d.doc, i)
		d.text(d.doc[i:end])
	default:
		d.write(d.doc[i:jsonspan.Value(d.doc, i)])
	}
}

// object hashes an object.
func (d *digester) object(i int, n int32) {
	if d.containers.begins(n, i) && d.containers.at(n).end-d.containers.at(n).at >= crowd {
		count := len(d.members)
		d.each(i, n, func(member) { count++ })
		if count > cap(d.members) {
			d.members = append(make([]member, 0, count), d.members...) // Go clears what it makes so in pieces
		}
	}
	mark, sorted := len(d.members), true
	d.each(i, n, func(m member) {
		sorted = sorted && (len(d.members) == mark || d.compare(d.members[len(d.members)-1], m) < 0)
		d.members = append(d.members, m)
	})
	if !sorted {
		slices.SortFunc(d.members[mark:], d.compare)
	}
	d.put('{')
	for k, end := mark, len(d.members); k < end; k++ {
		if k > mark {
			d.put(',')
		}
		d.pace.Step()
		m := d.members[k] // the array moves when the value has members
		d.text(d.doc[m.from:m.to])
		d.put(':')
		d.value(d.past(int(m.to)), m.number)
	}
	d.put('}')
	d.members = d.members[:mark]
}

// each gives the members of an object; n is the number of the first container from its beginning on.
func (d *digester) each(i int, n int32, f func(member)) {
	n = d.inside(i, n)
	for i = jsonspan.Space(d.doc, i+1); d.doc[i] != '}'; {
		d.pace.Step()
		end, _ := jsonspan.String(d.doc, i)
		f(member{from: int32(i), to: int32(end), number: n})
		i, n = d.skip(d.past(end), n)
		if i = jsonspan.Space(d.doc, i); d.doc[i] == ',' {
			i = jsonspan.Space(d.doc, i+1)
		}
	}
}

// past gives the beginning of the value whose member's name ends at i.
func (d *digester) past(i int) int {
	return jsonspan.Space(d.doc, jsonspan.Space(d.doc, i)+1)
}

// compare puts members in the order of their names.
func (d *digester) compare(a, b member) int {
	d.pace.Step()
	d.left = jsonspan.AppendText(d.left[:0], d.doc[a.from:a.to])
	d.right = jsonspan.AppendText(d.right[:0], d.doc[b.from:b.to])
	return bytes.Compare(d.left, d.right)
}

// separators begin the line and the paragraph separator in UTF-8, which encoding/json escapes.
var separators = []byte("\xe2\x80")

// text hashes the string raw, quotes included.
func (d *digester) text(raw []byte) {
	if bytes.IndexByte(raw, '\\') < 0 && !bytes.Contains(raw, separators) {
		d.write(raw)
		return
	}
	d.quoted.Reset()
	_ = d.quote.Encode(jsonspan.Text(raw)) // of a string it never fails
	d.write(bytes.TrimSuffix(d.quoted.Bytes(), []byte{'\n'}))
}

func (d *digester) put(c byte) {
	if len(d.out) == outSize {
		d.flush()
	}
	d.out = append(d.out, c)
}

func (d *digester) write(b []byte) {
	if len(d.out)+len(b) > outSize {
		d.flush()
	}
	if len(b) > outSize {
		_, _ = d.hash.Write(b) // it never fails
		return
	}
	d.out = append(d.out, b...)
}

func (d *digester) flush() {
	_, _ = d.hash.Write(d.out) // it never fails
	d.out = d.out[:0]
}
