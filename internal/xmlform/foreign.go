package xmlform

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Foreign reads XML of which no schema tells, as others write it: with namespaces, whose prefixes are left out, and with
// processing instructions, which say nothing here. The root is the document; an element is an object of its children,
// and of its attributes as "@name"; one with neither is its text, and one with xsi:nil="true" is null. Text beside
// children or attributes is "#text". Several children of a name are a list. Everything else of XML is as strict as in
// what a Reader reads. It is immutable and serves many requests at once.
type Foreign struct {
	root  string
	lists *branch
}

// branch is what is known of the members of a value.
type branch struct {
	list  bool
	below map[string]*branch
}

// NewForeign makes a reader. The root element must be root, unless that is "". lists are the paths of members that are
// lists however many of them there are, none included: names that are joined by dots. A list on the way is each of its
// items.
func NewForeign(root string, lists []string) *Foreign {
	f := &Foreign{root: root, lists: &branch{}}
	for _, path := range lists {
		b := f.lists
		for name := range strings.SplitSeq(path, ".") {
			if b.below == nil {
				b.below = make(map[string]*branch)
			}
			if b.below[name] == nil {
				b.below[name] = &branch{}
			}
			b = b.below[name]
		}
		b.list = true
	}
	return f
}

// Decode appends to dst the JSON form of the XML document src, strict JSON as jsonspan.Check demands it, of at most
// limit bytes. The error is an *Error, which quotes nothing of the document, or ErrTooLarge.
func (f *Foreign) Decode(dst, src []byte, limit int) ([]byte, error) {
	d := &foreignDecoder{scanner: scanner{src: src, foreign: true}, base: len(dst), limit: limit, parts: make([]part, 1, 64)}
	err := checkText(src)
	if err == nil {
		err = d.document(f.root)
	}
	if err != nil {
		return dst, err.in(src)
	}
	d.dst = dst
	if !d.value(1, f.lists) {
		return dst, ErrTooLarge
	}
	if jsonspan.Check(d.dst[len(dst):], jsonspan.Bounds{}) != nil { // objects and lists in each other are more than elements
		return dst, d.malformed(0, "the document is nested too deep").in(src)
	}
	return d.dst, nil
}

type foreignDecoder struct {
	scanner
	dst   []byte
	base  int // where the document begins in dst
	limit int
	parts []part // the first is none
	tags  [maxDepth]tag
}

// part is an element, or an attribute where its name begins with @.
type part struct {
	name  string
	text  []byte
	null  bool
	first int // of the children
	last  int
	next  int // of the children around
	same  int // the next of the name
}

func (d *foreignDecoder) document(root string) *Error {
	if err := d.begin(); err != nil {
		return err
	}
	if d.i >= len(d.src) || d.src[d.i] != '<' {
		return d.malformed(d.i, "an element was expected")
	}
	if err := d.element(0, 0); err != nil {
		return err
	}
	if d.parts[1].name != root && root != "" {
		return misshapen(0, "the root element has another name")
	}
	if err := d.between(); err != nil {
		return err
	}
	if d.i < len(d.src) {
		return d.malformed(d.i, "something stands after the root element")
	}
	return nil
}

// add notes a part of another.
func (d *foreignDecoder) add(parent int, at int, name string) (int, *Error) {
	n := len(d.parts)
	if n > maxElements {
		return 0, d.malformed(at, "a document may have "+strconv.Itoa(maxElements)+" elements and attributes at most")
	}
	d.parts = append(d.parts, part{name: name})
	p := &d.parts[parent]
	if p.first == 0 {
		p.first = n
	} else {
		d.parts[p.last].next = n
	}
	p.last = n
	return n, nil
}

