package rule

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// lowering turns HCL's own expressions into expr-lang's tree. Each node is placed where HCL has it. Nothing is
// evaluated by HCL: its values normalise strings and unify types, which would change what a client sent.
type lowering struct {
	at    source
	src   []byte // the whole file
	exact map[*ast.FloatNode]value
	vars  []variable // of the for expressions around
	diags hcl.Diagnostics
}

var binary = map[*hclsyntax.Operation]string{
	hclsyntax.OpLogicalOr: "||", hclsyntax.OpLogicalAnd: "&&",
	hclsyntax.OpEqual: "==", hclsyntax.OpNotEqual: "!=",
	hclsyntax.OpGreaterThan: ">", hclsyntax.OpGreaterThanOrEqual: ">=",
	hclsyntax.OpLessThan: "<", hclsyntax.OpLessThanOrEqual: "<=",
	hclsyntax.OpAdd: "+", hclsyntax.OpSubtract: "-",
	hclsyntax.OpMultiply: "*", hclsyntax.OpDivide: "/", hclsyntax.OpModulo: "%",
}

func (l *lowering) mistake(at hcl.Range, summary, format string, args ...any) ast.Node {
	l.diags = append(l.diags, l.at.mistake(at, summary, fmt.Sprintf(format, args...))...)
	return placed(&ast.NilNode{}, at)
}

func placed(n ast.Node, at hcl.Range) ast.Node {
	n.SetLocation(file.Location{From: at.Start.Byte, To: at.End.Byte})
	return n
}

func (l *lowering) expression(e hclsyntax.Expression) ast.Node {
	rng := e.Range()
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return l.expression(e.Expression)
	case *hclsyntax.LiteralValueExpr:
		return l.literal(e)
	case *hclsyntax.TemplateExpr:
		return l.template(e)
	case *hclsyntax.TemplateWrapExpr: // "${a}" alone: HCL gives a's own value
		return l.expression(e.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		root := placed(&ast.IdentifierNode{Value: l.scoped(e.Traversal.RootName())}, e.Traversal[0].SourceRange())
		return l.traversal(root, e.Traversal[1:], rng)
	case *hclsyntax.RelativeTraversalExpr:
		return l.traversal(l.expression(e.Source), e.Traversal, rng)
	case *hclsyntax.IndexExpr:
		return placed(&ast.MemberNode{Node: l.expression(e.Collection), Property: l.expression(e.Key)}, rng)
	case *hclsyntax.BinaryOpExpr:
		return placed(&ast.BinaryNode{Operator: binary[e.Op], Left: l.expression(e.LHS), Right: l.expression(e.RHS)}, rng)
	case *hclsyntax.UnaryOpExpr:
		operator := "!"
		if e.Op == hclsyntax.OpNegate {
			operator = "-"
		}
		return placed(&ast.UnaryNode{Operator: operator, Node: l.expression(e.Val)}, rng)
	case *hclsyntax.ConditionalExpr:
		return placed(&ast.ConditionalNode{Ternary: true, Cond: l.expression(e.Condition), Exp1: l.expression(e.TrueResult), Exp2: l.expression(e.FalseResult)}, rng)
	case *hclsyntax.TupleConsExpr:
		list := &ast.ArrayNode{Nodes: make([]ast.Node, 0, len(e.Exprs))}
		for _, element := range e.Exprs {
			list.Nodes = append(list.Nodes, l.expression(element))
		}
		return placed(list, rng)
	case *hclsyntax.SplatExpr:
		return l.splat(e)
	case *hclsyntax.AnonSymbolExpr:
		return placed(&ast.PointerNode{}, rng)
	case *hclsyntax.FunctionCallExpr:
		return l.call(e)
	case *hclsyntax.ForExpr:
		return l.forEach(e)
	case *hclsyntax.ObjectConsExpr:
		return l.object(e)
	}
	return l.mistake(rng, "Not supported in a rule", "This construct of HCL has no counterpart in a rule.")
}

