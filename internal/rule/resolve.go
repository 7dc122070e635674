package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// resolver puts a look-up in the place of each name of the request, and finds what rules may not do. Every mistake of
// the expression is told, not only the first.
type resolver struct {
	program *Program
	env     Environment
	lets    []string // variables in scope
	diags   hcl.Diagnostics
	seen    map[ast.Node]ast.Node // what became of a node: some have two parents
}

func (r *resolver) mistake(at file.Location, summary, format string, args ...any) {
	r.diags = append(r.diags, r.program.at.mistake(r.program.at.place(at), summary, fmt.Sprintf(format, args...))...)
}

func (r *resolver) resolve(n *ast.Node) { r.node(n, false) }

// node resolves n and what is below it. chained says that n is the whole of an optional chain, a?.b.
func (r *resolver) node(n *ast.Node, chained bool) {
	before := *n
	if after, ok := r.seen[before]; ok {
		*n = after
		return
	}
	r.descend(n, chained)
	r.seen[before], r.seen[*n] = *n, *n
}

func (r *resolver) descend(n *ast.Node, chained bool) {
	if root, path, ok := r.path(*n); ok {
		if chained || !slices.ContainsFunc(path, func(s step) bool { return s.optional }) {
			r.name(n, root, path, false)
			return
		}
	}
	switch t := (*n).(type) {
	case *ast.IdentifierNode:
		if !slices.Contains(r.lets, t.Value) {
			r.unknown(t)
		}
		return
	case *ast.ChainNode:
		r.node(&t.Node, true)
		if id, ok := t.Node.(*ast.IdentifierNode); ok {
			*n = id // the look-up itself ends at what is missing
		}
		return
	case *ast.BinaryNode:
		if r.presence(t) {
			return
		}
		switch t.Operator {
		case "..":
			r.bounds(t)
		case "matches":
			if _, ok := t.Right.(*ast.StringNode); !ok {
				r.mistake(t.Right.Location(), "Pattern is not constant", "The right side of matches must be a string in quotes, so that it is compiled once, at load.")
			}
		}
	case *ast.BuiltinNode:
		if _, allowed := builtins[t.Name]; !allowed {
			r.unknownFunction(t.Location(), t.Name)
		}
	case *ast.CallNode:
		r.call(n, t)
		return
	case *ast.VariableDeclaratorNode:
		r.node(&t.Value, false)
		if _, ok := rootOf(t.Name); ok || strings.HasPrefix(t.Name, "$") {
			r.mistake(t.Location(), "Name already taken", "A variable cannot be called %q.", t.Name)
		}
		r.lets = append(r.lets, t.Name)
		r.node(&t.Expr, false)
		r.lets = r.lets[:len(r.lets)-1]
		return
	}
	children(*n, r.resolve)
}

// step is one member of a constant path; optional says that it was written ?. and so ends in null where there is
// nothing to take a member of.
type step struct {
	name     string
	optional bool
	at       file.Location // of the name
}

func (s step) same(o step) bool { return s.name == o.name && s.optional == o.optional }

// path tells whether n is a root followed by constant members, outermost last.
func (r *resolver) path(n ast.Node) (*ast.IdentifierNode, []step, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		_, ok := rootOf(n.Value)
		return n, nil, ok && !slices.Contains(r.lets, n.Value)
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok || n.Method {
			return nil, nil, false
		}
		root, path, ok := r.path(n.Node)
		return root, append(path, step{name.Value, n.Optional, name.Location()}), ok
	}
	return nil, nil, false
}

// presence resolves consumer == null, the one use of a root without a member besides body and claims.
func (r *resolver) presence(b *ast.BinaryNode) bool {
	if b.Operator != "==" && b.Operator != "!=" {
		return false
	}
	for _, sides := range [][2]*ast.Node{{&b.Left, &b.Right}, {&b.Right, &b.Left}} {
		id, isName := (*sides[0]).(*ast.IdentifierNode)
		_, isNil := (*sides[1]).(*ast.NilNode)
		if isName && isNil && id.Value == "consumer" && !slices.Contains(r.lets, id.Value) {
			if r.available(id, Consumer) {
				r.slot(sides[0], slot{root: Consumer, get: consumerPresence, typ: types.Any})
			}
			return true
		}
	}
	return false
}

