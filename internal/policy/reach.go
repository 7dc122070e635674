package policy

import (
	"maps"
	"net/textproto"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// reach is what a query can read of input, never less: only these parts are built, and only if the body is among
// them is it read at all.
type reach struct {
	parts       part
	headers     map[string]struct{} // names in lower case, where parts has partHeaders
	everyHeader bool
}

// reachOf walks every module that a query's rules can lead to, and notes each reference to input in it. A module is
// led to if a reference to data can meet its package; whole modules are taken, and a reference counts with all that
// lies below its constant beginning, so this finds too much rather than too little.
func (s *Snapshot) reachOf(query ast.Ref) reach {
	w := walker{reach: reach{headers: map[string]struct{}{}}}
	seen := map[string]bool{}
	for refs := []ast.Ref{query}; len(refs) > 0; {
		ref := refs[len(refs)-1]
		refs = refs[:len(refs)-1]
		for name, module := range s.compiler.Modules {
			if seen[name] || !meets(module.Package.Path, ref) {
				continue
			}
			seen[name] = true
			w.data = nil
			w.walk(module)
			refs = append(refs, w.data...)
		}
	}
	if w.everyHeader {
		w.headers = nil
	}
	return w.reach
}

// meets says whether a reference to data can name something in a package: one of the two begins with the other's
// constant beginning.
func meets(pkg, ref ast.Ref) bool {
	for i := 1; i < min(len(pkg), len(ref)); i++ {
		name, constant := ref[i].Value.(ast.String)
		if !constant {
			return true
		}
		if pkg[i].Value.Compare(name) != 0 {
			return false
		}
	}
	return true
}

// walker collects what a module refers to. It reads compiled modules, in which imports are resolved and every mention
// of input and data is a reference.
type walker struct {
	reach
	data []ast.Ref
}

func (w *walker) walk(node any) {
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Package:
			return true
		case ast.Ref:
			w.ref(x)
			for _, term := range x[1:] {
				w.walk(term)
			}
			return true
		case ast.Var:
			w.ref(ast.Ref{ast.NewTerm(x)})
		}
		return false
	}).Walk(node)
}

func (w *walker) ref(ref ast.Ref) {
	switch {
	case ref[0].Equal(ast.DefaultRootDocument):
		w.data = append(w.data, ref)
	case ref[0].Equal(ast.InputRootDocument):
		w.input(ref[1:])
	}
}

// input notes the parts below the constant beginning of a reference.
func (w *walker) input(path ast.Ref) {
	names := make([]string, 0, 3)
	for _, term := range path {
		name, ok := term.Value.(ast.String)
		if !ok || len(names) == cap(names) {
			break
		}
		names = append(names, string(name))
	}
	for _, p := range parts {
		if !overlap(p.path, names) {
			continue
		}
		w.parts |= p.part
		if p.part == partHeaders {
			if len(names) > len(p.path) {
				w.headers[names[len(p.path)]] = struct{}{}
			} else {
				w.everyHeader = true
			}
		}
	}
}

// overlap says whether one path is the beginning of the other.
func overlap(a, b []string) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

// needs is reach in the words of the pipeline.
func (r reach) needs() exchange.Needs {
	n := exchange.Needs{Query: r.parts&partQuery != 0}
	if r.parts&partHeaders != 0 {
		if r.everyHeader {
			n.Header = []string{"*"}
		}
		for _, name := range slices.Sorted(maps.Keys(r.headers)) {
			n.Header = append(n.Header, textproto.CanonicalMIMEHeaderKey(name))
		}
	}
	if r.parts&partBody != 0 {
		n.Body = exchange.JSON
	}
	return n
}
