package rule

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// DeclaredType is what a declared parameter is, as far as it is known at load.
type DeclaredType uint8

// What a declared parameter may be.
const (
	DeclaredScalar DeclaredType = iota // a number, a truth value or a text
	DeclaredText
	DeclaredInteger
	DeclaredBoolean
	DeclaredList   // of scalars; empty where the parameter is absent
	DeclaredObject // of a query, which stands there as name[member]
)

// Declared is a parameter that the route declares. An expression that names it gets its value, read once by validation,
// in the place of its text; null where it is absent.
type Declared struct {
	Root Roots  // Query, Header or Path
	Name string // of a header field, in canonical form
	Type DeclaredType
	// Shape is what is known of a DeclaredObject; nil where nothing is.
	Shape *Shape
	// Unread says that validation does not look at what the parameter says, so that no expression can.
	Unread bool
}

// declared gives the declared parameter of a name.
func (e *Environment) declared(root Roots, name string) (Declared, bool) {
	i := slices.IndexFunc(e.Declared, func(d Declared) bool { return d.Root == root && d.Name == name })
	if i < 0 {
		return Declared{}, false
	}
	return e.Declared[i], true
}

// unknownQuery is the sentence that offers the parameter meant by one that no request can have; false where a request may.
func (e *Environment) unknownQuery(name string) (suggestion string, unknown bool) {
	if _, ok := e.declared(Query, name); ok || !e.Closed {
		return "", false
	}
	var names []string
	for _, d := range e.Declared {
		if d.Root == Query {
			names = append(names, d.Name)
		}
	}
	return diagnostic.DidYouMean(name, names), true
}

// types gives expr's checker what a value is; a pointer's type says that it may be null besides.
func (d Declared) types() types.Type {
	switch {
	case d.Type == DeclaredList:
		return types.TypeOf([]any(nil))
	case d.Type == DeclaredText && d.Root == Path:
		return types.String
	case d.Type == DeclaredText:
		return maybeText
	case d.Type == DeclaredInteger && d.Root == Path:
		return types.Int
	case d.Type == DeclaredInteger:
		return types.TypeOf((*int)(nil))
	case d.Type == DeclaredBoolean:
		return types.TypeOf((*bool)(nil))
	case d.Shape != nil:
		return d.Shape.typed()
	}
	return types.Any
}

// places are the members of what validation found parameters to say.
var places = map[Roots]string{Query: "query", Header: "header", Path: "path"}

// declaredParameter reads what a declared parameter says.
func declaredParameter(r *run, s *slot) value {
	raw, ok := jsonspan.Get(r.x.Typed, places[s.root], s.name)
	if !ok {
		if s.empty {
			return value{kind: aList, ref: []value(nil)}
		}
		return value{}
	}
	return r.fromJSON(raw)
}

// objectMember puts a look-up of a member of a declared object in the place of n; false where the path leads to none.
func (r *resolver) objectMember(n *ast.Node, s slot, path []step) bool {
	d, ok := r.env.declared(s.root, path[0].name)
	if !ok || d.Type != DeclaredObject {
		return false
	}
	if d.Unread {
		r.unread((*n).Location(), d)
		return true
	}
	if shape, ok := r.within(d.Shape, s.root, path, 1); ok {
		s.get, s.typ = declaredMember, shape.typed()
		for _, p := range path {
			s.names = append(s.names, p.name)
		}
		r.slot(n, s)
	}
	return true
}

func (r *resolver) unread(at file.Location, d Declared) {
	r.mistake(at, "Parameter is not read", "What the %s parameter %q says is not looked at, so that no rule can read it.", places[d.Root], d.Name)
}

// declaredMember reads a member of a declared object. In a query each member is a parameter of its own, and null where it
// is absent, with all that it would be in.
func declaredMember(r *run, s *slot) value {
	raw, ok := jsonspan.Get(r.x.Typed, places[s.root])
	for _, name := range s.names {
		r.spend(1 + len(raw)/bytesPerStep)
		if !ok || len(raw) == 0 || raw[0] != '{' {
			return value{}
		}
		raw, ok = jsonspan.Get(raw, name)
	}
	if !ok {
		return value{}
	}
	return r.fromJSON(raw)
}