func (r *resolver) bounds(b *ast.BinaryNode) {
	from, ok1 := integer(b.Left)
	to, ok2 := integer(b.Right)
	switch {
	case !ok1 || !ok2:
		r.mistake(b.Location(), "Range is not constant", "Both ends of a range must be integers written out, such as 1..99.")
	case to-from >= maxRange || to-from < 0 && to > from:
		r.mistake(b.Location(), "Range too large", "A range may have at most 10,000 members.")
	}
}

// integer gives the value of an integer written out, with its sign.
func integer(n ast.Node) (int, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.UnaryNode:
		v, ok := integer(n.Node)
		switch n.Operator {
		case "-":
			return -v, ok
		case "+":
			return v, ok
		}
	}
	return 0, false
}

// call resolves what is not a function of expr-lang's own.
func (r *resolver) call(n *ast.Node, c *ast.CallNode) {
	id, ok := c.Callee.(*ast.IdentifierNode)
	if !ok {
		r.mistake(c.Location(), "No methods here", "Values have members, but no methods: only functions can be called.")
		return
	}
	if id.Value != "list" {
		if functions[id.Value].signature == nil {
			r.unknownFunction(c.Location(), id.Value)
		}
		for i := range c.Arguments {
			r.node(&c.Arguments[i], false)
		}
		return
	}
	if len(c.Arguments) == 1 {
		if root, path, ok := r.path(c.Arguments[0]); ok && len(path) == 1 {
			if known, _ := rootOf(root.Value); known == Query || known == Header {
				r.name(n, root, path, true)
				return
			}
		}
	}
	r.mistake(c.Location(), "Invalid argument of list", `list takes one query parameter or header field: list(query.tag), list(header["Accept"]).`)
}

func (r *resolver) unknownFunction(at file.Location, name string) {
	if _, ok := rootOf(name); ok {
		r.mistake(at, "Not a function", "%s is not a function; its members are written %s.name.", name, name)
		return
	}
	if operators[name] {
		r.mistake(at, "Not a function", "%s is written between its operands: a %s b.", name, name)
		return
	}
	r.mistake(at, "Unknown function", "There is no function %q.%s The functions are %s.", name, diagnostic.DidYouMean(name, functionNames(false)), strings.Join(functionNames(false), ", "))
}

func (r *resolver) unknown(id *ast.IdentifierNode) {
	available := append(r.env.Roots.names(), r.lets...)
	suggestion := diagnostic.DidYouMean(id.Value, available)
	if id.Value == "null" {
		suggestion = ` Did you mean "nil"?`
	}
	r.mistake(id.Location(), "Unknown name", "There is no name %q.%s An expression here begins with %s.", id.Value, suggestion, either(available))
}

func (r *resolver) available(id *ast.IdentifierNode, root Roots) bool {
	if r.env.Roots&root != 0 {
		return true
	}
	r.mistake(id.Location(), "Name not available here", "%s cannot be used here; an expression in this place begins with %s.", id.Value, either(r.env.Roots.names()))
	return false
}

