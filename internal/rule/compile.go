package rule

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/hashicorp/hcl/v2"
)

// code computes a value, and logic a yes or no, from a request.
type (
	code  func(*run) value
	logic func(*run) bool
)

// compiler makes a checked tree ready to run. expr-lang's own machine takes no part in it, for it decodes what it looks
// at into maps, counts in binary64 and knows no time.
type compiler struct {
	p     *Program
	lets  []string
	site  *site // whose condition is compiled
	depth int   // of predicates in each other
	diags hcl.Diagnostics
}

func (c *compiler) mistake(at file.Location, summary, format string, args ...any) {
	c.diags = append(c.diags, c.p.at.mistake(c.p.at.place(at), summary, fmt.Sprintf(format, args...))...)
}

// truth compiles what must be true or false.
func (c *compiler) truth(n ast.Node) logic {
	if l := c.logical(n); l != nil {
		return l
	}
	v, at := c.value(n), n.Location()
	return func(r *run) bool { return yes(v(r), at) }
}

func yes(v value, at file.Location) bool {
	if v.kind != aTruth {
		fail(at, "expected true or false, got %s", v.kind)
	}
	return v.n != 0
}

// logical compiles what is true or false by its nature; nil for anything else.
func (c *compiler) logical(n ast.Node) logic {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			l := c.truth(n.Node)
			return func(r *run) bool { return !l(r) }
		}
	case *ast.BinaryNode:
		return c.binaryLogic(n)
	case *ast.BuiltinNode:
		switch n.Name {
		case "all", "any", "none", "one":
			return c.quantifier(n, c.truth)
		}
	case *ast.CallNode:
		if id := n.Callee.(*ast.IdentifierNode); functions[id.Value].truth != nil {
			return c.question(n, id.Value)
		}
	}
	return nil
}

func (c *compiler) binaryLogic(n *ast.BinaryNode) logic {
	switch n.Operator {
	case "&&", "and":
		a, b := c.truth(n.Left), c.truth(n.Right)
		return func(r *run) bool { return a(r) && b(r) }
	case "||", "or":
		a, b := c.truth(n.Left), c.truth(n.Right)
		return func(r *run) bool { return a(r) || b(r) }
	case "==":
		return c.equality(n)
	case "!=":
		same := c.equality(n)
		return func(r *run) bool { return !same(r) }
	case "<", "<=", ">", ">=":
		return c.order(n)
	case "in":
		return c.in(n)
	case "matches":
		return c.matches(n)
	case "contains", "startsWith", "endsWith":
		return c.substring(n)
	}
	return nil
}

func (c *compiler) equality(n *ast.BinaryNode) logic {
	left, right := n.Left, n.Right
	if _, ok := c.constant(left); ok {
		left, right = right, left
	}
	a := c.value(left)
	if known, ok := c.constant(right); ok {
		if known.kind == aText {
			s, leaf := known.s, c.leaf(left)
			return func(r *run) bool {
				if text, ok := r.index.Plain(leaf(r)); ok {
					return string(text) == s
				}
				v := a(r)
				return v.kind == aText && v.s == s
			}
		}
		return func(r *run) bool { return r.equal(a(r), known) }
	}
	b := c.value(right)
	return func(r *run) bool { return r.equal(a(r), b(r)) }
}

func (c *compiler) order(n *ast.BinaryNode) logic {
	a, b, at := c.value(n.Left), c.value(n.Right), n.Location()
	if known, ok := c.constant(n.Right); ok {
		if bound, ok := known.int64(); ok {
			return c.orderTo(n, a, bound)
		}
	}
	switch n.Operator {
	case "<":
		return func(r *run) bool { return compare(a(r), b(r), at) < 0 }
	case "<=":
		return func(r *run) bool { return compare(a(r), b(r), at) <= 0 }
	case ">":
		return func(r *run) bool { return compare(a(r), b(r), at) > 0 }
	}
	return func(r *run) bool { return compare(a(r), b(r), at) >= 0 }
}

// orderTo is order with a whole number that is written out.
func (c *compiler) orderTo(n *ast.BinaryNode, a code, bound int64) logic {
	leaf, at := c.leaf(n.Left), n.Location()
	to := func(r *run) int {
		if n, ok := r.index.Integer(leaf(r)); ok {
			return compareInts(n, bound)
		}
		return compare(a(r), whole(bound), at)
	}
	switch n.Operator {
	case "<":
		return func(r *run) bool { return to(r) < 0 }
	case "<=":
		return func(r *run) bool { return to(r) <= 0 }
	case ">":
		return func(r *run) bool { return to(r) > 0 }
	}
	return func(r *run) bool { return to(r) >= 0 }
}

