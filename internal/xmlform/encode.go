package xmlform

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Writer writes the XML form of documents. What the schemas do not tell of is written by its type in JSON: members as
// elements of their names, spelt with _xHHHH_ where XML has no such name, and lists as their items' elements. It is
// immutable and serves many requests at once.
type Writer struct {
	root      string
	namespace string // of all elements, "" for none
	inside    string // the element of an item of a list that no schema tells of; "" for one like that of the list
	node      *node
}

// NewWriter makes a writer of documents with parts that schemas describe. root is the element of a document that no
// part is the whole of. The error is Mistakes, or a schema is no JSON.
func NewWriter(root string, parts ...Part) (*Writer, error) {
	c := newCompiler(false)
	w := &Writer{root: root, node: &node{kinds: every}}
	sorted := slices.Clone(parts)
	slices.SortStableFunc(sorted, func(a, b Part) int { return len(steps(a.Path)) - len(steps(b.Path)) })
	var whole *Part
	for i, p := range sorted {
		n, err := c.compile(p.Name, p.Schema)
		if err != nil {
			return nil, err
		}
		switch way := steps(p.Path); {
		case len(way) == 0:
			w.node, whole = n, &sorted[i]
		default:
			c.place(w.node, way, n, p.Name)
		}
	}
	if err := c.finish(); err != nil {
		return nil, err
	}
	if whole != nil {
		w.root = rootName(w.node, whole.Name)
	}
	return w, nil
}

// NewProblemWriter makes a writer of the XML form of problem details (RFC 9457, appendix B): items of lists are
// elements i.
func NewProblemWriter() *Writer {
	return &Writer{root: "problem", namespace: "urn:ietf:rfc:7807", inside: "i", node: &node{}}
}

// steps splits the path of a part; "" is an item.
func steps(path string) []string {
	if path == "" {
		return nil
	}
	return strings.FieldsFunc(strings.ReplaceAll(path, "[*]", ".*"), func(r rune) bool { return r == '.' })
}

// place puts the node of a part where it lies below n. A part in another is told of by the other's schema.
func (c *compiler) place(n *node, way []string, part *node, name string) {
	if n.from != nil {
		return
	}
	if n.names == nil {
		n.names = map[string]int{}
		c.all = append(c.all, n)
	}
	next := func(old *node) *node {
		switch {
		case len(way) == 1 && old == nil:
			return part
		case old == nil:
			return &node{kinds: every}
		}
		return old
	}
	if way[0] == "*" {
		n.kinds = list
		n.items = next(n.items)
		if n.items == part {
			n.item = name
		}
		if len(way) > 1 {
			c.place(n.items, way[1:], part, name)
		}
		return
	}
	n.kinds = object
	i, ok := n.names[way[0]]
	if !ok {
		i = len(n.members)
		n.names[way[0]] = i
		n.members = append(n.members, member{name: way[0]})
	}
	n.members[i].node = next(n.members[i].node)
	if len(way) > 1 {
		c.place(n.members[i].node, way[1:], part, name)
	}
}

// header is what every document begins with.
const header = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// Encode appends to dst the XML form of doc, which must be strict JSON (jsonspan.Check), of at most limit bytes. The
// error is ErrTooLarge, or says what XML cannot carry.
func (w *Writer) Encode(dst, doc []byte, limit int) ([]byte, error) {
	value, ok := jsonspan.Get(doc)
	if !ok {
		return dst, errors.New("the document is no JSON")
	}
	e := encoder{Writer: w, dst: append(dst, header...), base: len(dst), limit: limit}
	e.dst = append(append(e.dst, '<'), w.root...)
	if w.namespace != "" {
		e.dst = append(append(append(e.dst, ` xmlns="`...), w.namespace...), '"')
	}
	if bytes.Contains(value, []byte("null")) {
		e.dst = append(append(append(e.dst, ` xmlns:xsi="`...), instance...), '"')
	}
	err := e.content(w.node, w.root, value)
	if err == nil && len(e.dst)-e.base > limit {
		err = ErrTooLarge
	}
	if err != nil {
		return dst, err
	}
	return e.dst, nil
}

type encoder struct {
	*Writer
	dst   []byte
	base  int // where the document begins in dst
	limit int
	depth int

	scratch []byte // what a string with escapes says; used again
}

// element writes a value as an element.
func (e *encoder) element(n *node, name string, value []byte) error {
	if len(e.dst)-e.base > e.limit {
		return ErrTooLarge
	}
	e.dst = append(append(e.dst, '<'), name...)
	return e.content(n, name, value)
}

