package policy

import (
	"maps"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

// reads are the places in data that policies read, and from which they have what they read in one piece, as a tree of
// names: OPA reads what a reference to data leads to, or what it leads to before the first name that is still to be
// found, for which it goes through all there are.
//
// It is found out so that such pieces can be made before a request waits for them. Too much costs memory, and too little
// the first request that reads it some time; the answers are the same.
type reads struct {
	whole   bool              // in one piece
	members map[string]*reads // of members and items by their names
	any     *reads            // of members and items whose names are found while a policy is evaluated
}

// maxReads bounds how many names and wildcards are told apart; past it, all of data is read in one piece.
const maxReads = 100_000

// foreseer is one analysis under way.
type foreseer struct {
	reads *reads
	count int
}

// foresee finds what the compiled rules read of data, and what queries for them do.
func foresee(c *ast.Compiler) *reads {
	f := &foreseer{reads: &reads{}}
	if data := c.RuleTree.Child(ast.DefaultRootDocument.Value); data != nil {
		f.node(data, ast.Ref{ast.DefaultRootDocument})
	}
	return f.reads
}

// node looks at the rules at and below a node of the rule tree.
func (f *foreseer) node(n *ast.TreeNode, at ast.Ref) {
	if name, _ := at[len(at)-1].Value.(ast.String); len(n.Values) == 0 && answerKeys[string(name)] {
		// A query for the package above asks for the rules below as an object, to which data at this place belongs.
		f.read(at, newSight(f, true))
	}
	early := agree(n.Values)
	for _, rule := range n.Values {
		for r := rule; r != nil; r = r.Else {
			newSight(f, early).rule(r)
		}
	}
	for key, child := range n.Children {
		f.node(child, at.Append(ast.NewTerm(key)))
	}
}

// agree says whether OPA may stop at the first of some rules that holds, since all have the same value. Otherwise it looks
// into objects whose members a rule asks for before it evaluates the rule.
func agree(rules []*ast.Rule) bool {
	var value ast.Value
	for _, rule := range rules {
		for r := rule; r != nil; r = r.Else {
			if r.Default {
				continue
			}
			if r.Head.DocKind() != ast.CompleteDoc {
				return false
			}
			if r.Head.Value == nil {
				continue
			}
			if !r.Head.Value.IsGround() || value != nil && ast.Compare(value, r.Head.Value.Value) != 0 {
				return false
			}
			value = r.Head.Value.Value
		}
	}
	return true
}

// read notes that a reference to data is read. known tells which of its variables have a value when it is.
func (f *foreseer) read(ref ast.Ref, known *sight) {
	at := f.reads
	for _, term := range ref[1:] {
		if at.whole {
			return
		}
		name, some := "", false
		switch v := term.Value.(type) {
		case ast.String:
			name, some = string(v), true
		case ast.Number:
			name, some = v.String(), true
		case ast.Var:
			if name, some = known.constants[v]; !some && !known.bound[v] {
				at.whole = true
				return
			}
		default:
			at.whole = true
			return
		}
		next := at.any
		if some {
			next = at.members[name]
		}
		if next == nil {
			if f.count++; f.count > maxReads {
				*f.reads = reads{whole: true}
				return
			}
			next = &reads{}
			switch {
			case !some:
				at.any = next
			case at.members == nil:
				at.members = map[string]*reads{name: next}
			default:
				at.members[name] = next
			}
		}
		at = next
	}
	at.whole = true
}

// sight is a body that is looked at, with the variables that have a value at this point of it.
type sight struct {
	*foreseer
	early     bool
	bound     map[ast.Var]bool
	constants map[ast.Var]string // values of those that always have the same
	met       []ast.Var          // in the expression that is looked at
}

func newSight(f *foreseer, early bool) *sight {
	return &sight{foreseer: f, early: early, bound: map[ast.Var]bool{}, constants: map[ast.Var]string{}}
}

func (s *sight) rule(r *ast.Rule) {
	for _, arg := range r.Head.Args {
		s.term(arg)
	}
	s.settle()
	s.body(r.Body)
	if !s.early {
		for _, e := range r.Body {
			if ref, ok := e.Terms.(*ast.Term); ok && !e.Negated {
				s.index(ref)
			}
		}
	}
	for _, t := range r.Head.Reference[min(1, len(r.Head.Reference)):] {
		s.term(t)
	}
	for _, t := range []*ast.Term{r.Head.Key, r.Head.Value} {
		if t != nil {
			s.term(t)
		}
	}
}

// index looks at an expression that is nothing but a reference: OPA's index of rules may look its last name up in the
// object that is there, of which it reads all that has the same first name.
func (s *sight) index(t *ast.Term) {
	ref, ok := t.Value.(ast.Ref)
	if !ok || len(ref) < 3 || !ref[0].Equal(ast.DefaultRootDocument) || ref[len(ref)-1].IsGround() {
		return
	}
	for _, term := range ref[1 : len(ref)-1] {
		v, isVar := term.Value.(ast.Var)
		if _, known := s.constants[v]; isVar && !known || !isVar && !term.IsGround() {
			return
		}
	}
	s.read(ref[:2], s)
}

// settle notes that what has been met has a value from here on.
func (s *sight) settle() {
	for _, v := range s.met {
		s.bound[v] = true
	}
	s.met = s.met[:0]
}

func (s *sight) body(body ast.Body) {
	for _, e := range body {
		s.expression(e)
	}
}

func (s *sight) expression(e *ast.Expr) {
	for _, with := range e.With {
		s.term(with.Value)
	}
	if e.Negated {
		s.inner(func() { s.terms(e) })
		return
	}
	s.terms(e)
	s.settle()
}

// inner looks at what binds variables of its own, which nobody else sees.
func (s *sight) inner(look func()) {
	bound, constants, met := s.bound, s.constants, s.met
	s.bound, s.constants, s.met = maps.Clone(bound), maps.Clone(constants), nil
	look()
	s.bound, s.constants, s.met = bound, constants, met
}

func (s *sight) terms(e *ast.Expr) {
	switch terms := e.Terms.(type) {
	case *ast.Term:
		s.term(terms)
	case []*ast.Term:
		for _, operand := range terms[1:] {
			s.term(operand)
		}
		if len(terms) == 3 && ast.Equality.Ref().Equal(terms[0].Value) {
			s.constant(terms[1], terms[2])
			s.constant(terms[2], terms[1])
		}
	case *ast.Every:
		s.term(terms.Domain)
		s.inner(func() {
			if terms.Key != nil {
				s.term(terms.Key)
			}
			s.term(terms.Value)
			s.settle()
			s.body(terms.Body)
		})
	case *ast.Not:
		s.inner(func() { s.body(terms.Body) })
	case *ast.LogicalAnd:
		s.inner(func() { s.body(terms.Lhs) })
		s.inner(func() { s.body(terms.Rhs) })
	case *ast.LogicalOr:
		s.inner(func() { s.body(terms.Lhs) })
		s.inner(func() { s.body(terms.Rhs) })
	default:
		s.reads.whole = true // it is not understood
	}
}

// constant notes that a variable always has the same value.
func (s *sight) constant(v, value *ast.Term) {
	name, ok := v.Value.(ast.Var)
	if !ok {
		return
	}
	switch value := value.Value.(type) {
	case ast.String:
		s.constants[name] = string(value)
	case ast.Number:
		s.constants[name] = value.String()
	}
}

func (s *sight) term(t *ast.Term) {
	switch v := t.Value.(type) {
	case ast.Null, ast.Boolean, ast.Number, ast.String:
	case ast.Var:
		if v.Equal(ast.DefaultRootDocument.Value) {
			s.reads.whole = true
		}
		s.met = append(s.met, v)
	case ast.Ref:
		if v[0].Equal(ast.DefaultRootDocument) {
			s.read(v, s)
		} else {
			s.term(v[0])
		}
		for _, part := range v[1:] {
			s.term(part)
		}
	case *ast.Array:
		v.Foreach(s.term)
	case ast.Set:
		v.Foreach(s.term)
	case ast.Object:
		v.Foreach(func(key, value *ast.Term) { s.term(key); s.term(value) })
	case *ast.ArrayComprehension:
		s.inner(func() { s.body(v.Body); s.term(v.Term) })
	case *ast.SetComprehension:
		s.inner(func() { s.body(v.Body); s.term(v.Term) })
	case *ast.ObjectComprehension:
		s.inner(func() { s.body(v.Body); s.term(v.Key); s.term(v.Value) })
	case ast.Call:
		for _, operand := range v[1:] {
			s.term(operand)
		}
	default:
		s.reads.whole = true // it is not understood
	}
}

// refs spells the places as references, in order, for tests and for people.
func (r *reads) refs(at string) []string {
	if r.whole {
		return []string{at}
	}
	var refs []string
	for _, name := range util.KeysSorted(r.members) {
		refs = append(refs, r.members[name].refs(at+"."+name)...)
	}
	if r.any != nil {
		refs = append(refs, r.any.refs(at+"[_]")...)
	}
	return refs
}

// String is what refs gives.
func (r *reads) String() string { return strings.Join(r.refs("data"), ", ") }