// element reads one, whose < is next.
func (d *foreignDecoder) element(parent, depth int) *Error {
	if depth == maxDepth {
		return d.malformed(d.i, "elements may be nested "+strconv.Itoa(maxDepth)+" deep at most")
	}
	t := &d.tags[depth]
	if err := d.start(t); err != nil {
		return err
	}
	self, err := d.add(parent, t.at, string(t.name))
	if err != nil {
		return err
	}
	d.parts[self].null = t.null
	for _, a := range d.attributes {
		n, err := d.add(self, a.at, "@"+string(a.name))
		if err != nil {
			return err
		}
		if d.parts[n].text, err = d.unescape(nil, a.value, a.at, true); err != nil {
			return err
		}
	}
	if t.empty {
		d.bindings = d.bindings[:t.bindings]
		return nil
	}
	return d.content(self, t, depth)
}

// content reads what is in an element, and its end tag.
func (d *foreignDecoder) content(self int, t *tag, depth int) *Error {
	for {
		text, err := d.text()
		if err != nil {
			return err
		}
		d.parts[self].text = append(d.parts[self].text, text...)
		if ended, err := d.end(t); ended || err != nil {
			return err
		}
		if d.peek("<?") {
			err = d.instruction()
		} else if err = d.special(); err == nil {
			err = d.element(self, depth+1)
		}
		if err != nil {
			return err
		}
	}
}

// value writes what a part is; false where that is too much.
func (d *foreignDecoder) value(i int, known *branch) bool {
	p := &d.parts[i]
	empty := len(bytes.TrimSpace(p.text)) == 0
	switch {
	case p.first != 0 || empty && !p.null && known != nil && known.below != nil:
		return d.object(p, empty, known)
	case p.null && empty:
		d.dst = append(d.dst, "null"...)
	default:
		d.dst = appendString(d.dst, p.text)
	}
	return len(d.dst)-d.base <= d.limit
}

// object writes the members of a part, each where it is named first.
func (d *foreignDecoder) object(p *part, empty bool, known *branch) bool {
	d.dst = append(d.dst, '{')
	first := true
	name := func(name string) {
		if !first {
			d.dst = append(d.dst, ',')
		}
		first = false
		d.dst = append(jsonspan.AppendQuote(d.dst, name), ':')
	}
	for _, i := range d.named(p) {
		var of *branch
		if known != nil {
			of = known.below[d.parts[i].name]
		}
		name(d.parts[i].name)
		if !d.member(i, of) {
			return false
		}
	}
	if !empty {
		name("#text")
		d.dst = appendString(d.dst, p.text)
	}
	if known != nil {
		for _, absent := range slices.Sorted(maps.Keys(known.below)) {
			if known.below[absent].list && !d.has(p, absent) {
				name(absent)
				d.dst = append(d.dst, "[]"...)
			}
		}
	}
	d.dst = append(d.dst, '}')
	return len(d.dst)-d.base <= d.limit
}

// member writes the value of a member, whose parts follow each other from i on.
func (d *foreignDecoder) member(i int, of *branch) bool {
	list := d.parts[i].same != 0 || of != nil && of.list
	if list {
		d.dst = append(d.dst, '[')
	}
	for n := 0; i != 0; i, n = d.parts[i].same, n+1 {
		if n > 0 {
			d.dst = append(d.dst, ',')
		}
		if !d.value(i, of) {
			return false
		}
	}
	if list {
		d.dst = append(d.dst, ']')
	}
	return true
}

// named gives the first part of each name in another, and links those of the same.
func (d *foreignDecoder) named(p *part) []int {
	var firsts []int
	last := make(map[string]int)
	for i := p.first; i != 0; i = d.parts[i].next {
		name := d.parts[i].name
		if before, ok := last[name]; ok {
			d.parts[before].same = i
		} else {
			firsts = append(firsts, i)
		}
		last[name] = i
	}
	return firsts
}

// has says whether a part has one of a name in it.
func (d *foreignDecoder) has(p *part, name string) bool {
	for i := p.first; i != 0; i = d.parts[i].next {
		if d.parts[i].name == name {
			return true
		}
	}
	return false
}