// content writes what follows the name in a start tag, up to the end of the element.
func (e *encoder) content(n *node, name string, value []byte) error {
	if e.depth++; e.depth > 2*jsonspan.DefaultDepth {
		return errors.New("the document is nested too deep")
	}
	var err error
	switch value[0] {
	case 'n':
		e.depth--
		e.dst = append(e.dst, ` xsi:nil="true"/>`...)
		return nil
	case '"':
		e.dst = append(e.dst, '>')
		err = e.text(value, false)
	case '{':
		if n != nil && n.attributes != nil {
			err = e.attributes(n, value)
		}
		e.dst = append(e.dst, '>')
		if err == nil {
			err = e.object(n, value)
		}
	case '[':
		e.dst = append(e.dst, '>')
		item := name
		if e.inside != "" {
			item = e.inside
		} else if n != nil && n.item != "" {
			item = n.item
		}
		err = e.items(n, item, value)
	default:
		e.dst = append(append(e.dst, '>'), value...)
	}
	e.depth--
	e.dst = append(append(append(e.dst, '<', '/'), name...), '>')
	return err
}

// attributes writes those members of an object that are attributes.
func (e *encoder) attributes(n *node, value []byte) error {
	for name, v := range jsonspan.Members(value) {
		i, known := n.index(name)
		if !known || !n.members[i].node.word.attribute {
			continue
		}
		m := &n.members[i]
		e.dst = append(append(append(e.dst, ' '), m.element...), '=', '"')
		switch v[0] {
		case '"':
			if err := e.text(v, true); err != nil {
				return err
			}
		case 'n', '{', '[':
			return fmt.Errorf("the attribute %s would be null, an object or a list", m.element)
		default:
			e.dst = append(e.dst, v...)
		}
		e.dst = append(e.dst, '"')
	}
	return nil
}

// index finds a member by its name as it is spelt in JSON.
func (n *node) index(name []byte) (int, bool) {
	if n == nil || len(name) < 2 {
		return 0, false
	}
	if i, known := n.names[string(name[1:len(name)-1])]; known || bytes.IndexByte(name, '\\') < 0 {
		return i, known
	}
	i, known := n.names[jsonspan.Text(name)]
	return i, known
}

// object writes those members of an object that are elements.
func (e *encoder) object(n *node, value []byte) error {
	for name, v := range jsonspan.Members(value) {
		if i, known := n.index(name); known {
			m := &n.members[i]
			if m.node.word.attribute {
				continue
			}
			if err := e.member(m.node, m.element, v); err != nil {
				return err
			}
			continue
		}
		element := string(appendName(nil, jsonspan.Text(name)))
		var of *node
		if n != nil {
			if _, taken := n.elements[element]; taken {
				return fmt.Errorf("two members have the name %s in XML", element)
			}
			of = n.rest
		}
		if err := e.member(of, element, v); err != nil {
			return err
		}
	}
	return nil
}

// member writes the element of a member, or those of its items.
func (e *encoder) member(n *node, element string, value []byte) error {
	if value[0] != '[' || e.inside != "" || n != nil && n.word.wrapped {
		return e.element(n, element, value)
	}
	return e.items(n, element, value)
}

func (e *encoder) items(n *node, element string, value []byte) error {
	var of *node
	if n != nil {
		of = n.items
	}
	for v := range jsonspan.Items(value) {
		if err := e.element(of, element, v); err != nil {
			return err
		}
	}
	return nil
}

var errControl = errors.New("a text has a control character that XML 1.0 does not have")

// text writes what the string raw, quotes included, says.
func (e *encoder) text(raw []byte, inAttribute bool) error {
	says := raw[1 : len(raw)-1]
	if bytes.IndexByte(says, '\\') >= 0 {
		e.scratch = jsonspan.AppendText(e.scratch[:0], raw)
		says = e.scratch
	}
	start := 0
	for i, ch := range says {
		if ch > '>' {
			continue
		}
		to := entity(ch, inAttribute)
		switch {
		case to != "":
			e.dst = append(append(e.dst, says[start:i]...), to...)
			start = i + 1
		case ch < ' ' && ch != '\t' && ch != '\n':
			return errControl
		}
	}
	e.dst = append(e.dst, says[start:]...)
	return nil
}

// entity is how a character is written that would not be read back as it is.
func entity(ch byte, inAttribute bool) string {
	switch {
	case ch == '&':
		return "&amp;"
	case ch == '<':
		return "&lt;"
	case ch == '>':
		return "&gt;"
	case ch == '\r':
		return "&#13;"
	case !inAttribute:
	case ch == '"':
		return "&quot;"
	case ch == '\t':
		return "&#9;"
	case ch == '\n':
		return "&#10;"
	}
	return ""
}
