package xmlform

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Reader reads the XML form of documents of one shape. It is immutable and serves many requests at once.
type Reader struct {
	root string
	node *node
}

// NewReader makes a reader of what a self-contained JSON Schema 2020-12 describes; references in it are "#" or begin
// with "#/". name is the element of the root, unless the schema names it. The error is Mistakes, or the schema is no JSON.
func NewReader(name string, schema []byte) (*Reader, error) {
	c := newCompiler(true)
	n, err := c.compile(name, schema)
	if err == nil {
		err = c.finish()
	}
	if err != nil {
		return nil, err
	}
	return &Reader{root: rootName(n, name), node: n}, nil
}

func rootName(n *node, name string) string {
	if n.word.name != "" {
		return n.word.name
	}
	return string(appendName(nil, name))
}

// Decode appends to dst the JSON form of the XML document src, strict JSON as jsonspan.Check demands it, of at most
// limit bytes. The error is an *Error, or ErrTooLarge. It takes time linear in len(src).
func (r *Reader) Decode(dst, src []byte, limit int) ([]byte, error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	d.src, d.dst, d.base, d.limit = src, dst, len(dst), limit
	err := checkText(src)
	if err == nil {
		err = d.document(r)
	}
	switch {
	case err == nil:
		return d.dst, nil
	case err.over:
		return dst, ErrTooLarge
	}
	return dst, err.in(src)
}

// in says where in a document an error is.
func (e *Error) in(src []byte) *Error {
	before := src[:min(e.offset, len(src))]
	line := bytes.LastIndexByte(before, '\n') + 1
	e.Line, e.Column = bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(before[line:])+1
	slices.Reverse(e.way)
	e.Pointer = jsonspan.Join(e.way)
	return e
}

// tooLarge ends the reading of a document whose JSON form is over the limit.
var tooLarge = &Error{Detail: ErrTooLarge.Error(), over: true}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// keep is how many bytes of buffers a decoder may keep between documents.
const keep = 64 << 10

type decoder struct {
	scanner
	dst      []byte
	base     int // where the document begins in dst
	limit    int
	elements int
	depth    int               // of elements
	tags     [maxDepth + 1]tag // of the elements that are open, and of the one that follows
	nested   int               // objects and arrays
	seen     []uint64
}

func (d *decoder) release() {
	if cap(d.buffer) > keep || cap(d.seen) > keep/8 {
		return
	}
	*d = decoder{
		scanner: scanner{bindings: d.bindings[:0], attributes: d.attributes[:0], buffer: d.buffer[:0]},
		seen:    d.seen[:0],
	}
	clear(d.bindings[:cap(d.bindings)])
	clear(d.attributes[:cap(d.attributes)])
	decoders.Put(d)
}

// misshapen is an error of a document that is well formed.
func misshapen(at int, detail string) *Error { return &Error{offset: at, Detail: detail, Shape: true} }

// under notes that an error lies in a member or item.
func (e *Error) under(token string) *Error {
	if !e.over {
		e.way = append(e.way, token)
	}
	return e
}

func (d *decoder) document(r *Reader) *Error {
	if err := d.begin(); err != nil {
		return err
	}
	if d.i >= len(d.src) || d.src[d.i] != '<' {
		return d.malformed(d.i, "an element was expected")
	}
	t := &d.tags[0]
	if err := d.start(t); err != nil {
		return err
	}
	if string(t.name) != r.root {
		return misshapen(t.at, "the root element must be "+r.root)
	}
	if err := d.value(r.node, t); err != nil {
		return err
	}
	if err := d.between(); err != nil {
		return err
	}
	if d.i < len(d.src) {
		return d.malformed(d.i, "something stands after the root element")
	}
	return nil
}

// value reads the rest of the element whose start tag is t, and writes its value.
func (d *decoder) value(n *node, t *tag) *Error {
	if d.elements++; d.elements > maxElements {
		return d.malformed(t.at, "a document may have "+strconv.Itoa(maxElements)+" elements at most")
	}
	if d.depth++; d.depth > maxDepth {
		return d.malformed(t.at, "elements may be nested "+strconv.Itoa(maxDepth)+" deep at most")
	}
	err := d.inside(n, t)
	d.depth--
	return err
}

func (d *decoder) inside(n *node, t *tag) *Error {
	if len(d.dst)-d.base > d.limit {
		return tooLarge
	}
	kind := n.kind()
	if kind != object || t.null {
		if len(d.attributes) > 0 {
			return misshapen(d.attributes[0].at, "there may be no such attribute")
		}
	}
	switch {
	case t.null:
		if n.kinds&null == 0 {
			return misshapen(t.at, "null is not allowed")
		}
		d.dst = append(d.dst, "null"...)
		return d.nothing(t)
	case kind == object:
		return d.object(n, t)
	case kind == list:
		return d.list(n, t)
	case kind == 0:
		return misshapen(t.at, "no value is allowed but null")
	}
	return d.scalar(kind, t)
}

