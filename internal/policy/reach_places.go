package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// set is the set of places that a place is in.
func (s *scope) set(p place) *paths {
	if p.param < 0 {
		return s.reach.input
	}
	return s.analysis.params[p.param]
}

func (s *scope) add(p place)   { s.set(p).add(p.names...) }
func (s *scope) touch(p place) { s.set(p).touch(p.names...) }

// placeOf gives the place that a term stands for, if it is one alone. It reads nothing.
func (s *scope) placeOf(t *ast.Term) (place, bool) {
	switch v := t.Value.(type) {
	case ast.Var:
		if v.Equal(ast.InputRootDocument.Value) {
			return place{param: -1}, true
		}
		known := s.vars[v]
		return known.place, known.kind == aPlace
	case ast.Ref:
		start, rest, ok := s.start(v)
		if !ok {
			return place{}, false
		}
		for _, term := range rest {
			name := s.known(term)
			if name.kind != oneOf || len(name.constants) != 1 {
				return place{}, false
			}
			start = start.below(name.constants[0])
		}
		return start, true
	}
	return place{}, false
}

// start gives the place where a reference starts, if it starts in one, and what is left of the reference.
func (s *scope) start(ref ast.Ref) (place, ast.Ref, bool) {
	head, ok := ref[0].Value.(ast.Var)
	switch {
	case !ok:
		return place{}, nil, false
	case head.Equal(ast.InputRootDocument.Value):
		return place{param: -1}, ref[1:], true
	case head.Equal(ast.DefaultRootDocument.Value):
		rule, used := s.rules.single(constantNames(ref[1:]))
		if rule == nil {
			return place{}, nil, false
		}
		if alias := s.rule(rule).alias; alias != nil {
			return *alias, ref[1+used:], true
		}
		return place{}, nil, false
	}
	known := s.vars[head]
	return known.place, ref[1:], known.kind == aPlace
}

// reference notes what a reference reads, and what its variable names are.
func (s *scope) reference(ref ast.Ref, at *ast.Location) {
	start, rest, ok := s.start(ref)
	if !ok {
		head, isVar := ref[0].Value.(ast.Var)
		switch {
		case isVar && head.Equal(ast.DefaultRootDocument.Value):
			s.evaluate(s.pattern(ref))
		case isVar && s.builtins[ref.String()]: // in the place of another function
			s.calls(ref.String(), at)
			return
		default:
			s.read(ref[0])
		}
		for _, term := range ref[1:] {
			s.read(term)
		}
		return
	}
	places := []place{start}
	for i, term := range rest {
		name := s.known(term)
		if name.kind == oneOf && len(places)*len(name.constants) <= maxConstants {
			var next []place
			for _, p := range places {
				for _, c := range name.constants {
					next = append(next, p.below(c))
				}
			}
			places = next
			continue
		}
		for _, term := range rest[i:] {
			s.read(term)
		}
		if _, index := term.Value.(ast.Number); !index && places[0].param < 0 {
			s.widened(at, spell(places[0].names)+"["+term.String()+"]")
		}
		break
	}
	for _, p := range places {
		s.add(p)
	}
}

// spell spells a place of input.
func spell(names []string) string {
	ref := slices.Clone(ast.InputRootRef)
	for _, name := range names {
		ref = append(ref, ast.StringTerm(name))
	}
	return ref.String()
}
