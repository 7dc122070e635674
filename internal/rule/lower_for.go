package rule

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// variable is a name that a for expression gives, and what it is called in the tree: expr-lang lets none hide another.
type variable struct{ name, called string }

// scoped is what a name is called in the tree.
func (l *lowering) scoped(name string) string {
	for i := len(l.vars) - 1; i >= 0; i-- {
		if l.vars[i].name == name {
			return l.vars[i].called
		}
	}
	return name
}

func (l *lowering) declare(name string) (called string) {
	called = name
	for _, v := range l.vars {
		if v.name == name {
			called = fmt.Sprintf("%s %d", name, len(l.vars)) // the space keeps expressions from naming it
		}
	}
	l.vars = append(l.vars, variable{name, called})
	return called
}

// forEach lowers [for l in list : f(l) if c(l)] to map(filter(list, c(#)), f(#)).
func (l *lowering) forEach(e *hclsyntax.ForExpr) ast.Node {
	rng := e.Range()
	switch {
	case e.KeyExpr != nil:
		return l.mistake(rng, "Not supported in a rule", "A for expression makes lists here: [for line in body.lines : line.qty].")
	case e.KeyVar != "" && e.CondExpr != nil:
		return l.mistake(rng, "Not supported in a rule", "A for expression has an index or a condition here, not both.")
	}
	list := l.expression(e.CollExpr)
	if e.CondExpr != nil {
		list = l.over("filter", list, e, e.CondExpr)
	}
	if t, ok := e.ValExpr.(*hclsyntax.ScopeTraversalExpr); ok && len(t.Traversal) == 1 && t.Traversal.RootName() == e.ValVar && e.CondExpr != nil {
		return list
	}
	return l.over("map", list, e, e.ValExpr)
}

// over lowers what a for expression says of each member.
func (l *lowering) over(function string, list ast.Node, e *hclsyntax.ForExpr, each hclsyntax.Expression) ast.Node {
	rng, outer := each.Range(), len(l.vars)
	member := l.declare(e.ValVar)
	index := ""
	if e.KeyVar != "" {
		index = l.declare(e.KeyVar)
	}
	body := l.expression(each)
	l.vars = l.vars[:outer]
	if index != "" {
		body = placed(&ast.VariableDeclaratorNode{Name: index, Value: placed(&ast.PointerNode{Name: "index"}, rng), Expr: body}, rng)
	}
	body = placed(&ast.VariableDeclaratorNode{Name: member, Value: placed(&ast.PointerNode{}, rng), Expr: body}, rng)
	return placed(&ast.BuiltinNode{Name: function, Arguments: []ast.Node{list, placed(&ast.PredicateNode{Node: body}, rng)}}, e.Range())
}

// quantified lowers all([for l in list : c(l)]), whose members are the conditions themselves.
func (l *lowering) quantified(e *hclsyntax.FunctionCallExpr, at hcl.Range) ast.Node {
	if len(e.Args) != 1 || e.Name == "map" || e.Name == "filter" {
		return l.mistake(at, "Not supported in HCL's syntax", "Write what %[1]s says of each member with for, all([for line in body.lines : line.qty > 0]), or in expr-lang: expr(\"%[1]s(body.lines, .qty > 0)\").", e.Name)
	}
	each := placed(&ast.PredicateNode{Node: placed(&ast.PointerNode{}, at)}, at)
	return placed(&ast.BuiltinNode{Name: e.Name, Arguments: []ast.Node{l.expression(e.Args[0]), each}}, at)
}

// object lowers { name = value }.
func (l *lowering) object(e *hclsyntax.ObjectConsExpr) ast.Node {
	object := &ast.MapNode{}
	for _, item := range e.Items {
		rng := item.KeyExpr.Range()
		var name ast.Node
		if key, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr); !ok {
			name = l.expression(item.KeyExpr)
		} else if word := hcl.ExprAsKeyword(key.Wrapped); word != "" && !key.ForceNonLiteral {
			name = placed(&ast.StringNode{Value: word}, rng)
		} else {
			name = l.expression(key.Wrapped)
		}
		object.Pairs = append(object.Pairs, placed(&ast.PairNode{Key: name, Value: l.expression(item.ValueExpr)}, rng))
	}
	return placed(object, e.SrcRange)
}
