package catalogue

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/unicode/norm"
)

// constant evaluates an expression whose value is known at load. Literals, lists, objects, texts, choices and the
// names of locals and variables are evaluated here, exactly; operators are cty's.
func (d *decoder) constant(e hclsyntax.Expression) (constant, bool) {
	c, ok := d.evaluate(e)
	if ok && c.size > maxConstant {
		d.wrong(e.Range(), "Value too large", "A value may have at most %d bytes.", maxConstant)
		return constant{}, false
	}
	c.rng = e.Range()
	return c, ok
}

func (d *decoder) evaluate(e hclsyntax.Expression) (constant, bool) {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return d.literal(e)
	case *held:
		return e.value, true
	case *hclsyntax.TemplateExpr:
		return d.template(e)
	case *hclsyntax.TemplateWrapExpr:
		return d.constant(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return d.constant(e.Expression)
	case *hclsyntax.TupleConsExpr:
		return d.list(e)
	case *hclsyntax.ObjectConsExpr:
		return d.object(e)
	case *hclsyntax.ScopeTraversalExpr:
		return d.named(e)
	case *hclsyntax.ConditionalExpr:
		return d.choice(e)
	case *hclsyntax.UnaryOpExpr:
		if c, ok := e.Val.(*hclsyntax.LiteralValueExpr); ok && e.Op == hclsyntax.OpNegate && c.Val.Type() == cty.Number {
			n, ok := d.literal(c)
			n.text = "-" + n.text
			n.size++
			return n, ok
		}
		return d.operate(e)
	case *hclsyntax.BinaryOpExpr:
		return d.operate(e)
	case *hclsyntax.IndexExpr:
		return d.index(e)
	case *hclsyntax.RelativeTraversalExpr:
		return d.part(e)
	case *hclsyntax.ExprSyntaxError:
		return constant{}, false // told by the parser
	case *hclsyntax.FunctionCallExpr:
		d.wrong(e.NameRange, "No functions here", "This value is computed when the catalogue loads, where there are no functions such as %s.", e.Name)
		return constant{}, false
	}
	d.wrong(e.Range(), "Not a value", "Expected a value: a text, a number, true, false, null, a list, an object, or a local or variable.")
	return constant{}, false
}

// held is a constant in the place of the expression that names it.
type held struct {
	*hclsyntax.LiteralValueExpr
	value constant
}

func (d *decoder) literal(e *hclsyntax.LiteralValueExpr) (constant, bool) {
	switch {
	case e.Val.IsNull():
		return constant{kind: null, size: 4}, true
	case e.Val.Type() == cty.Bool:
		return constant{kind: boolean, truth: e.Val.True(), size: 5}, true
	case e.Val.Type() == cty.Number:
		spelling := string(d.source(e.SrcRange))
		if len(spelling) > 1 && spelling[0] == '0' && spelling[1] >= '0' && spelling[1] <= '9' {
			d.wrong(e.SrcRange, "Unsuitable number", "A number does not begin with 0; write %s.", strings.TrimLeft(spelling[:len(spelling)-1], "0")+spelling[len(spelling)-1:])
			return constant{}, false
		}
		return constant{kind: number, text: spelling, size: len(spelling)}, spelling != ""
	case e.Val.Type() == cty.String:
		return constant{kind: text, text: e.Val.AsString(), size: len(e.Val.AsString()) + 2}, true
	}
	return constant{}, false // the placeholder of an expression in which the parser found a mistake
}

