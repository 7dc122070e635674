package catalogue

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxNames bounds the locals, and the variables: evaluating one may lead to the next, each a call deeper.
const maxNames = 1000

// scope is what the values of a catalogue may name: local.x and var.x.
type scope struct {
	locals    map[string]*definition
	variables map[string]*definition
}

// definition is a local or a variable. It is evaluated when it is first named.
type definition struct {
	name  string
	expr  hclsyntax.Expression // of a local, and a variable's default; nil for a variable without
	given *string              // of a variable, by the operator
	at    hcl.Range
	state evaluation
	value constant
}

type evaluation uint8

const (
	unknown evaluation = iota
	evaluating
	failed
	known
)

// newScope collects the locals and variables of all files.
func newScope(d *decoder, bodies []*hclsyntax.Body, variables map[string]string) *scope {
	s := &scope{locals: make(map[string]*definition), variables: make(map[string]*definition)}
	for _, body := range bodies {
		for _, b := range body.Blocks {
			switch {
			case b.Type == "locals":
				for _, a := range sorted(b.Body.Attributes) {
					s.define(d, s.locals, "local", &definition{name: a.Name, expr: a.Expr, at: a.NameRange})
				}
			case b.Type == "variable" && len(b.Labels) == 1:
				def := &definition{name: b.Labels[0], at: b.LabelRanges[0]}
				if a, ok := b.Body.Attributes["default"]; ok {
					def.expr = a.Expr
				}
				if given, ok := variables[def.name]; ok {
					def.given = &given
				}
				s.define(d, s.variables, "variable", def)
			}
		}
	}
	for _, name := range sortedKeys(variables) {
		if _, ok := s.variables[name]; !ok {
			d.absent(nil, "Unknown variable", fmt.Sprintf("The variable %q is set, but no variable block declares it.%s", name, d.near(name, sortedKeys(s.variables))))
		}
	}
	return s
}

func (s *scope) define(d *decoder, into map[string]*definition, what string, def *definition) {
	switch first, ok := into[def.name]; {
	case ok && what == "local": // variable blocks that repeat a label are told with all other blocks
		d.wrong(def.at, "Declared twice", "The %s %q is already declared at %s.", what, def.name, at(first.at))
	case ok:
	case len(into) == maxNames:
		d.wrong(def.at, "Too many names", "A catalogue may have at most %d locals and as many variables.", maxNames)
	default:
		into[def.name] = def
	}
}

// evaluateAll evaluates every local and variable, so that mistakes in those nobody names are told too.
func (s *scope) evaluateAll(d *decoder) {
	for _, defs := range []map[string]*definition{s.variables, s.locals} {
		for _, name := range sortedKeys(defs) {
			s.value(d, defs[name])
		}
	}
}

// lookup gives the value of the local or variable with which a traversal begins, and the steps that are left.
func (s *scope) lookup(d *decoder, t hcl.Traversal) (c constant, rest []hcl.Traverser, ok bool) {
	root := t.RootName()
	var defs map[string]*definition
	switch root {
	case "local":
		defs = s.locals
	case "var":
		defs = s.variables
	case "secret":
		d.wrong(t.SourceRange(), "Secret in a value", "A secret can neither be part of a text nor stand where a value is expected; it is named as a whole where a secret is wanted.")
		return c, nil, false
	default:
		d.wrong(t.SourceRange(), "Unknown name", "Only local and var can be named in a value, not %q. A text is written in quotes.%s", root, d.near(root, []string{"local", "var", "true", "false", "null"}))
		return c, nil, false
	}
	if len(t) < 2 {
		d.wrong(t.SourceRange(), "Incomplete name", "Expected the name of one, such as %s.name.", root)
		return c, nil, false
	}
	name := ""
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		name = step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			name = step.Key.AsString()
		}
	}
	def, found := defs[name]
	if !found {
		d.absent(t.SourceRange().Ptr(), "Unknown name", fmt.Sprintf("There is no %s.%s.%s", root, name, d.near(name, sortedKeys(defs))))
		return c, nil, false
	}
	if def.state == evaluating {
		d.wrong(t.SourceRange(), "Circular value", "The value of %s.%s, declared at %s, depends on itself.", root, name, at(def.at))
		return c, nil, false
	}
	c, ok = s.value(d, def)
	return c, t[2:], ok
}

func (s *scope) value(d *decoder, def *definition) (constant, bool) {
	if def.state != unknown {
		return def.value, def.state == known
	}
	def.state = evaluating
	ok := true
	if def.expr != nil {
		def.value, ok = d.constant(def.expr)
	}
	switch {
	case !ok:
	case def.given != nil:
		def.value, ok = d.given(def)
	case def.expr == nil:
		d.absent(&def.at, "Variable not set", fmt.Sprintf("The variable %q has no default and is not set.", def.name))
		ok = false
	}
	def.state = failed
	if ok {
		def.state = known
	}
	return def.value, ok
}

// given is the value an operator set, of the kind that the default has: a text where there is none.
func (d *decoder) given(def *definition) (constant, bool) {
	kind := text
	if def.expr != nil {
		kind = def.value.kind
	}
	s := *def.given
	switch {
	case kind == boolean && (s == "true" || s == "false"):
		return constant{kind: boolean, truth: s == "true", size: 5}, true
	case kind == number && numeral(s):
		return constant{kind: number, text: s, size: len(s)}, true
	case (kind == text || kind == null) && len(s) <= maxConstant:
		return constant{kind: text, text: s, size: len(s) + 2}, true
	}
	d.wrong(def.at, "Unsuitable variable", "The default of the variable %q is %s, which what it is set to is not.", def.name, kind)
	return constant{}, false
}

// sorted gives attributes in the order in which they are written; HCL keeps them in a map.
func sorted(attributes hclsyntax.Attributes) []*hclsyntax.Attribute {
	list := make([]*hclsyntax.Attribute, 0, len(attributes))
	for _, a := range attributes {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
	return list
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// at is a place in words: file:line:col.
func at(r hcl.Range) string {
	return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
}
