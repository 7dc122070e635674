package policy

import (
	"bytes"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/pace"
)

// What a tree may remember of the strings it has made, so that the same one is there once: names of members, roles,
// identifiers. About 10 MiB at most, let go when the tree is made.
const (
	maxKnown      = 1 << 16
	maxKnownBytes = 64
)

// tree makes the values that policies compute with of strict JSON, without maps on the way.
type tree struct {
	known   map[string]*ast.Term // nil where it is not worth while
	scratch []byte
	items   [][2]*ast.Term // members of the objects that are open
	terms   []*ast.Term    // items of the arrays that are open
	pace    *pace.Pace     // nil where a request waits
}

// newTree makes a tree for much.
func newTree() *tree { return &tree{known: make(map[string]*ast.Term), pace: new(pace.Pace)} }

// value gives the value that begins at i, and where it ends.
func (t *tree) value(doc []byte, i int) (*ast.Term, int) {
	switch doc[i] {
	case '{':
		mark := len(t.items)
		t.pace.Step()
		for i = jsonspan.Space(doc, i+1); doc[i] != '}'; {
			end, _ := jsonspan.String(doc, i)
			name := t.text(doc[i:end])
			var member *ast.Term
			member, i = t.value(doc, jsonspan.Space(doc, jsonspan.Space(doc, end)+1)) // past the colon
			t.items = append(t.items, [2]*ast.Term{name, member})
			if i = jsonspan.Space(doc, i); doc[i] == ',' {
				i = jsonspan.Space(doc, i+1)
			}
		}
		return t.object(mark), i + 1
	case '[':
		mark := len(t.terms)
		for i = jsonspan.Space(doc, i+1); doc[i] != ']'; {
			var item *ast.Term
			item, i = t.value(doc, i)
			t.terms = append(t.terms, item)
			if i = jsonspan.Space(doc, i); doc[i] == ',' {
				i = jsonspan.Space(doc, i+1)
			}
		}
		array := ast.NewArray(slices.Clone(t.terms[mark:])...)
		clear(t.terms[mark:])
		t.terms = t.terms[:mark]
		return ast.NewTerm(array), i + 1
	case '"':
		end, _ := jsonspan.String(doc, i)
		return t.text(doc[i:end]), end
	}
	end := jsonspan.Value(doc, i)
	switch doc[i] {
	case 't', 'f':
		return ast.InternedTerm(doc[i] == 't'), end
	case 'n':
		return ast.InternedNullTerm, end
	}
	number := string(doc[i:end])
	if term := ast.InternedIntNumberTermFromString(number); term != nil {
		return term, end
	}
	return ast.NewTerm(ast.Number(number)), end
}

// object makes one of the members from mark on.
func (t *tree) object(mark int) *ast.Term {
	object := ast.NewObject(t.items[mark:]...)
	clear(t.items[mark:])
	t.items = t.items[:mark]
	if object.Len() > 1 {
		object.KeysIterator().Next() // sorts the members, for which the first decision to go through them would wait
	}
	return ast.NewTerm(object)
}

// text gives what the string raw, quotes included, spells.
func (t *tree) text(raw []byte) *ast.Term {
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		t.scratch = jsonspan.AppendText(t.scratch[:0], raw)
		text = t.scratch
	}
	if term, ok := t.known[string(text)]; ok {
		return term
	}
	term := ast.StringTerm(string(text))
	if t.known != nil && len(text) <= maxKnownBytes && len(t.known) < maxKnown {
		t.known[string(term.Value.(ast.String))] = term
	}
	return term
}

// datum gives the value at a place in the data of a bundle.
func (t *tree) datum(p datum) *ast.Term {
	if p.joint == nil {
		term, _ := t.value(p.value.Raw(), 0)
		return term
	}
	mark := len(t.items)
	for name, member := range p.members() {
		item := [2]*ast.Term{ast.StringTerm(name), t.datum(member)}
		t.items = append(t.items, item)
	}
	return t.object(mark)
}