// name puts a look-up in the place of n, which is root and path; list asks for all values.
func (r *resolver) name(n *ast.Node, id *ast.IdentifierNode, path []step, list bool) {
	root, _ := rootOf(id.Value)
	if !r.available(id, root) {
		return
	}
	s := slot{root: root, path: path, list: list}
	switch root {
	case Body:
		s.get = bodyMember
		for _, p := range path {
			s.names = append(s.names, p.name)
			s.numeric = s.numeric || p.name != "" && p.name[0]-'0' <= 9
		}
		if shape, ok := r.shape(path); ok {
			s.typ = shape.typed()
			r.slot(n, s)
		}
		return
	case Claims:
		s.get, s.typ = claim, types.Any
		r.slot(n, s)
		return
	case Response:
		r.response(n, id, s)
		return
	}
	if len(path) == 2 {
		// A member of a member that is no object by itself: certificate.sans.dns.
		joined := path[0].name + "." + path[1].name
		if slices.ContainsFunc(facts[root], func(f fact) bool { return f.name == joined }) {
			path = []step{{name: joined, optional: path[0].optional, at: path[1].at}}
		}
	}
	// Every other root has members, which have none themselves.
	if len(path) == 0 {
		r.mistake(id.Location(), "Incomplete name", "Name a member of %s, such as %s.%s.", id.Value, id.Value, r.example(root))
		return
	}
	if len(path) > 1 && !list && r.objectMember(n, s, path) {
		return
	}
	if len(path) > 1 {
		r.mistake((*n).Location(), "Unknown name", "%s.%s is not an object: it has no member %q.", id.Value, path[0].name, path[1].name)
		return
	}
	name, at := path[0].name, (*n).Location()
	switch root {
	case Query:
		s.get, s.name = queryParameter, name
		if suggestion, unknown := r.env.unknownQuery(name); unknown {
			r.mistake(at, "Unknown query parameter", "The route refuses requests with a query parameter %q, which it does not declare.%s", name, suggestion)
			return
		}
		r.typed(n, s)
	case Header:
		s.get, s.name = headerField, fieldName(name)
		if s.name == "Host" {
			r.mistake(at, "Unknown header field", "The host is request.host.")
			return
		}
		r.typed(n, s)
	case Path:
		s.get, s.name = pathParameter, name
		if r.env.Parameters != nil && !slices.Contains(r.env.Parameters, name) {
			r.mistake(at, "Unknown path parameter", "The route has no parameter %q.%s", name, diagnostic.DidYouMean(name, r.env.Parameters))
			return
		}
		r.typed(n, s)
	default:
		i := slices.IndexFunc(facts[root], func(f fact) bool { return f.name == name })
		if i < 0 {
			var known []string
			for _, f := range facts[root] {
				known = append(known, f.name)
			}
			r.mistake(at, "Unknown name", "%s has no member %q.%s Its members are %s.", id.Value, name, diagnostic.DidYouMean(name, known), strings.Join(known, ", "))
			return
		}
		s.get, s.fact = factOf, &facts[root][i]
		if root == Client && r.program.want == Key {
			s.fact = &networkOf
		}
		switch {
		case s.fact.number != nil:
			s.typ = types.Int
		case s.fact.list != nil:
			s.typ = types.TypeOf([]string(nil))
		case root == Consumer && path[0].optional:
			s.typ = maybeText
		default:
			s.typ = types.String
		}
		r.slot(n, s)
	}
}

// typed adds a slot of what a parameter is declared to be; else of a string that may be null, or of all its values.
func (r *resolver) typed(n *ast.Node, s slot) {
	d, declared := r.env.declared(s.root, s.name)
	switch {
	case declared && d.Unread:
		r.unread((*n).Location(), d)
		return
	case declared && !s.list:
		s.get, s.empty, s.typ = declaredParameter, d.Type == DeclaredList, d.types()
	case s.list:
		s.typ = types.TypeOf([]string(nil))
	case s.root == Path:
		s.typ = types.String
	default:
		s.typ = maybeText
	}
	r.slot(n, s)
}

// maybeText is the type of a string that may be null: of a pointer expr-lang's checker knows both.
var maybeText = types.TypeOf((*string)(nil))

func (r *resolver) example(root Roots) string {
	if known := facts[root]; len(known) > 0 {
		return known[0].name
	}
	if root == Path && len(r.env.Parameters) > 0 {
		return r.env.Parameters[0]
	}
	return "name"
}

// slot puts a look-up in the place of n.
func (r *resolver) slot(n *ast.Node, s slot) {
	p := r.program
	i := slices.IndexFunc(p.slots, s.same)
	if i < 0 {
		i = len(p.slots)
		p.slots = append(p.slots, s)
		if s.fact != nil && s.fact.body {
			p.needs.Body = max(p.needs.Body, exchange.Whole)
		}
		switch s.root {
		case Body:
			p.needs.Body = exchange.JSON
		case Query:
			p.needs.Query = true
		case Header:
			if !slices.Contains(p.needs.Header, s.name) {
				p.needs.Header = append(p.needs.Header, s.name)
			}
		}
	}
	p.slots[i].uses++
	ast.Patch(n, &ast.IdentifierNode{Value: slotName(i)})
}

func either(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
