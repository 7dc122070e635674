package policy

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
)

// maxRounds bounds how often policies with mistakes are compiled to find those that hide behind others. OPA has half a
// dozen stages that give up.
const maxRounds = 8

// hidden tells the mistakes that OPA did not come to, since it gives up at the first stage that finds one. Each rule in
// which one was found is taken for right and of any value, and the rest is compiled again.
func (f *folders) hidden(errs ast.Errors) hcl.Diagnostics {
	var diags hcl.Diagnostics
	modules := maps.Clone(f.modules)
	excused := map[*ast.Location]bool{} // rules by where they were
	for range maxRounds {
		if !excuse(modules, errs, excused) {
			break
		}
		c := newCompiler(capabilities(f.allowed...), f)
		c.Compile(modules)
		errs = slices.DeleteFunc(c.Errors, func(e *ast.Error) bool {
			// Which a rule taken for right may well have used.
			return e.Location == nil || strings.HasPrefix(e.Message, "import ") && strings.HasSuffix(e.Message, " unused")
		})
		found := slices.DeleteFunc(slices.Clone(errs), func(e *ast.Error) bool { return excused[ruleAt(modules, e)] })
		more, _ := f.explain(found)
		diags = append(diags, more...)
	}
	return diags
}

// excuse puts rules that stand for any value in the place of those with mistakes, in copies of their modules. It says
// whether there were any that it had not excused before.
func excuse(modules map[string]*ast.Module, errs ast.Errors, excused map[*ast.Location]bool) (found bool) {
	for _, e := range errs {
		at := ruleAt(modules, e)
		if at == nil || excused[at] {
			continue
		}
		excused[at], found = true, true
		file := e.Location.File
		module := modules[file].Copy()
		for i, rule := range module.Rules {
			if rule.Location.Row == at.Row && !rule.Default {
				module.Rules[i] = excusedRule(rule, at)
			}
		}
		// The copy has locations of its own, by which nothing would be found again.
		for i, rule := range module.Rules {
			rule.Location = modules[file].Rules[i].Location
		}
		modules[file] = module
	}
	return found
}

// ruleAt gives the place of the rule in which an error lies: the last that begins before it; nil for none.
func ruleAt(modules map[string]*ast.Module, e *ast.Error) (at *ast.Location) {
	if e.Location == nil || modules[e.Location.File] == nil {
		return nil
	}
	for _, rule := range modules[e.Location.File].Rules {
		if rule.Location.Row <= e.Location.Row && (at == nil || rule.Location.Row > at.Row) {
			at = rule.Location
		}
	}
	return at
}

// excusedRule is a rule with the name and the arguments of another, of which it is only known that it has a value.
func excusedRule(rule *ast.Rule, at *ast.Location) *ast.Rule {
	rule.Body, rule.Else = nil, nil
	unknown := func(name string) *ast.Term {
		v := ast.VarTerm(name)
		v.Location = at
		value := ast.CallTerm(ast.NewTerm(ast.JSONUnmarshal.Ref()), ast.StringTerm("null"))
		value.Location = at
		e := ast.Equality.Expr(v, value)
		e.Location = at
		e.Index = len(rule.Body)
		rule.Body = append(rule.Body, e)
		return v
	}
	head := rule.Head
	for i := range head.Args {
		head.Args[i] = ast.VarTerm(ast.WildcardPrefix + "excused" + strconv.Itoa(i))
		head.Args[i].Location = at
	}
	for i, term := range head.Reference {
		if _, constant := term.Value.(ast.String); i > 0 && !constant {
			head.Reference[i] = unknown("excused_name" + strconv.Itoa(i))
		}
	}
	if head.Key != nil {
		head.Key = unknown("excused_key")
		if n := len(head.Reference); n > 1 && head.Value != nil { // which says it a second time
			head.Reference[n-1] = head.Key
		}
	}
	if head.Value != nil && !ast.IsConstant(head.Value.Value) {
		head.Value = unknown("excused_value")
	}
	if len(rule.Body) == 0 {
		yes := ast.NewExpr(ast.BooleanTerm(true))
		yes.Location = at
		rule.Body = ast.NewBody(yes)
	}
	return rule
}
