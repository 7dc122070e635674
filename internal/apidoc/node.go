package apidoc

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// kind is what a value is.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	mapping
)

// node is a value of a file, at its place. What aliases repeat is one node.
type node struct {
	kind    kind
	text    string // of a text its characters, of a number its spelling in JSON, of a truth value itself
	members []member
	items   []*node
	size    int // values in it, itself included
	file    *file
	line    int
	column  int
	width   int // bytes that are shown as its place
}

// member is one of a mapping.
type member struct {
	name  string
	key   *node
	value *node
}

// get gives the value of a member, nil for none.
func (n *node) get(name string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}

// str gives the text of a member, "" where there is none.
func (n *node) str(name string) string {
	if v := n.get(name); v != nil && v.kind == text {
		return v.text
	}
	return ""
}

// yes says whether a member is true.
func (n *node) yes(name string) bool {
	v := n.get(name)
	return v != nil && v.kind == boolean && v.text == "true"
}

// at is the place of a value. That of a mapping or list is its first line.
func (n *node) at() hcl.Range {
	if n == nil {
		return hcl.Range{}
	}
	start := n.file.offset(n.line, n.column)
	end := min(start+max(n.width, 1), len(n.file.text))
	pos := func(b int) hcl.Pos { return hcl.Pos{Line: n.line, Column: n.column + b - start, Byte: b} }
	return hcl.Range{Filename: n.file.path, Start: pos(start), End: pos(end)}
}

// file is a file of a document.
type file struct {
	path  string
	text  []byte
	lines []int // where each begins
	top   *node
}

// offset is the byte at a line and column, which count from 1, the latter in characters.
func (f *file) offset(line, column int) int {
	if line < 1 || line > len(f.lines) {
		return 0
	}
	at := f.lines[line-1]
	for ; column > 1 && at < len(f.text) && f.text[at] != '\n'; column-- {
		_, size := utf8.DecodeRune(f.text[at:])
		at += size
	}
	return at
}

func newFile(path string, src []byte) *file {
	f := &file{path: path, text: src, lines: []int{0}}
	for i, c := range src {
		if c == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// parse makes nodes of a file's YAML, of which JSON is a part.
func (r *reader) parse(f *file) {
	var top yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(asYAML(f.text))).Decode(&top); err != nil {
		line, detail := yamlMistake(err)
		n := &node{file: f, line: line, column: 1}
		r.wrong(n, "Broken document", "It is neither YAML nor JSON: %s.", detail)
		return
	}
	if len(top.Content) == 0 {
		return
	}
	c := converter{r: r, f: f, done: make(map[*yaml.Node]*node)}
	f.top = c.convert(top.Content[0], 0)
	if c.failed {
		f.top = nil
	}
}

// yamlMistake takes the line out of what the parser says.
func yamlMistake(err error) (int, string) {
	detail := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(detail, "line "); ok {
		if digits, after, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(digits); err == nil {
				return line, after
			}
		}
	}
	return 1, detail
}

// converter makes nodes of one file.
type converter struct {
	r      *reader
	f      *file
	done   map[*yaml.Node]*node // nil while it is being made
	failed bool
}

func (c *converter) fail(n *node, summary, detail string, args ...any) {
	c.r.wrong(n, summary, detail, args...)
	c.failed = true
}

func (c *converter) convert(from *yaml.Node, depth int) *node {
	if from.Kind == yaml.AliasNode {
		to, ok := c.done[from.Alias]
		here := &node{file: c.f, line: from.Line, column: from.Column, width: len(from.Value) + 1, size: 1}
		if !ok || to == nil {
			c.fail(here, "Alias of itself", "An alias may not stand within what it repeats.")
			return here
		}
		return to
	}
	n := &node{file: c.f, line: from.Line, column: from.Column, size: 1}
	if depth > maxDepth {
		c.fail(n, "Nested too deeply", "Values may be nested at most %d deep.", maxDepth)
		return n
	}
	c.done[from] = nil
	switch from.Kind {
	case yaml.MappingNode:
		c.mapping(n, from, depth)
	case yaml.SequenceNode:
		n.kind = list
		n.width = 1
		for _, item := range from.Content {
			v := c.convert(item, depth+1)
			n.items = append(n.items, v)
			n.size += v.size
		}
	default:
		c.scalar(n, from)
	}
	if n.size > maxValues && !c.failed {
		c.fail(n, "Document too large", "A document may have at most %d values, those that aliases repeat counted each time.", maxValues)
	}
	c.done[from] = n
	return n
}

func (c *converter) mapping(n *node, from *yaml.Node, depth int) {
	n.kind = mapping
	seen := make(map[string]*node, len(from.Content)/2)
	for i := 0; i+1 < len(from.Content); i += 2 {
		key := c.convert(from.Content[i], depth+1)
		value := c.convert(from.Content[i+1], depth+1)
		name := from.Content[i].Value
		switch {
		case from.Content[i].Kind != yaml.ScalarNode:
			c.fail(key, "Unsuitable name", "The name of a member is a text.")
		case from.Content[i].Tag == "!!merge":
			c.fail(key, "Not supported", "Merge keys (<<) are not part of YAML 1.2; write the members, or refer to them with $ref.")
		case seen[name] != nil:
			c.fail(key, "Written twice", "The member %q is there already, in line %d.", name, seen[name].line)
		}
		seen[name] = key
		n.members = append(n.members, member{name, key, value})
		n.size += value.size
	}
	if n.width = 1; len(n.members) > 0 && n.members[0].key.line == n.line {
		n.width = n.members[0].key.column - n.column + n.members[0].key.width
	}
}

// scalar takes a value that is no list or mapping. YAML spells some that JSON does not have.
func (c *converter) scalar(n *node, from *yaml.Node) {
	n.width = len(from.Value)
	if from.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		n.width += 2
	}
	if from.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		n.width = 1
	}
	n.text = from.Value
	switch from.ShortTag() {
	case "!!merge": // which the mapping around it tells of
	case "!!null":
		n.kind, n.text = null, "null"
	case "!!bool":
		n.kind = boolean
		n.text = strings.ToLower(from.Value)
	case "!!int", "!!float":
		n.kind = number
		if json.Valid([]byte(from.Value)) {
			return
		}
		var f float64
		if err := from.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			c.fail(n, "Unsuitable number", "A number is spelt as in JSON.")
			return
		}
		n.text = strconv.FormatFloat(f, 'f', -1, 64)
	case "!!str", "!!timestamp":
		n.kind = text
	default:
		c.fail(n, "Unsuitable value", "Values are those of JSON, not of the type %s.", from.ShortTag())
	}
}

// json appends the value as JSON.
func (n *node) json(dst []byte) []byte {
	switch n.kind {
	case text:
		return jsonspan.AppendQuote(dst, n.text)
	case list:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.json(dst)
		}
		return append(dst, ']')
	case mapping:
		dst = append(dst, '{')
		for i := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsonspan.AppendQuote(dst, n.members[i].name), ':')
			dst = n.members[i].value.json(dst)
		}
		return append(dst, '}')
	}
	return append(dst, n.text...)
}
