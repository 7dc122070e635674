package rule

import (
	"errors"
	"reflect"
	"strconv"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/hashicorp/hcl/v2"
)

// finish checks the types of a resolved tree, puts the bounds into it, optimises and compiles it.
func (p *Program) finish(root ast.Node) hcl.Diagnostics {
	tree := &parser.Tree{Node: root}
	config := language()
	config.WithEnv(p.names())
	if p.want == Bool {
		config.Expect, config.ExpectAny = reflect.Bool, true
	}
	if _, err := checker.Check(tree, config); err != nil {
		return p.invalid(err)
	}
	expected := map[Kind]string{
		String:  "Expected a string, a number or a truth value.",
		Integer: "Expected a whole number.",
		Key:     "Expected a string, a number or a truth value, or a list of such.",
	}
	if detail := expected[p.want]; detail != "" && !p.want.may(tree.Node) {
		return p.at.mistake(p.at.whole(), "Wrong type", detail)
	}
	b := bounder{program: p, seen: make(map[ast.Node]ast.Node)}
	b.bound(&tree.Node)
	config.WithEnv(p.names())
	if err := optimizer.Optimize(&tree.Node, config); err != nil {
		return p.invalid(err)
	}
	code, err := compiler.Compile(tree, config)
	if err != nil {
		return p.at.mistake(p.at.whole(), "Invalid expression", "expr-lang cannot compile it.")
	}
	p.code = code
	return nil
}

// names types everything the VM's environment holds.
func (p *Program) names() types.Map {
	names := types.Map{}
	for i := range p.slots {
		names[slotName(i)] = types.TypeOf((func() any)(nil))
	}
	for i := range p.sets {
		names[setName(i)] = types.TypeOf((func(any) bool)(nil))
	}
	for name, typ := range ownFunctions {
		names[name] = types.TypeOf(reflect.Zero(typ).Interface())
	}
	return names
}

func (p *Program) invalid(err error) hcl.Diagnostics {
	var e *file.Error
	if errors.As(err, &e) {
		return p.at.mistake(p.at.place(e.Location), "Invalid expression", wording(e.Message))
	}
	return p.at.mistake(p.at.whole(), "Wrong type", wording(err.Error()))
}

// may says whether the value of n may be what is wanted, as far as its type tells.
func (k Kind) may(n ast.Node) bool {
	if n.Nature().Nil {
		return false
	}
	typ := n.Type()
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch typ.Kind() {
	case reflect.Int, reflect.Float64, reflect.Interface:
		return true
	case reflect.String, reflect.Bool:
		return k != Integer
	case reflect.Slice:
		return k == Key
	}
	return false
}

// bounder puts into a checked tree what bounds its evaluation: a tick per round of each predicate, and a count of what
// strings and lists are made. It also gives `x in [constants]` the form that costs no allocation.
type bounder struct {
	program *Program
	seen    map[ast.Node]ast.Node
}

func (b *bounder) bound(n *ast.Node) {
	before := *n
	if after, ok := b.seen[before]; ok {
		*n = after
		return
	}
	b.descend(n)
	b.seen[before], b.seen[*n] = *n, *n
}

func (b *bounder) descend(n *ast.Node) {
	children(*n, b.bound)
	switch t := (*n).(type) {
	case *ast.PredicateNode:
		body := &ast.SequenceNode{Nodes: []ast.Node{call(t, fnTick, nil), t.Node}}
		body.SetLocation(t.Node.Location())
		body.SetNature(*t.Node.Nature())
		t.Node = body
	case *ast.BuiltinNode:
		if wrap := builtins[t.Name].wrap; wrap != "" {
			if len(t.Arguments) == 2 {
				wrap = fnTrimSet // of those wrapped, only trim takes two
			}
			typ := t.Type()
			*n = call(t, wrap, typ, t.Arguments...)
		}
	case *ast.BinaryNode:
		switch t.Operator {
		case "+":
			if mayBeText(t.Left) && mayBeText(t.Right) && !(constant(t.Left) && constant(t.Right)) {
				*n = call(t, fnAdd, t.Type(), t.Left, t.Right)
			}
		case "in":
			if set, ok := constantSet(t.Right); ok {
				b.program.sets = append(b.program.sets, set)
				*n = call(t, setName(len(b.program.sets)-1), reflect.TypeFor[bool](), t.Left)
			}
		}
	}
}

// call makes a call of one of our own functions in the place of n.
func call(n ast.Node, name string, typ reflect.Type, arguments ...ast.Node) ast.Node {
	callee := &ast.IdentifierNode{Value: name}
	callee.SetLocation(n.Location())
	if own, ok := ownFunctions[name]; ok {
		callee.SetType(own)
	} else {
		callee.SetType(reflect.TypeFor[func(any) bool]())
	}
	c := &ast.CallNode{Callee: callee, Arguments: arguments}
	c.SetLocation(n.Location())
	if typ != nil {
		c.SetType(typ)
	}
	return c
}

func mayBeText(n ast.Node) bool {
	switch n.Type().Kind() {
	case reflect.Int, reflect.Float64:
		return false
	}
	return true
}

func constant(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode:
		return true
	case *ast.BinaryNode:
		return constant(n.Left) && constant(n.Right)
	}
	return false
}

// membership is a constant right side of in.
type membership struct {
	texts    map[string]struct{}
	numbers  map[float64]struct{}
	integers map[int]struct{}
	truths   [2]bool // false, true
	null     bool
	from, to int // a range, if ranged
	ranged   bool
}

func setName(i int) string { return "set " + strconv.Itoa(i) }

func constantSet(n ast.Node) (membership, bool) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		from, ok1 := integer(n.Left)
		to, ok2 := integer(n.Right)
		return membership{from: from, to: to, ranged: true}, n.Operator == ".." && ok1 && ok2
	case *ast.ArrayNode:
		m := membership{texts: map[string]struct{}{}, numbers: map[float64]struct{}{}, integers: map[int]struct{}{}}
		for _, e := range n.Nodes {
			if i, ok := integer(e); ok {
				m.integers[i] = struct{}{}
				continue
			}
			switch e := e.(type) {
			case *ast.StringNode:
				m.texts[e.Value] = struct{}{}
			case *ast.FloatNode:
				m.numbers[e.Value] = struct{}{}
			case *ast.BoolNode:
				if e.Value {
					m.truths[1] = true
				} else {
					m.truths[0] = true
				}
			case *ast.NilNode:
				m.null = true
			default:
				return membership{}, false
			}
		}
		return m, true
	}
	return membership{}, false
}

// has answers as expr's own in does for every type of v, an integer being equal to a float of its value.
func (m *membership) has(v any) bool {
	var ok bool
	switch v := v.(type) {
	case string:
		_, ok = m.texts[v]
	case int:
		if m.ranged {
			return m.from <= v && v <= m.to
		}
		if _, ok = m.integers[v]; !ok {
			_, ok = m.numbers[float64(v)]
		}
	case float64:
		if m.ranged {
			return v == float64(int(v)) && m.from <= int(v) && int(v) <= m.to
		}
		if _, ok = m.numbers[v]; !ok && v == float64(int(v)) {
			_, ok = m.integers[int(v)]
		}
	case bool:
		return v && m.truths[1] || !v && m.truths[0]
	case nil:
		return m.null
	}
	return ok
}