// literal places a number, a truth value, null or the text of a quoted string.
func (l *lowering) literal(e *hclsyntax.LiteralValueExpr) ast.Node {
	v := e.Val
	switch {
	case v.IsNull():
		return placed(&ast.NilNode{}, e.SrcRange)
	case v.Type() == cty.Bool:
		return placed(&ast.BoolNode{Value: v.True()}, e.SrcRange)
	case v.Type() == cty.String:
		text, _ := l.text(e)
		return placed(&ast.StringNode{Value: text}, e.SrcRange)
	case v.Type() == cty.Number:
		return l.number(v.AsBigFloat(), e.SrcRange)
	}
	return l.mistake(e.SrcRange, "Not supported in a rule", "Expected a string, a number, true, false or null.")
}

func (l *lowering) number(v *big.Float, at hcl.Range) ast.Node {
	if i, accuracy := v.Int64(); v.IsInt() && accuracy == big.Exact {
		return placed(&ast.IntegerNode{Value: int(i)}, at)
	}
	f, _ := v.Float64()
	n := &ast.FloatNode{Value: f}
	if at.CanSliceBytes(l.src) { // as it is written: v may have rounded it
		exact, ok := parseNumber(string(at.SliceBytes(l.src)))
		if !ok || math.IsInf(f, 0) {
			return l.mistake(at, "Number too large", "A number may lie between -1e308 and 1e308.")
		}
		l.exact[n] = exact
	}
	return placed(n, at)
}

// template joins the parts of "a ${b} c".
func (l *lowering) template(e *hclsyntax.TemplateExpr) ast.Node {
	if len(e.Parts) == 0 {
		return placed(&ast.StringNode{}, e.SrcRange)
	}
	var joined ast.Node
	for _, part := range e.Parts {
		n := l.expression(part)
		if literal, ok := part.(*hclsyntax.LiteralValueExpr); !ok || literal.Val.Type() != cty.String {
			n = placed(&ast.BuiltinNode{Name: "string", Arguments: []ast.Node{n}}, part.Range())
		}
		if joined == nil {
			joined = n
		} else {
			joined = placed(&ast.BinaryNode{Operator: "+", Left: joined, Right: n}, e.SrcRange)
		}
	}
	return joined
}

func (l *lowering) traversal(n ast.Node, steps hcl.Traversal, whole hcl.Range) ast.Node {
	for _, s := range steps {
		at := hcl.RangeBetween(whole, s.SourceRange())
		var property ast.Node
		switch s := s.(type) {
		case hcl.TraverseAttr:
			name := s.SrcRange
			if name.CanSliceBytes(l.src) && l.src[name.Start.Byte] == '.' {
				name.Start.Byte, name.Start.Column = name.Start.Byte+1, name.Start.Column+1
			}
			property = placed(&ast.StringNode{Value: s.Name}, name)
		case hcl.TraverseIndex:
			property = l.key(s)
		default:
			return l.mistake(whole, "Not supported in a rule", "Expected members and indexes only.")
		}
		at.End = s.SourceRange().End
		n = placed(&ast.MemberNode{Node: n, Property: property}, at)
	}
	return n
}

func (l *lowering) key(s hcl.TraverseIndex) ast.Node {
	switch s.Key.Type() {
	case cty.String:
		text := s.Key.AsString()
		if raw := s.SrcRange; raw.CanSliceBytes(l.src) {
			inner := strings.TrimSpace(strings.Trim(string(raw.SliceBytes(l.src)), "[]"))
			if len(inner) >= 2 && inner[0] == '"' {
				if decoded, _ := unescape([]byte(inner[1:len(inner)-1]), 0, true); cty.StringVal(decoded).RawEquals(s.Key) {
					text = decoded
				}
			}
		}
		return placed(&ast.StringNode{Value: text}, s.SrcRange)
	case cty.Number:
		return l.number(s.Key.AsBigFloat(), s.SrcRange)
	}
	return l.mistake(s.SrcRange, "Not supported in a rule", "An index is a string or a whole number.")
}