// template joins the parts of a text.
func (d *decoder) template(e *hclsyntax.TemplateExpr) (constant, bool) {
	quoted := bytes.HasPrefix(d.source(e.SrcRange), []byte{'"'})
	var out strings.Builder
	for _, part := range e.Parts {
		if l, ok := part.(*hclsyntax.LiteralValueExpr); ok && l.Val.Type() == cty.String {
			s, ok := d.written(l, quoted)
			if !ok {
				return constant{}, false
			}
			out.WriteString(s)
			continue
		}
		c, ok := d.constant(part)
		if !ok {
			return constant{}, false
		}
		switch c.kind {
		case text, number:
			out.WriteString(c.text)
		case boolean:
			out.Write(c.append(nil))
		default:
			d.wrong(part.Range(), "Unsuitable value", "Only texts, numbers, true and false can be part of a text; this is %s.", c.kind)
			return constant{}, false
		}
		if out.Len() > maxConstant {
			d.wrong(e.SrcRange, "Value too large", "A value may have at most %d bytes.", maxConstant)
			return constant{}, false
		}
	}
	return constant{kind: text, text: out.String(), size: out.Len() + 2}, d.spend(out.Len(), e.SrcRange)
}

// written gives a literal's bytes as its author wrote them. The parser has put them through cty, which normalises to
// NFC: a value compared with what a client sends would not be the one written.
func (d *decoder) written(l *hclsyntax.LiteralValueExpr, quoted bool) (string, bool) {
	tok := hclsyntax.Token{Type: hclsyntax.TokenStringLit, Bytes: d.source(l.SrcRange), Range: l.SrcRange}
	if quoted {
		tok.Type = hclsyntax.TokenQuotedLit
	}
	exact, _ := hclsyntax.ParseStringLiteralToken(tok) // its diagnostics are the parser's
	parsed := l.Val.AsString()
	switch {
	case norm.NFC.String(exact) == parsed:
		return exact, true
	case norm.NFC.IsNormalString(exact): // the parser took spaces or indentation off, no more
		return parsed, true
	}
	d.wrong(l.SrcRange, "Text would be changed", "These characters are not in Unicode's normal form C and would be normalised here. Write them in a quoted text, without ~ markers and heredocs.")
	return "", false
}

func (d *decoder) list(e *hclsyntax.TupleConsExpr) (constant, bool) {
	c := constant{kind: list, size: 2}
	whole := true
	for _, item := range e.Exprs {
		i, ok := d.constant(item)
		whole = whole && ok
		c.items = append(c.items, i)
		if c.size += i.size + 1; c.size > maxConstant {
			break
		}
	}
	return c, whole
}

func (d *decoder) object(e *hclsyntax.ObjectConsExpr) (constant, bool) {
	c := constant{kind: object, size: 2}
	whole := true
	seen := make(map[string]bool, len(e.Items))
	for _, item := range e.Items {
		name, at, ok := d.key(item.KeyExpr)
		value, valueOK := d.constant(item.ValueExpr)
		whole = whole && ok && valueOK
		if !ok {
			continue
		}
		if seen[name] {
			d.wrong(at, "Written twice", "The member %q is written twice in this object.", name)
			whole = false
		}
		seen[name] = true
		c.members = append(c.members, member{name, at, value})
		if c.size += len(name) + 4 + value.size; c.size > maxConstant {
			break
		}
	}
	return c, whole
}

// key gives the name of an object's member: a bare word or a text.
func (d *decoder) key(e hclsyntax.Expression) (string, hcl.Range, bool) {
	k, ok := e.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return "", e.Range(), false
	}
	if word := hcl.ExprAsKeyword(k.Wrapped); word != "" && !k.ForceNonLiteral {
		return word, k.Range(), true
	}
	c, ok := d.constant(k.Wrapped)
	if ok && c.kind != text {
		d.wrong(k.Range(), "Unsuitable name", "A member's name is a word or a text; this is %s.", c.kind)
		ok = false
	}
	return c.text, k.Range(), ok
}

// choice takes one side as it is, where HCL would make both sides one type: b ? "a" : 404 is "a" or 404.
func (d *decoder) choice(e *hclsyntax.ConditionalExpr) (constant, bool) {
	c, ok := d.constant(e.Condition)
	if !ok {
		return constant{}, false
	}
	if c.kind != boolean {
		d.wrong(e.Condition.Range(), "Unsuitable condition", "A condition is true or false; this is %s.", c.kind)
		return constant{}, false
	}
	if c.truth {
		return d.constant(e.TrueResult)
	}
	return d.constant(e.FalseResult)
}

