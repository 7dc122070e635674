package shape

import (
	"slices"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// node is a part of a schema. Nodes never change: whoever alters one makes another, so that versions share all that
// they have in common.
type node struct {
	kind  byte     // '{' or '['; 0 for a string, a number, a boolean or null
	text  string   // of kind 0: as it is spelt
	names []string // of '{': its members' names, in written order
	parts []*node  // its members' values, or its items
	to    *unit    // of the value of a $ref: what that leads to; nil where it stays as it is spelt
	size  int      // nodes in it, itself counted; what references lead to is not
}

var (
	anything = scalar("true")
	nothing  = scalar("false")
)

func scalar(text string) *node { return &node{text: text, size: 1} }

func text(s string) *node { return scalar(string(jsonspan.AppendQuote(nil, s))) }

func refer(to *unit) *node { return object("$ref", &node{to: to, size: 1}) }

func list(items ...*node) *node { return newNode('[', nil, items) }

func texts(words []string) *node {
	items := make([]*node, len(words))
	for i, w := range words {
		items[i] = text(w)
	}
	return list(items...)
}

// object makes an object of one member or none; with adds others.
func object(name string, value *node) *node {
	return newNode('{', []string{name}, []*node{value})
}

func newNode(kind byte, names []string, parts []*node) *node {
	n := &node{kind: kind, names: names, parts: parts, size: 1}
	for _, p := range parts {
		n.size += p.size
	}
	return n
}

var empty = newNode('{', nil, nil)

// data reads a value in which nothing is a schema.
func data(raw []byte) *node {
	switch raw[0] {
	case '{':
		n := &node{kind: '{', size: 1}
		for name, value := range jsonspan.Members(raw) {
			n.names = append(n.names, jsonspan.Text(name))
			n.parts = append(n.parts, data(value))
		}
		return newNode('{', n.names, n.parts)
	case '[':
		var items []*node
		for value := range jsonspan.Items(raw) {
			items = append(items, data(value))
		}
		return newNode('[', nil, items)
	}
	return scalar(string(raw))
}

// get gives a member's value; nil where there is none.
func (n *node) get(name string) *node {
	if n == nil || n.kind != '{' {
		return nil
	}
	if i := slices.Index(n.names, name); i >= 0 {
		return n.parts[i]
	}
	return nil
}

func (n *node) has(name string) bool { return n.get(name) != nil }

// with gives n with another value of a member, which comes last where it is new.
func (n *node) with(name string, value *node) *node {
	i := slices.Index(n.names, name)
	if i >= 0 && n.parts[i] == value {
		return n
	}
	names, parts := n.names, slices.Clone(n.parts)
	if i >= 0 {
		parts[i] = value
	} else {
		names, parts = append(slices.Clip(names), name), append(parts, value)
	}
	return newNode('{', names, parts)
}

// behind gives n with a new member that comes behind another, or last where that is not there.
func (n *node) behind(other, name string, value *node) *node {
	i := slices.Index(n.names, other) + 1
	if i == 0 {
		i = len(n.names)
	}
	return newNode('{', slices.Insert(slices.Clone(n.names), i, name), slices.Insert(slices.Clone(n.parts), i, value))
}

// without gives n without some members.
func (n *node) without(gone ...string) *node {
	if n.kind != '{' || !slices.ContainsFunc(n.names, func(name string) bool { return slices.Contains(gone, name) }) {
		return n
	}
	var names []string
	var parts []*node
	for i, name := range n.names {
		if !slices.Contains(gone, name) {
			names, parts = append(names, name), append(parts, n.parts[i])
		}
	}
	return newNode('{', names, parts)
}

// renamed gives n with another name of a member, where that is there.
func (n *node) renamed(from, to string) *node {
	i := slices.Index(n.names, from)
	if n.kind != '{' || i < 0 {
		return n
	}
	names := slices.Clone(n.names)
	names[i] = to
	return newNode('{', names, n.parts)
}

// item gives n with another item or member's value.
func (n *node) item(i int, value *node) *node {
	if n.parts[i] == value {
		return n
	}
	parts := slices.Clone(n.parts)
	parts[i] = value
	return newNode(n.kind, n.names, parts)
}

// words are the strings in a list.
func (n *node) words() []string {
	if n == nil || n.kind != '[' {
		return nil
	}
	var words []string
	for _, item := range n.parts {
		if item.isText() {
			words = append(words, item.string())
		}
	}
	return words
}

func (n *node) isText() bool { return n != nil && n.kind == 0 && len(n.text) > 0 && n.text[0] == '"' }

// string is what a string spells.
func (n *node) string() string { return jsonspan.Text([]byte(n.text)) }

func (n *node) isObject() bool { return n != nil && n.kind == '{' }

func (n *node) is(literal string) bool { return n != nil && n.kind == 0 && n.text == literal }

// reference is what the $ref of a schema leads to; nil where there is none.
func (n *node) reference() *unit {
	if r := n.get("$ref"); r != nil {
		return r.to
	}
	return nil
}