// splat lowers list[*].member to map(list, .member).
func (l *lowering) splat(e *hclsyntax.SplatExpr) ast.Node {
	each := l.expression(e.Each)
	predicate := placed(&ast.PredicateNode{Node: each}, e.Each.Range())
	return placed(&ast.BuiltinNode{Name: "map", Arguments: []ast.Node{l.expression(e.Source), predicate}}, e.SrcRange)
}

func (l *lowering) call(e *hclsyntax.FunctionCallExpr) ast.Node {
	at := hcl.RangeBetween(e.NameRange, e.CloseParenRange)
	if e.ExpandFinal {
		return l.mistake(at, "Not supported in a rule", "Arguments cannot be expanded with three dots here.")
	}
	takes := func(n int, usage string) bool {
		if len(e.Args) != n {
			l.mistake(at, "Wrong number of arguments", "Expected %s.", usage)
		}
		return len(e.Args) == n
	}
	failed := placed(&ast.NilNode{}, at)
	switch {
	case e.Name == "expr":
		if !takes(1, `expr("…") with expr-lang in quotes`) {
			return failed
		}
		return l.embedded(e.Args[0])
	case e.Name == "contains":
		if !takes(2, "contains(list, value)") {
			return failed
		}
		return placed(&ast.BinaryNode{Operator: "in", Left: l.expression(e.Args[1]), Right: l.expression(e.Args[0])}, at)
	case operators[e.Name]:
		if !takes(2, e.Name+"(value, text)") {
			return failed
		}
		return placed(&ast.BinaryNode{Operator: e.Name, Left: l.expression(e.Args[0]), Right: l.expression(e.Args[1])}, at)
	}
	known, ok := builtins[e.Name]
	if known.predicate {
		return l.quantified(e, at)
	}
	var arguments []ast.Node
	for _, a := range e.Args {
		arguments = append(arguments, l.expression(a))
	}
	switch {
	case ok:
		return placed(&ast.BuiltinNode{Name: e.Name, Arguments: arguments}, at)
	case e.Name == "list" || functions[e.Name].signature != nil:
		return placed(&ast.CallNode{Callee: placed(&ast.IdentifierNode{Value: e.Name}, e.NameRange), Arguments: arguments}, at)
	}
	return l.mistake(e.NameRange, "Unknown function", "There is no function %q.%s The functions are %s.", e.Name, diagnostic.DidYouMean(e.Name, functionNames(true)), strings.Join(functionNames(true), ", "))
}

// embedded lowers the argument of expr("…").
func (l *lowering) embedded(e hclsyntax.Expression) ast.Node {
	var parts []hclsyntax.Expression
	if t, ok := e.(*hclsyntax.TemplateExpr); ok {
		parts = t.Parts
	}
	var text strings.Builder
	var offsets []int
	for _, part := range parts {
		literal, ok := part.(*hclsyntax.LiteralValueExpr)
		if !ok || literal.Val.Type() != cty.String {
			return l.mistake(part.Range(), "Not supported in expr", "The argument of expr is read at load: it is a string in quotes without ${…}. Name the value inside the string.")
		}
		t, o := l.text(literal)
		text.WriteString(t)
		offsets = append(offsets, o[:len(t)]...)
	}
	if strings.TrimSpace(text.String()) == "" {
		return l.mistake(e.Range(), "Empty expression", `Expected expr-lang in quotes, such as: expr("all(body.lines, .qty > 0)")`)
	}
	end := parts[len(parts)-1].Range().End.Byte
	n, diags := parse(text.String(), append(offsets, end), l.at, l.exact)
	if diags.HasErrors() {
		l.diags = append(l.diags, diags...)
		return placed(&ast.NilNode{}, e.Range())
	}
	return n
}