// nothing reads the end of an element that must be empty.
func (d *decoder) nothing(t *tag) *Error {
	if t.empty {
		d.bindings = d.bindings[:t.bindings]
		return nil
	}
	if ended, err := d.end(t); ended || err != nil {
		return err
	}
	return misshapen(d.i, "an element with xsi:nil must be empty")
}

func (d *decoder) scalar(kind kinds, t *tag) *Error {
	var text []byte
	if !t.empty {
		var err *Error
		if text, err = d.text(); err != nil {
			return err
		}
	}
	if err := d.put(kind, text, t.at); err != nil {
		return err
	}
	if t.empty {
		d.bindings = d.bindings[:t.bindings]
		return nil
	}
	at := d.i
	ended, err := d.end(t)
	if ended || err != nil {
		return err
	}
	if err := d.special(); err != nil {
		return err
	}
	return misshapen(at, "text was expected, not an element")
}

// put writes the value that a text spells.
func (d *decoder) put(kind kinds, spelt []byte, at int) *Error {
	if kind == text {
		d.dst = appendString(d.dst, spelt)
	} else {
		spelt = bytes.Trim(spelt, " \t\r\n")
		if kind == boolean && string(spelt) != "true" && string(spelt) != "false" {
			return misshapen(at, "true or false was expected")
		}
		if kind == numeric && !isNumber(spelt) {
			return misshapen(at, "a number was expected, spelt as in JSON")
		}
		d.dst = append(d.dst, spelt...)
	}
	if len(d.dst)-d.base > d.limit {
		return tooLarge
	}
	return nil
}

func isNumber(spelt []byte) bool {
	return len(spelt) > 0 && (spelt[0] == '-' || spelt[0] >= '0' && spelt[0] <= '9') && jsonspan.Check(spelt, jsonspan.Bounds{}) == nil
}

// appendString appends a text as a JSON string.
func appendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i, ch := range text {
		if ch >= ' ' && ch != '"' && ch != '\\' {
			continue
		}
		dst = append(append(dst, text[start:i]...), '\\')
		switch start = i + 1; ch {
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t': // XML has no other control characters
			dst = append(dst, 't')
		default:
			dst = append(dst, ch)
		}
	}
	return append(append(dst, text[start:]...), '"')
}

// nest enters an object or array.
func (d *decoder) nest(bracket byte, at int) *Error {
	if d.nested++; d.nested > jsonspan.DefaultDepth {
		return d.malformed(at, "objects and lists may be nested "+strconv.Itoa(jsonspan.DefaultDepth)+" deep at most")
	}
	d.dst = append(d.dst, bracket)
	return nil
}

func (d *decoder) leave(bracket byte) {
	d.nested--
	d.dst = append(d.dst, bracket)
}

// child reads the start tag of the next element in t, or t's end tag: then it gives nil.
func (d *decoder) child(t *tag) (next *tag, err *Error) {
	if t.empty {
		d.bindings = d.bindings[:t.bindings]
		return nil, nil
	}
	for {
		d.space()
		switch {
		case d.i >= len(d.src):
			return nil, d.malformed(d.i, cutOff)
		case d.src[d.i] != '<' || d.peek("<![CDATA["):
			return nil, misshapen(d.i, "there may be no text beside elements")
		case d.peek("<!--"):
			if err := d.comment(); err != nil {
				return nil, err
			}
			continue
		}
		if ended, err := d.end(t); ended || err != nil {
			return nil, err
		}
		if err := d.special(); err != nil {
			return nil, err
		}
		next = &d.tags[d.depth]
		return next, d.start(next)
	}
}

// list reads a list with an element of its own.
func (d *decoder) list(n *node, t *tag) *Error {
	name := n.item
	if name == "" {
		name = string(t.name)
	}
	if err := d.nest('[', t.at); err != nil {
		return err
	}
	for count := 0; ; count++ {
		next, err := d.child(t)
		if err != nil {
			return err
		}
		if next == nil {
			d.leave(']')
			return nil
		}
		if string(next.name) != name {
			return misshapen(next.at, "the elements of this list are named "+name)
		}
		if count > 0 {
			d.dst = append(d.dst, ',')
		}
		if err := d.value(n.items, next); err != nil {
			return err.under(strconv.Itoa(count))
		}
	}
}
