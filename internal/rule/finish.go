package rule

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// finish checks the types of a resolved tree, by expr-lang's own checker, and compiles it.
func (p *Program) finish(root ast.Node) hcl.Diagnostics {
	tree := &parser.Tree{Node: root}
	config := language()
	config.WithEnv(p.names())
	if p.want == Bool {
		config.Expect, config.ExpectAny = reflect.Bool, true
	}
	if _, err := checker.Check(tree, config); err != nil {
		return p.invalid(tree.Node, err)
	}
	expected := map[Kind]string{
		String:  "Expected a string, a number or a truth value.",
		Integer: "Expected a whole number.",
		Key:     "Expected a string, a number or a truth value, or a list of such.",
	}
	if detail := expected[p.want]; detail != "" && !p.want.may(tree.Node) {
		return p.at.mistake(p.at.whole(), "Wrong type", detail)
	}
	c := &compiler{p: p}
	if p.want == Bool {
		p.truth = c.answer(tree.Node)
		p.code = func(r *run) value { return truthValue(p.truth(r)) }
	} else {
		p.code = c.value(tree.Node)
	}
	return c.diags
}

// answer compiles a whole expression that is a yes or no: null is no.
func (c *compiler) answer(n ast.Node) logic {
	if l := c.stated(n); l != nil {
		return l
	}
	v := c.value(n)
	return func(r *run) bool {
		v := v(r)
		return v.kind != aNull && yes(v, file.Location{})
	}
}

// names types everything that a resolved tree names.
func (p *Program) names() types.Map {
	names := types.Map{}
	for i := range p.slots {
		names[slotName(i)] = p.slots[i].typ
	}
	for name, f := range functions {
		names[name] = types.TypeOf(f.signature)
	}
	return names
}

func (p *Program) invalid(tree ast.Node, err error) hcl.Diagnostics {
	var e *file.Error
	if !errors.As(err, &e) {
		return p.at.mistake(p.at.whole(), "Wrong type", wording(err.Error()))
	}
	at := p.at.place(e.Location)
	if name, ok := strings.CutPrefix(e.Message, "unknown field "); ok {
		return p.at.mistake(at, "Unknown field", unknownField(name, fieldsAt(tree, e.Location)))
	}
	return p.at.mistake(at, "Invalid expression", wording(e.Message))
}

// unknownField tells of a member that the schema does not have.
func unknownField(name string, known []string) string {
	text := "The schema has no member \"" + name + "\" here." + diagnostic.DidYouMean(name, known)
	if len(known) > 0 && len(known) <= 20 {
		text += " It has " + strings.Join(known, ", ") + "."
	}
	return text
}

// fieldsAt gives the members that the object of a misspelt name has.
func fieldsAt(n ast.Node, at file.Location) (names []string) {
	if m, ok := n.(*ast.MemberNode); ok && m.Property.Location() == at {
		if data := m.Node.Nature().TypeData; data != nil {
			return slices.Sorted(maps.Keys(data.Fields))
		}
	}
	children(n, func(child *ast.Node) {
		if names == nil {
			names = fieldsAt(*child, at)
		}
	})
	return names
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
