package archive

import (
	"bytes"
	"encoding/json"
	"hash"
	"math"
	"runtime"
	"slices"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// digester hashes a JSON document as OPA's signatures do: members in the order of their names, no white space, strings
// with no more escapes than they need. OPA makes maps of the document for that, which take more memory than the values
// that policies then compute with; this goes over its text, in time linear in it.
type digester struct {
	doc         []byte
	hash        hash.Hash
	out         []byte      // what is to be hashed next
	containers  []container // all objects and arrays, in the order in which they begin
	members     []member    // of the objects that are open
	left, right []byte      // names that are compared
	quoted      bytes.Buffer
	quote       *json.Encoder // OPA's own way to write a string
}

// container is an object or array: where it ends, and the number of the next one behind it.
type container struct{ end, next int32 }

// member is a member of an object: where its name begins and ends, where its value begins, and the number of the first
// object or array from there on.
type member struct{ from, to, value, number int32 }

const (
	maxDigested = math.MaxInt32 // the length of a document, in bytes
	outSize     = 16 << 10
	maxRoom     = 1 << 20 // objects and arrays for which there is room before any is found
	// breath is how many objects and arrays are passed between two calls of the scheduler. Loading has a processor to
	// itself for as long as it may; requests should not wait for it that long.
	breath = 256
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

// find numbers the objects and arrays.
func (d *digester) find() {
	// Those in strings are counted too, so that the room is bounded.
	d.containers = make([]container, 0, min(bytes.Count(d.doc, []byte{'{'})+bytes.Count(d.doc, []byte{'['}), maxRoom))
	var open []int32
	for i := 0; i < len(d.doc); {
		switch d.doc[i] {
		case '{', '[':
			open = append(open, int32(len(d.containers)))
			d.containers = append(d.containers, container{})
			if len(d.containers)%breath == 0 {
				runtime.Gosched()
			}
		case '}', ']':
			d.containers[open[len(open)-1]] = container{int32(i + 1), int32(len(d.containers))}
			open = open[:len(open)-1]
		case '"':
			i, _ = jsonspan.String(d.doc, i)
			continue
		}
		i++
	}
}

// skip gives the end of the value that begins at i, and the number of the next object or array behind it; n is that of
// the first from i on.
func (d *digester) skip(i int, n int32) (int, int32) {
	switch d.doc[i] {
	case '{', '[':
		return int(d.containers[n].end), d.containers[n].next
	}
	return jsonspan.Value(d.doc, i), n
}

// value hashes the value that begins at i; n is the number of the first object or array from there on.
func (d *digester) value(i int, n int32) {
	switch d.doc[i] {
	case '{':
		d.object(i, n)
	case '[':
		d.put('[')
		n++
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
	if n%breath == 0 {
		runtime.Gosched()
	}
	mark := len(d.members)
	next, sorted := n+1, true
	for i = jsonspan.Space(d.doc, i+1); d.doc[i] != '}'; {
		end, _ := jsonspan.String(d.doc, i)
		m := member{from: int32(i), to: int32(end), number: next}
		i = jsonspan.Space(d.doc, jsonspan.Space(d.doc, end)+1) // past the colon
		m.value = int32(i)
		sorted = sorted && (len(d.members) == mark || d.compare(d.members[len(d.members)-1], m) < 0)
		d.members = append(d.members, m)
		i, next = d.skip(i, next)
		if i = jsonspan.Space(d.doc, i); d.doc[i] == ',' {
			i = jsonspan.Space(d.doc, i+1)
		}
	}
	if !sorted {
		slices.SortFunc(d.members[mark:], d.compare)
	}
	d.put('{')
	for k, end := mark, len(d.members); k < end; k++ {
		if k > mark {
			d.put(',')
		}
		m := d.members[k] // the array moves when the value has members
		d.text(d.doc[m.from:m.to])
		d.put(':')
		d.value(int(m.value), m.number)
	}
	d.put('}')
	d.members = d.members[:mark]
}

// compare puts members in the order of their names.
func (d *digester) compare(a, b member) int {
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
