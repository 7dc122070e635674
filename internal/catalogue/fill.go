package catalogue

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Bounds of what is put into an expression.
const (
	maxFilled = 4096 // bytes of a value
	nodeSize  = 64   // bytes of a node of an expression for each byte of the value, about
)

// fill puts the values of locals and variables into an expression that is kept, in the place of their names: whoever
// compiles it knows requests, not catalogues. It changes the expression in place where it can, and gives false where a
// name has no value.
func (d *decoder) fill(e hclsyntax.Expression) (hclsyntax.Expression, bool) {
	ok := true
	in := func(list []hclsyntax.Expression) {
		for i := range list {
			filled, fine := d.fill(list[i])
			list[i], ok = filled, ok && fine
		}
	}
	one := func(x *hclsyntax.Expression) {
		filled, fine := d.fill(*x)
		*x, ok = filled, ok && fine
	}
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		if root := e.Traversal.RootName(); root != "local" && root != "var" {
			return e, true
		}
		c, ok := d.constant(e)
		if !ok {
			return e, false
		}
		if c.size > maxFilled {
			d.wrong(e.Range(), "Value too large", "A value that is part of an expression may have at most %d bytes.", maxFilled)
			return e, false
		}
		x, ok := d.spelt(e, c)
		return x, ok && d.spend(c.size*nodeSize, e.Range())
	case *hclsyntax.BinaryOpExpr:
		one(&e.LHS)
		one(&e.RHS)
	case *hclsyntax.UnaryOpExpr:
		one(&e.Val)
	case *hclsyntax.ParenthesesExpr:
		one(&e.Expression)
	case *hclsyntax.ConditionalExpr:
		one(&e.Condition)
		one(&e.TrueResult)
		one(&e.FalseResult)
	case *hclsyntax.IndexExpr:
		one(&e.Collection)
		one(&e.Key)
	case *hclsyntax.RelativeTraversalExpr:
		one(&e.Source)
	case *hclsyntax.TemplateWrapExpr:
		one(&e.Wrapped)
	case *hclsyntax.TemplateExpr:
		in(e.Parts)
	case *hclsyntax.TupleConsExpr:
		in(e.Exprs)
	case *hclsyntax.FunctionCallExpr:
		in(e.Args)
	}
	return e, ok
}

// spelt is a constant as an expression, at the place of its name.
func (d *decoder) spelt(e hclsyntax.Expression, c constant) (hclsyntax.Expression, bool) {
	switch c.kind {
	case object:
		d.wrong(e.Range(), "Unsuitable value", "An object cannot be part of an expression over requests; name one of its members.")
		return e, false
	case list:
		items := &hclsyntax.TupleConsExpr{SrcRange: e.Range(), OpenRange: e.Range()}
		for _, item := range c.items {
			x, ok := d.spelt(e, item)
			if !ok {
				return e, false
			}
			items.Exprs = append(items.Exprs, x)
		}
		return items, true
	}
	return &hclsyntax.LiteralValueExpr{Val: c.cty(), SrcRange: e.Range()}, true
}
