package jsonspan

// Cursor goes through the members of one object or the items of one array without a call back for each: what a loop that
// is run for every value of every message is made of. After each Next, the caller says where the value ends by setting
// At; whoever reads the value learns it anyway.
//
//	c := jsonspan.Open(doc, i)
//	for c.Next() {
//		c.At = jsonspan.Value(doc, c.Value)
//	}
type Cursor struct {
	At      int  // where to go on: the end of the value found last
	Name    int  // where the member's name begins, with its opening quote
	NameEnd int  // behind its closing quote
	Escaped bool // whether the name has escapes
	Value   int  // where the value begins
	Broken  bool // whether what was to be gone through is no JSON; Check finds that before
	doc     []byte
	close   byte
	begun   bool

	// Of a Cursor through an index, whose Value is a node and whose At nobody needs.
	nodes      []node
	node, stop int // the next one, and the first one behind the object or array
}

// Open begins with the object or array at doc[i].
func Open(doc []byte, i int) Cursor {
	return Cursor{doc: doc, At: i + 1, close: doc[i] + 2} // as } is to {, and ] to [
}

// Open begins with the object or array at node n. The Cursor's values are nodes.
func (x *Index) Open(n int) Cursor {
	k := &x.nodes[n]
	return Cursor{nodes: x.nodes, node: n + 1, stop: int(k.next), close: x.doc[k.start] + 2}
}

// NameValue is where the member's name stands, as a value: Name, or its node.
func (c *Cursor) NameValue() int {
	if c.nodes != nil {
		return c.Value - 1
	}
	return c.Name
}

// Step is Next through an index.
func (c *Cursor) Step() bool {
	i := c.node
	if i >= c.stop {
		return false
	}
	if c.close == '}' {
		name := &c.nodes[i]
		c.Name, c.NameEnd, c.Escaped = int(name.start), int(name.end), name.info == hasEscapes
		i++
	}
	c.Value, c.node = i, int(c.nodes[i].next)
	return true
}

// Next finds the next member or item. After the last one, At is the end of the object or array.
func (c *Cursor) Next() bool {
	if c.nodes != nil {
		return c.Step()
	}
	doc := c.doc
	if c.At < 0 {
		c.Broken = true
		return false
	}
	i := Space(doc, c.At)
	if i >= len(doc) {
		c.Broken = true
		return false
	}
	switch {
	case doc[i] == c.close:
		c.At = i + 1
		return false
	case !c.begun:
		c.begun = true
	case doc[i] == ',':
		i = Space(doc, i+1)
	default:
		c.Broken = true
		return false
	}
	if c.close == ']' {
		c.Value = i
		c.Broken = i >= len(doc)
		return !c.Broken
	}
	return c.member(i)
}

// member reads a member's name, at i, and finds its value.
func (c *Cursor) member(i int) bool {
	doc := c.doc
	c.Broken = true
	if i >= len(doc) || doc[i] != '"' {
		return false
	}
	end, escaped := String(doc, i)
	if end < 0 {
		return false
	}
	c.Name, c.NameEnd, c.Escaped = i, end, escaped
	if i = Space(doc, end); i >= len(doc) || doc[i] != ':' {
		return false
	}
	c.Value = Space(doc, i+1)
	c.Broken = c.Value >= len(doc)
	return !c.Broken
}