// operate leaves an operator to cty: arithmetic, comparison and logic, whose result is a number or a truth value.
func (d *decoder) operate(e hclsyntax.Expression) (constant, bool) {
	operand := func(x hclsyntax.Expression) (hclsyntax.Expression, bool) {
		c, ok := d.constant(x)
		return &hclsyntax.LiteralValueExpr{Val: c.cty(), SrcRange: x.Range()}, ok
	}
	switch op := e.(type) {
	case *hclsyntax.UnaryOpExpr:
		v, ok := operand(op.Val)
		if !ok {
			return constant{}, false
		}
		e = &hclsyntax.UnaryOpExpr{Op: op.Op, Val: v, SrcRange: op.SrcRange, SymbolRange: op.SymbolRange}
	case *hclsyntax.BinaryOpExpr:
		l, ok := operand(op.LHS)
		r, rightOK := operand(op.RHS)
		if !ok || !rightOK {
			return constant{}, false
		}
		e = &hclsyntax.BinaryOpExpr{LHS: l, Op: op.Op, RHS: r, SrcRange: op.SrcRange}
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() {
		d.diags = append(d.diags, diags...)
		return constant{}, false
	}
	c, ok := fromCty(v)
	if !ok {
		d.wrong(e.Range(), "Unsuitable value", "What this comes to cannot be written in at most %d digits.", maxDigits)
	}
	return c, ok
}

// index gives the part of a list or object that a computed key names.
func (d *decoder) index(e *hclsyntax.IndexExpr) (constant, bool) {
	c, ok := d.constant(e.Collection)
	k, keyOK := d.constant(e.Key)
	if !ok || !keyOK {
		return constant{}, false
	}
	return d.step(c, hcl.TraverseIndex{Key: k.cty(), SrcRange: e.Key.Range()})
}

// part gives a part of a value that has no name of its own.
func (d *decoder) part(e *hclsyntax.RelativeTraversalExpr) (constant, bool) {
	c, ok := d.constant(e.Source)
	return d.steps(c, e.Traversal, ok)
}

// named gives the value of a local or variable, or a part of it.
func (d *decoder) named(e *hclsyntax.ScopeTraversalExpr) (constant, bool) {
	c, rest, ok := d.scope.lookup(d, e.Traversal)
	return d.steps(c, rest, ok)
}

func (d *decoder) steps(c constant, steps []hcl.Traverser, ok bool) (constant, bool) {
	for _, step := range steps {
		if !ok {
			break
		}
		c, ok = d.step(c, step)
	}
	return c, ok
}

// step goes from a list or an object to a part of it.
func (d *decoder) step(c constant, step hcl.Traverser) (constant, bool) {
	name, index, at := "", -1, step.SourceRange()
	switch s := step.(type) {
	case hcl.TraverseAttr:
		name = s.Name
	case hcl.TraverseIndex:
		switch {
		case s.Key.Type() == cty.String:
			name = s.Key.AsString()
		case s.Key.Type() == cty.Number:
			if i, accuracy := s.Key.AsBigFloat().Int64(); accuracy == 0 && i >= 0 && i < maxConstant {
				index = int(i)
			}
		}
	}
	switch {
	case c.kind == list && index >= 0 && index < len(c.items):
		return c.items[index], true
	case c.kind == list:
		d.wrong(at, "No such item", "The list has %d items, counted from 0.", len(c.items))
	case c.kind == object:
		names := make([]string, len(c.members))
		for i, m := range c.members {
			if names[i] = m.name; m.name == name {
				return m.value, true
			}
		}
		d.wrong(at, "No such member", "The object has no member %q.%s", name, d.near(name, names))
	default:
		d.wrong(at, "No such member", "This is %s, which has no members.", c.kind)
	}
	return constant{}, false
}