func (c *compiler) in(n *ast.BinaryNode) logic {
	v, leaf := c.value(n.Left), c.leaf(n.Left)
	if set, ok := c.constantSet(n.Right); ok {
		if from, to := set.from, set.to; set.ranged {
			return func(r *run) bool {
				n, ok := r.index.Integer(leaf(r))
				if !ok {
					n, ok = v(r).int64()
				}
				return ok && from <= n && n <= to
			}
		}
		return func(r *run) bool {
			if s, ok := r.index.Plain(leaf(r)); ok {
				return set.hasText(viewed(s))
			}
			return set.has(v(r))
		}
	}
	container, at := c.value(n.Right), n.Right.Location()
	return func(r *run) bool {
		item := v(r)
		return r.holds(container(r), item, at)
	}
}

// value compiles anything.
func (c *compiler) value(n ast.Node) code {
	if known, ok := c.constant(n); ok {
		return func(*run) value { return known }
	}
	if l := c.logical(n); l != nil {
		return func(r *run) value { return truthValue(l(r)) }
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.ChainNode:
		v := c.value(n.Node)
		return func(r *run) value {
			if v := v(r); v.kind != anEnd {
				return v
			}
			return value{}
		}
	case *ast.UnaryNode, *ast.BinaryNode:
		return c.arithmetic(n)
	case *ast.ConditionalNode:
		if_, then, otherwise := c.truth(n.Cond), c.value(n.Exp1), c.value(n.Exp2)
		return func(r *run) value {
			if if_(r) {
				return then(r)
			}
			return otherwise(r)
		}
	case *ast.VariableDeclaratorNode:
		return c.let(n)
	case *ast.SequenceNode:
		var last code
		for _, each := range n.Nodes {
			last = c.value(each) // those before it have no effect
		}
		return last
	case *ast.ArrayNode:
		return c.list(n)
	case *ast.MapNode:
		return c.object(n)
	case *ast.BuiltinNode:
		return c.builtin(n)
	case *ast.CallNode:
		return c.call(n)
	}
	c.mistake(n.Location(), "Not supported in a rule", "This construct of expr-lang has no place in a rule.")
	return func(*run) value { return value{} }
}

// constant gives the value of what is written out.
func (c *compiler) constant(n ast.Node) (value, bool) {
	switch n := n.(type) {
	case *ast.NilNode:
		return value{}, true
	case *ast.BoolNode:
		return truthValue(n.Value), true
	case *ast.StringNode:
		return textValue(n.Value), true
	case *ast.IntegerNode:
		return whole(int64(n.Value)), true
	case *ast.FloatNode:
		return c.p.number(n)
	case *ast.UnaryNode:
		if v, ok := c.constant(n.Node); ok && v.kind == aNumber && (n.Operator == "-" || n.Operator == "+") {
			if n.Operator == "-" {
				v = negated(v)
			}
			return v, true
		}
	}
	return value{}, false
}

// identifier compiles a look-up or a variable; the resolver let nothing else pass.
func (c *compiler) identifier(n *ast.IdentifierNode) code {
	at := n.Location()
	if i, ok := slotOf(n.Value); ok {
		if s := &c.p.slots[i]; s.uses == 1 && c.depth == 0 { // nobody asks for it again
			return func(r *run) value {
				r.at = at
				r.spend(1)
				return s.get(r, s)
			}
		}
		return func(r *run) value {
			r.at = at
			return r.slot(i)
		}
	}
	for i := len(c.lets) - 1; i >= 0; i-- {
		if c.lets[i] == n.Value {
			return func(r *run) value { return r.lets[i] }
		}
	}
	c.mistake(at, "Unknown name", "There is no name %q.", n.Value)
	return func(*run) value { return value{} }
}

func (c *compiler) let(n *ast.VariableDeclaratorNode) code {
	v, i := c.value(n.Value), len(c.lets)
	c.lets = append(c.lets, n.Name)
	c.p.lets = max(c.p.lets, len(c.lets))
	in := c.value(n.Expr)
	c.lets = c.lets[:i]
	return func(r *run) value {
		r.lets[i] = v(r)
		return in(r)
	}
}

func (c *compiler) pointer(n *ast.PointerNode) code {
	d := c.depth - 1
	if n.Name == "index" {
		return func(r *run) value { return whole(int64(r.rounds[d].index)) }
	}
	return func(r *run) value { return r.current(d) }
}

