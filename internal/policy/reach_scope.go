package policy

import (
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// scope is a body under analysis, with what its variables are known to be at this point of it.
type scope struct {
	*reacher
	analysis *analysis
	vars     map[ast.Var]variable // those that were met; one that was not is bound by the expression that names it next
	altered  bool                 // input or data are not the real ones here, so that variables stand for no places
}

// variable is what one was bound to before anything else was done with it.
type variable struct {
	kind      kind
	place     place
	constants []string
}

type kind int

const (
	anything  kind = iota // a value that is of no interest
	aPlace                // the value at place
	oneOf                 // one of constants
	anArrayOf             // an array of constants
	aSetOf                // a set of constants
)

// maxConstants bounds how many places a reference with variable names may stand for.
const maxConstants = 64

// inner looks at a nested body: what it binds is nobody else's, and what has been met there is not new outside.
func (s *scope) inner(look func()) {
	outer, altered := s.vars, s.altered
	s.vars = maps.Clone(outer)
	look()
	for v := range s.vars {
		if _, known := outer[v]; !known {
			outer[v] = variable{}
		}
	}
	s.vars, s.altered = outer, altered
}

// parameters makes places of a function's parameters. A pattern, or a variable that stands for two, reads them.
func (s *scope) parameters(rule *ast.Rule) {
	for i, arg := range rule.Head.Args {
		v, isVar := arg.Value.(ast.Var)
		if _, again := s.vars[v]; isVar && !again {
			s.vars[v] = variable{kind: aPlace, place: place{param: i}}
			continue
		}
		s.analysis.params[i].add()
		s.read(arg)
	}
}

// head reads what a rule's head says. first is false for an else, whose value is never one place alone.
func (s *scope) head(rule *ast.Rule, first bool) {
	h := rule.Head
	for _, term := range h.Reference[min(1, len(h.Reference)):] {
		s.read(term)
	}
	if h.Key != nil {
		s.read(h.Key)
	}
	if h.Value == nil {
		return
	}
	if first && rule.Else == nil && !rule.Default && h.Key == nil && len(h.Args) == 0 && h.Reference.IsGround() {
		if p, ok := s.placeOf(h.Value); ok && p.param < 0 {
			s.analysis.alias = &p
			return
		}
	}
	s.read(h.Value)
}

func (s *scope) body(body ast.Body) {
	for _, e := range body {
		s.expression(e)
	}
}

func (s *scope) expression(e *ast.Expr) {
	if len(e.With) == 0 && !e.Negated {
		s.terms(e)
		return
	}
	s.inner(func() {
		for _, with := range e.With {
			s.with(with)
		}
		s.terms(e)
	})
}

// with looks at a value that takes another's place while an expression is evaluated. What rules see of input is counted
// as if it were the real one, which is too much and not too little, save where functions are replaced: what is counted
// for the arguments of one says nothing of another.
func (s *scope) with(w *ast.With) {
	s.altered = true
	s.read(w.Value)
	target, ok := w.Target.Value.(ast.Ref)
	switch {
	case ok && target[0].Equal(ast.InputRootDocument) && len(constantNames(target[1:])) == len(target)-1:
		s.reach.input.touch(constantNames(target[1:])...) // whether it can be put there depends on what is there
	case ok && target[0].Equal(ast.DefaultRootDocument) && !slices.ContainsFunc(s.rules.meeting(s.pattern(target)), isFunctionRule):
	default:
		s.everything(w.Location, "with a function in the place of another")
	}
}

func isFunctionRule(r *ast.Rule) bool { return len(r.Head.Args) > 0 }

// pattern makes a reference for meeting out of one to data.
func (s *scope) pattern(ref ast.Ref) [][]string {
	names := make([][]string, 0, len(ref)-1)
	for _, term := range ref[1:] {
		name := s.known(term)
		if name.kind != oneOf {
			name.constants = nil
		}
		names = append(names, name.constants)
	}
	return names
}

func (s *scope) terms(e *ast.Expr) {
	switch terms := e.Terms.(type) {
	case *ast.Term:
		if !s.member(terms) {
			s.read(terms)
		}
	case []*ast.Term:
		s.call(terms, e.Location)
	case *ast.Every:
		domain := s.known(terms.Domain)
		s.read(terms.Domain)
		s.inner(func() {
			if terms.Key != nil {
				s.read(terms.Key)
			}
			v, isVar := terms.Value.Value.(ast.Var)
			if isVar && s.fresh(terms.Value) && (domain.kind == anArrayOf || domain.kind == aSetOf) {
				s.vars[v] = variable{kind: oneOf, constants: domain.constants}
			} else {
				s.read(terms.Value)
			}
			s.body(terms.Body)
		})
	case *ast.Not:
		s.inner(func() { s.body(terms.Body) })
	default:
		s.everything(e.Location, "an expression that is not understood")
	}
}

// member looks at an expression that is nothing but a member of a set of constants: it binds its name to one of them.
func (s *scope) member(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	if !ok || len(ref) != 2 || !s.fresh(ref[1]) {
		return false
	}
	set := s.known(ref[0])
	if set.kind != aSetOf {
		return false
	}
	s.vars[ref[1].Value.(ast.Var)] = variable{kind: oneOf, constants: set.constants}
	return true
}

// call looks at an expression that calls a function; operands may end with one that takes the result.
func (s *scope) call(terms []*ast.Term, at *ast.Location) {
	operator, ok := terms[0].Value.(ast.Ref)
	operands := terms[1:]
	if !ok {
		s.everything(at, "a call that is not understood")
		return
	}
	switch name := operator.String(); {
	case name == ast.Equality.Name && len(operands) == 2:
		s.unify(operands[0], operands[1])
		return
	case operator[0].Equal(ast.DefaultRootDocument):
		s.callRule(operator, operands, at)
		return
	case s.builtins[name]:
		s.calls(name, at)
		if name == ast.ObjectGet.Name && s.get(operands) {
			operands = operands[2:]
		}
	default:
		s.everything(at, "a call that is not understood")
		s.reach.impure = append(s.reach.impure, finding(at, name))
	}
	for _, o := range operands {
		s.read(o)
	}
}

// get looks at object.get of a constant name, or path of names, in a place.
func (s *scope) get(operands []*ast.Term) bool {
	if len(operands) < 2 {
		return false
	}
	p, ok := s.placeOf(operands[0])
	if !ok {
		return false
	}
	var names []string
	switch key := operands[1].Value.(type) {
	case ast.String:
		names = []string{string(key)}
	case ast.Var:
		v := s.vars[key]
		if v.kind != oneOf || len(v.constants) != 1 {
			return false
		}
		names = v.constants
	case *ast.Array:
		path := constants(anArrayOf, key.Len(), key.Foreach)
		if path.kind != anArrayOf {
			return false
		}
		names = path.constants
	default:
		return false
	}
	s.touch(p)
	s.add(p.below(names...))
	return true
}

// callRule looks at a call of a function of the policies': what it sees of its parameters is seen of the arguments.
func (s *scope) callRule(operator ast.Ref, operands []*ast.Term, at *ast.Location) {
	names := constantNames(operator[1:])
	arity := 0
	for _, rule := range s.rules.meeting(exactly(names)) {
		arity = max(arity, len(rule.Head.Args))
	}
	if len(names) != len(operator)-1 || arity == 0 || arity > len(operands) {
		s.everything(at, "a call that is not understood")
		arity = 0
	}
	params := s.function(names, arity)
	for i, o := range operands {
		p, ok := s.placeOf(o)
		if !ok || i >= arity {
			s.read(o)
			continue
		}
		s.set(p).graft(p.names, params[i])
	}
}

// unify looks at an equality: it binds a variable that is met for the first time, or compares.
func (s *scope) unify(a, b *ast.Term) {
	switch {
	case s.fresh(a) && !s.fresh(b):
		s.bind(a.Value.(ast.Var), b)
	case s.fresh(b) && !s.fresh(a):
		s.bind(b.Value.(ast.Var), a)
	default:
		s.read(a)
		s.read(b)
	}
}

// fresh says whether a term is a variable that has not been met.
func (s *scope) fresh(t *ast.Term) bool {
	v, ok := t.Value.(ast.Var)
	if !ok || isRoot(v) {
		return false
	}
	_, met := s.vars[v]
	return !met
}

func isRoot(v ast.Var) bool {
	return v.Equal(ast.InputRootDocument.Value) || v.Equal(ast.DefaultRootDocument.Value)
}

// known is what a term is known to be.
func (s *scope) known(t *ast.Term) variable {
	switch v := t.Value.(type) {
	case ast.Var:
		return s.vars[v]
	case ast.String:
		return variable{kind: oneOf, constants: []string{string(v)}}
	case *ast.Array:
		return constants(anArrayOf, v.Len(), v.Foreach)
	case ast.Set:
		return constants(aSetOf, v.Len(), v.Foreach)
	}
	return variable{}
}

func constants(k kind, n int, each func(func(*ast.Term))) variable {
	if n > maxConstants {
		return variable{}
	}
	v := variable{kind: k}
	each(func(t *ast.Term) {
		if s, ok := t.Value.(ast.String); ok {
			v.constants = append(v.constants, string(s))
		}
	})
	if len(v.constants) < n {
		return variable{}
	}
	return v
}

// bind notes what a variable that is met for the first time is bound to.
func (s *scope) bind(v ast.Var, to *ast.Term) {
	if ref, ok := to.Value.(ast.Ref); ok && len(ref) == 2 { // an element
		if list := s.known(ref[0]); list.kind == anArrayOf || list.kind == aSetOf {
			s.read(ref[1])
			s.vars[v] = variable{kind: oneOf, constants: list.constants}
			return
		}
	}
	if p, ok := s.placeOf(to); ok && !s.altered {
		s.touch(p)
		s.vars[v] = variable{kind: aPlace, place: p}
		return
	}
	what := s.known(to)
	s.read(to)
	s.vars[v] = what
}

// read notes that the value of a term is read wholly, and that its variables are met.
func (s *scope) read(t *ast.Term) {
	switch v := t.Value.(type) {
	case ast.Null, ast.Boolean, ast.Number, ast.String:
	case ast.Var:
		s.variable(v, t.Location)
	case ast.Ref:
		s.reference(v, t.Location)
	case *ast.Array:
		v.Foreach(s.read)
	case ast.Set:
		v.Foreach(s.read)
	case ast.Object:
		v.Foreach(func(key, value *ast.Term) {
			s.read(key)
			s.read(value)
		})
	case *ast.ArrayComprehension:
		s.inner(func() { s.body(v.Body); s.read(v.Term) })
	case *ast.SetComprehension:
		s.inner(func() { s.body(v.Body); s.read(v.Term) })
	case *ast.ObjectComprehension:
		s.inner(func() { s.body(v.Body); s.read(v.Key); s.read(v.Value) })
	case ast.Call:
		s.call(v, t.Location)
	default:
		s.everything(t.Location, "a term that is not understood")
	}
}

func (s *scope) variable(v ast.Var, at *ast.Location) {
	switch {
	case v.Equal(ast.InputRootDocument.Value):
		s.everything(at, "input as a value")
		return
	case v.Equal(ast.DefaultRootDocument.Value):
		s.evaluate(nil)
		return
	}
	known := s.vars[v]
	if known.kind == aPlace {
		if known.place.param < 0 && len(known.place.names) == 0 {
			s.widened(at, "input as a value")
		}
		s.add(known.place)
	}
	s.vars[v] = known
}

// evaluate notes that what data has at names is read wholly.
func (s *scope) evaluate(names [][]string) {
	for _, rule := range s.rules.meeting(names) {
		s.value(rule)
	}
}
