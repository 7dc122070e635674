package policy

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// The data of a bundle may be large. So it is made straight into the values that policies compute with, file by file:
// as maps first, which folders can afford, there would be two trees of it in memory at once.

// What a tree may remember of the strings it has made, so that the same one is there once: names of members, roles,
// identifiers. About 10 MiB at most, let go when the tree is made.
const (
	maxKnown      = 1 << 16
	maxKnownBytes = 64
)

// tree makes values of strict JSON.
type tree struct {
	known   map[string]*ast.Term
	scratch []byte
	items   [][2]*ast.Term // members of the objects that are open
	terms   []*ast.Term    // items of the arrays that are open
	made    int            // objects
}

// breath is how many objects are made between two calls of the scheduler. Loading has a processor to itself for as long
// as it may; requests should not wait for it that long.
const breath = 64

// parse gives the value of a document, which is checked unless it is known to be strict.
func (t *tree) parse(doc []byte, strict bool) (*ast.Term, error) {
	if !strict {
		if err := jsonspan.Check(doc, archive.Bounds); err != nil {
			return nil, err
		}
	}
	if t.known == nil {
		t.known = make(map[string]*ast.Term)
	}
	term, _ := t.value(doc, jsonspan.Space(doc, 0))
	return term, nil
}

// value gives the value that begins at i, and where it ends.
func (t *tree) value(doc []byte, i int) (*ast.Term, int) {
	switch doc[i] {
	case '{':
		mark := len(t.items)
		if t.made++; t.made%breath == 0 {
			runtime.Gosched()
		}
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
		object := ast.NewObject(t.items[mark:]...)
		clear(t.items[mark:])
		t.items = t.items[:mark]
		if object.Len() > 1 {
			object.KeysIterator().Next() // sorts the members, for which the first decision to go through them would wait
		}
		return ast.NewTerm(object), i + 1
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
	if len(text) <= maxKnownBytes && len(t.known) < maxKnown {
		t.known[string(term.Value.(ast.String))] = term
	}
	return term
}

// branch is a place in the data of a bundle: what one file gives there, and what others give below it.
type branch struct {
	value    *ast.Term
	file     string // where value comes from
	children map[string]*branch
}

// at gives the branch at a path of names, made if need be.
func (b *branch) at(path []string) *branch {
	for _, name := range path {
		if b.children == nil {
			b.children = map[string]*branch{}
		}
		next := b.children[name]
		if next == nil {
			next = &branch{}
			b.children[name] = next
		}
		b = next
	}
	return b
}

// merge makes one value of what all files give at and below a branch. Objects are made anew where two files meet: one
// that is changed in place leaves those around it with a wrong hash.
func (b *branch) merge(at []string) (*ast.Term, hcl.Diagnostics) {
	if len(b.children) == 0 {
		return b.value, nil
	}
	var diags hcl.Diagnostics
	value := b.value
	for _, name := range util.KeysSorted(b.children) {
		child := b.children[name]
		here := append(slices.Clip(at), name)
		below, more := child.merge(here)
		diags = append(diags, more...)
		if below == nil {
			continue
		}
		under := ast.ObjectTerm([2]*ast.Term{ast.StringTerm(name), below})
		if value == nil {
			value = under
			continue
		}
		merged, clash := mergeTerms(value, under, at)
		if clash != nil {
			diags = append(diags, fileDiagnostic(child.source(), "Data given twice", dataRef(clash)+" is already given by another file of the bundle."))
			continue
		}
		value = merged
	}
	return value, diags
}

// source names a file that gives something at or below a branch.
func (b *branch) source() string {
	for b.file == "" && len(b.children) > 0 {
		b = b.children[util.KeysSorted(b.children)[0]]
	}
	return b.file
}

// mergeTerms gives an object of the members of two, or the path at which they contradict each other.
func mergeTerms(a, b *ast.Term, at []string) (merged *ast.Term, clash []string) {
	left, ok1 := a.Value.(ast.Object)
	right, ok2 := b.Value.(ast.Object)
	if !ok1 || !ok2 {
		return nil, at
	}
	members := make([][2]*ast.Term, 0, left.Len()+right.Len())
	left.Foreach(func(key, value *ast.Term) {
		other := right.Get(key)
		if other != nil && clash == nil {
			value, clash = mergeTerms(value, other, append(slices.Clip(at), string(key.Value.(ast.String))))
		}
		members = append(members, [2]*ast.Term{key, value})
	})
	right.Foreach(func(key, value *ast.Term) {
		if left.Get(key) == nil {
			members = append(members, [2]*ast.Term{key, value})
		}
	})
	if clash != nil {
		return nil, clash
	}
	return ast.ObjectTerm(members...), nil
}

// treeHas says whether data gives a value at a path.
func treeHas(data ast.Object, path []string) bool {
	var value ast.Value = data
	for _, name := range path {
		object, ok := value.(ast.Object)
		if !ok {
			return false
		}
		term := object.Get(ast.StringTerm(name))
		if term == nil {
			return false
		}
		value = term.Value
	}
	return true
}

// outside finds the first path at which data gives something that lies in none of the roots. Objects on the way to a
// root are no data of their own.
func outside(data ast.Object, roots [][]string, at []string) []string {
	var found []string
	data.Foreach(func(key, value *ast.Term) {
		if found != nil {
			return
		}
		here := append(slices.Clip(at), string(key.Value.(ast.String)))
		object, isObject := value.Value.(ast.Object)
		inside, above := false, false
		for _, root := range roots {
			n := min(len(root), len(here))
			if !slices.Equal(root[:n], here[:n]) {
				continue
			}
			inside = inside || len(root) <= len(here)
			above = above || len(root) > len(here)
		}
		switch {
		case inside:
		case above && isObject:
			found = outside(object, roots, here)
		default:
			found = here
		}
	})
	return found
}

// malformed says what is wrong with a data file whose text src is, at its place.
func malformed(file, kind string, src []byte, err error) *hcl.Diagnostic {
	text := sources{file: src}
	d := fileDiagnostic(file, "Data not well formed", fmt.Sprintf("Expected %s: %s.", kind, err))
	var strict *jsonspan.Error
	if errors.As(err, &strict) {
		at := position(src, min(strict.Offset, len(src)))
		d.Detail = sentence("Expected " + kind + ": " + strict.Detail)
		subject := text.rangeOf(&ast.Location{File: file, Row: at.Line, Col: at.Column})
		d.Subject = &subject
		return d
	}
	d.Subject = text.dataMistake(file, err)
	return d
}