func (c *compiler) member(n *ast.MemberNode) code {
	at, base := n.Location(), c.value(n.Node)
	if known, ok := c.constant(n.Property); ok && known.kind == aText {
		name := known.s
		if item, ok := n.Node.(*ast.PointerNode); ok && item.Name == "" { // .name in a predicate: without a copy of the item
			d := c.depth - 1
			return func(r *run) value {
				if node := r.rounds[d].node - 1; node >= 0 && r.index.First(node) == '{' {
					if node = r.member(node, name); node < 0 {
						return value{}
					}
					return r.fromIndex(node)
				}
				v := r.current(d)
				if v.kind == anObject {
					member, _ := r.find(&v, name)
					return member
				}
				return nothing(v, n.Optional, at)
			}
		}
		return func(r *run) value {
			v := base(r)
			if v.kind == anObject {
				member, _ := r.find(&v, name)
				return member
			}
			return nothing(v, n.Optional, at)
		}
	}
	key := c.value(n.Property)
	return func(r *run) value {
		v := base(r)
		switch v.kind {
		case anObject:
			k := key(r)
			if k.kind != aText {
				fail(at, "an object has members by strings, not by %s", k.kind)
			}
			member, _ := r.find(&v, k.s)
			return member
		case aList:
			i, ok := key(r).int64()
			if ok && i < 0 {
				i += int64(r.length(v)) // -1 is the last
			}
			if item, found := r.item(v, i); ok && found {
				return item
			}
			fail(at, "the list has no such member")
		}
		return nothing(v, n.Optional, at)
	}
}

// nothing is what a member is of a value that has none.
func nothing(v value, optional bool, at file.Location) value {
	if v.kind != anEnd && (v.kind != aNull || !optional) {
		fail(at, "there is no such member in %s", v.kind)
	}
	return value{kind: anEnd}
}

func (c *compiler) slice(n *ast.SliceNode) code {
	at, base := n.Location(), c.value(n.Node)
	bound := func(n ast.Node) code {
		if n == nil {
			return nil
		}
		return c.value(n)
	}
	from, to := bound(n.From), bound(n.To)
	return func(r *run) value {
		v := base(r)
		if v.kind == anEnd {
			return v
		}
		if v.kind != aList && v.kind != aText {
			fail(at, "only a string or a list can be sliced, not %s", v.kind)
		}
		length := int64(r.size(v))
		end := func(c code, absent int64) int64 {
			if c == nil {
				return absent
			}
			i, ok := c(r).int64()
			if !ok {
				fail(at, "a slice is bounded by whole numbers")
			}
			if i < 0 {
				i += length
			}
			return min(max(i, 0), length)
		}
		begin, last := end(from, 0), end(to, length)
		return r.part(v, int(begin), int(max(begin, last)))
	}
}

// part cuts a string, by its characters, or a list.
func (r *run) part(v value, from, to int) value {
	if v.kind == aText {
		begin, n := len(v.s), 0
		for i := range v.s {
			if n == from {
				begin = i
			}
			if n == to {
				return textValue(v.s[min(begin, i):i])
			}
			n++
		}
		return textValue(v.s[begin:])
	}
	var part []value
	r.each(v, func(i int, item value) bool {
		if i >= from && i < to {
			r.keep(1)
			part = append(part, item)
		}
		return i+1 < to
	})
	return value{kind: aList, ref: part}
}

func (c *compiler) list(n *ast.ArrayNode) code {
	var items []code
	for _, item := range n.Nodes {
		items = append(items, c.value(item))
	}
	return func(r *run) value {
		r.keep(len(items))
		list := make([]value, len(items))
		for i, item := range items {
			list[i] = item(r)
		}
		return value{kind: aList, ref: list}
	}
}

func (c *compiler) object(n *ast.MapNode) code {
	var names, values []code
	at := n.Location()
	for _, pair := range n.Pairs {
		p := pair.(*ast.PairNode)
		names, values = append(names, c.value(p.Key)), append(values, c.value(p.Value))
	}
	return func(r *run) value {
		r.keep(len(names))
		o := &members{}
		for i := range names {
			name := names[i](r)
			if name.kind != aText {
				fail(at, "a member's name is a string, not %s", name.kind)
			}
			v := values[i](r)
			if at := indexOf(o.names, name.s); at >= 0 {
				o.values[at] = v // the last one counts
				continue
			}
			o.names, o.values = append(o.names, name.s), append(o.values, v)
		}
		return value{kind: anObject, ref: o}
	}
}
