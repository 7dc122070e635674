package jsonspan

import "sync"

// Index says where each value of a document is, so that whoever opens it does not look for them again. It is made in
// the pass that checks the document. Its nodes stand in the order of the values: an object or array, then all that is
// in it; before a member's value its name. The document's own value is node 0.
type Index struct {
	doc   []byte
	nodes []node
}

// node is a value or a member's name.
type node struct {
	start, end uint32 // in the document
	next       uint32 // the node behind it and all that is in it
	info       uint32 // of a string, and so of a name, hasEscapes; of an object or array how many members or items it has
}

// maxNodes bounds an index: 65,536 nodes, which is 1 MiB. A document of more values and names has none, and is gone
// through as it is spelt.
const maxNodes = 1 << 16

var indexes = sync.Pool{New: func() any { return new(Index) }}

// Parse checks a document as Check does. It gives the index of a document that is good and not too large for one,
// otherwise nil. Whoever has no more use for it may Release it.
func Parse(doc []byte, b Bounds) (*Index, error) {
	x := indexes.Get().(*Index)
	c := checkers.Get().(*checker)
	c.nodes, c.most = x.nodes[:0], maxNodes
	err := c.check(doc, b)
	x.nodes = c.nodes
	c.release()
	if err != nil || len(x.nodes) == maxNodes {
		x.Release()
		return nil, err
	}
	x.doc = doc
	return x, nil
}

// Release gives the index back, to be used for another document. Nobody may use it any more.
func (x *Index) Release() {
	x.doc = nil
	indexes.Put(x)
}

// Of says whether x is the index of doc, the very bytes. A nil Index is of no document.
func (x *Index) Of(doc []byte) bool {
	return x != nil && len(doc) > 0 && len(x.doc) == len(doc) && &x.doc[0] == &doc[0]
}

// Len is how many nodes there are.
func (x *Index) Len() int { return len(x.nodes) }

// Raw is the value at node n as it is spelt.
func (x *Index) Raw(n int) []byte { return x.doc[x.nodes[n].start:x.nodes[n].end] }

// First is the first byte of the value at node n, which tells what it is.
func (x *Index) First(n int) byte { return x.doc[x.nodes[n].start] }

// Escaped says whether the string at node n has escapes.
func (x *Index) Escaped(n int) bool { return x.nodes[n].info == hasEscapes }

// Count is how many members or items the object or array at node n has.
func (x *Index) Count(n int) int { return int(x.nodes[n].info) }

// Next is the node behind the value at node n: of an item the next item, of a member's value the next name.
func (x *Index) Next(n int) int { return int(x.nodes[n].next) }

// Integer reads the number at node n if it is spelt as nothing but digits, at most 18 of them. n may be -1, for none.
func (x *Index) Integer(n int) (i int64, ok bool) {
	if n < 0 {
		return 0, false
	}
	raw := x.Raw(n)
	if len(raw) > 18 {
		return 0, false
	}
	for _, ch := range raw {
		if ch-'0' > 9 {
			return 0, false
		}
		i = i*10 + int64(ch-'0')
	}
	return i, true
}

// Plain is the text of the string at node n if that has no escapes. n may be -1, for none.
func (x *Index) Plain(n int) (text []byte, ok bool) {
	if n < 0 {
		return nil, false
	}
	k := &x.nodes[n]
	if k.info == hasEscapes || x.doc[k.start] != '"' {
		return nil, false
	}
	return x.doc[k.start+1 : k.end-1], true
}

// Find gives the value of a member of the object at node n, and looks at so many names for it; -1 where there is none.
func (x *Index) Find(n int, name string) (found, steps int) {
	nodes, quoted := x.nodes[:x.nodes[n].next], uint32(len(name)+2)
	first := byte('"') // behind a quote, of an empty name
	if name != "" {
		first = name[0]
	}
	for i := n + 1; i+1 < len(nodes); i = int(nodes[i+1].next) {
		steps++
		switch k := &nodes[i]; {
		case k.info == hasEscapes:
			if Is(x.doc[k.start:k.end], name) {
				return i + 1, steps
			}
		case k.end-k.start == quoted && x.doc[k.start+1] == first && string(x.doc[k.start+1:k.end-1]) == name:
			return i + 1, steps
		}
	}
	return -1, steps
}
