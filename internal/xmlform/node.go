package xmlform

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// node is the form of a value. Nodes refer to each other as the schema does, in circles too.
type node struct {
	from *term
	word word

	kinds kinds
	items *node
	item  string // the element of an item, "" for one named like the element around it
	rest  *node  // of the members not told by name; nil where nothing tells of them

	members    []member
	names      map[string]int // of members, by their name in JSON
	elements   map[string]int // by their element
	attributes map[string]int // by their attribute
	required   map[string]bool
	lists      []int // of members that are lists without an element of their own, those that must be there
}

// kind is the one type that a value has besides null.
func (n *node) kind() kinds {
	if n == nil {
		return 0
	}
	return n.kinds &^ null
}

// member is a member of an object.
type member struct {
	name    string // in JSON
	key     []byte // the name, quoted, with its colon
	element string // of the value, or of each item where repeats
	repeats bool   // a list without an element of its own
	node    *node
}

// Part is a schema and where what it describes lies.
type Part struct {
	// Path is members' names joined by dots, with [*] for each item of a list: "data[*]". "" is the whole document.
	Path string
	// Name is the element of what stands for itself: the root, or an item of a list that is the root.
	Name string
	// Schema is a JSON Schema 2020-12 without references to anything else.
	Schema []byte
}

// compiler makes nodes of schemas.
type compiler struct {
	reads    bool // what is read must be decided by the schema; what is written tells its types itself
	tells    bool // of what is read, several types are told from each other by whoever reads it
	nodes    map[string]*node
	waiting  []*node // to be filled
	all      []*node
	mistakes Mistakes
	full     bool
}

func newCompiler(reads bool) *compiler { return &compiler{reads: reads, nodes: map[string]*node{}} }

// compile gives the node of what a schema describes, to be filled.
func (c *compiler) compile(name string, schema []byte) (*node, error) {
	err := jsonspan.Check(schema, jsonspan.Bounds{})
	var doc any
	if err == nil {
		doc, err = jsonspan.Decode(schema)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the schema %s: %w", name, err)
	}
	s := &source{name: name, doc: doc}
	s.fault = func(at, format string, args ...any) {
		m := Mistake{name, at, fmt.Sprintf(format, args...)}
		if len(c.mistakes) < maxMistakes && !slices.Contains(c.mistakes, m) {
			c.mistakes = append(c.mistakes, m)
		}
	}
	return c.node(s.leaf("", doc)), nil
}

// node gives the node of a term, to be filled; of nil, nil.
func (c *compiler) node(t *term) *node {
	if t == nil {
		return nil
	}
	n, ok := c.nodes[t.key]
	if !ok {
		n = &node{from: t}
		c.nodes[t.key] = n
		if len(c.nodes) > maxNodes {
			if !c.full {
				t.from.fault(t.at, "the schema has more than %d parts that differ", maxNodes)
			}
			c.full = true
			return n
		}
		c.waiting = append(c.waiting, n)
	}
	return n
}

// finish fills all nodes and gives them their names. The error is Mistakes.
func (c *compiler) finish() error {
	c.fillAll()
	for _, n := range c.all {
		c.name(n)
	}
	return c.mistaken()
}

// fillAll fills all nodes.
func (c *compiler) fillAll() {
	for len(c.waiting) > 0 {
		n := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.all = append(c.all, n)
		c.fill(n)
	}
}

// mistaken gives the mistakes in their order, nil for none.
func (c *compiler) mistaken() error {
	if len(c.mistakes) == 0 {
		return nil
	}
	slices.SortFunc(c.mistakes, func(a, b Mistake) int { return strings.Compare(a.Schema+a.Pointer, b.Schema+b.Pointer) })
	return c.mistakes
}

func (c *compiler) fill(n *node) {
	t := n.from
	t.from.terms = 0
	s := t.from.shape(t)
	n.word, n.kinds = s.word, s.meant()
	if n.kinds == every && c.reads {
		n.kinds = text | null
	}
	n.required = s.required
	if n.kinds&list != 0 {
		n.items = c.node(s.items)
		if n.items == nil && c.reads {
			n.items = &node{from: t, kinds: text | null}
		}
	}
	if n.kinds&object != 0 {
		n.rest = c.node(s.rest)
		for _, name := range slices.Sorted(maps.Keys(s.members)) {
			n.members = append(n.members, member{name: name, node: c.node(s.members[name])})
		}
	}
	if !c.reads {
		return
	}
	for at, keyword := range s.odd {
		if keyword == "$dynamicRef" || keyword == "prefixItems" && n.kinds&list != 0 || keyword == "patternProperties" && n.kinds&object != 0 {
			t.from.fault(at, "%s has no %s that could be read", keyword, c.called())
		}
	}
	if c.tells {
		return
	}
	if bits.OnesCount8(uint8(n.kind())) > 1 {
		t.from.fault(t.at, "XML does not tell %s from each other; only null may stand beside a type", typeList(n.kind()))
	}
}

// called is what the form is called in which values are read.
func (c *compiler) called() string {
	if c.tells {
		return "form"
	}
	return "XML form"
}

// typeList names types for people.
func typeList(k kinds) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(typeNames)) {
		if name != "integer" && typeNames[name]&k != 0 {
			names = append(names, name+"s")
		}
	}
	return strings.Join(names, " and ")
}

// name gives the members of n their elements and attributes.
func (c *compiler) name(n *node) {
	if n.items != nil && n.item == "" {
		n.item = n.items.word.name
	}
	n.names = make(map[string]int, len(n.members))
	n.elements = make(map[string]int, len(n.members))
	for i := range n.members {
		m := &n.members[i]
		m.key = append(jsonspan.AppendQuote(nil, m.name), ':')
		n.names[m.name] = i
		if m.node.kinds == 0 && m.node.from != nil && c.reads { // never there
			continue
		}
		m.element = m.name
		w := m.node.word
		switch {
		case m.node.kind() == list && !w.wrapped:
			m.repeats = true
			if it := m.node.items; it != nil && it.word.name != "" {
				m.element = it.word.name
			}
		case w.name != "":
			m.element = w.name
		}
		fault := func(format string, args ...any) {
			if f := m.node.from; f != nil {
				f.from.fault(f.at, format, args...)
			}
		}
		if !isName(m.element) {
			fault("%q is no name of an element; give it another with the keyword xml", m.element)
		}
		if w.attribute {
			if k := m.node.kind(); m.node.kinds&null != 0 || k != text && k != numeric && k != boolean {
				fault("only a string, a number or a boolean, and never null, can be an attribute")
			}
			c.claim(&n.attributes, m.element, i, fault)
			continue
		}
		if m.repeats && c.reads {
			if m.node.kinds&null != 0 && m.node.items.kinds&null != 0 {
				fault("XML does not tell a list that is null from a list of one null; give the list an element of its own with the keyword xml: wrapped")
			}
			if n.required[m.name] {
				n.lists = append(n.lists, i)
			}
		}
		c.claim(&n.elements, m.element, i, fault)
	}
}

func (c *compiler) claim(names *map[string]int, name string, i int, fault func(string, ...any)) {
	if *names == nil {
		*names = map[string]int{}
	}
	if _, taken := (*names)[name]; taken {
		fault("two members have the name %q in XML", name)
	}
	(*names)[name] = i
}
