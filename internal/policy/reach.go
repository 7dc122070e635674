package policy

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Reach is what a query can see, and whether it says the same whenever it sees the same. It is found once, when
// policies are loaded, and never too small: what it does not understand counts as everything.
//
// The analysis reads the compiled rules, in which every function's argument is a variable or a constant and every
// expression stands where it is evaluated. It follows places of input: a reference with constant names is a place, a
// variable that is bound to one and to nothing else stands for it, and a function is told of places by its parameters.
// Whatever else is done with a value, comparing it or handing it to a built-in function, reads all of it; so a value
// that went through anything but these is of no interest any more. OPA's own package dependencies does something
// similar, but misses rules whose heads are references and gives up on functions.
type Reach struct {
	input  *paths
	clock  bool      // the time is asked for, as time.now_ns or as input.time
	impure []Finding // calls of built-in functions that may give different answers to the same question
	wide   []Finding // what made a part of input count as a whole
}

// Finding is a place in a policy and what is the matter there.
type Finding struct {
	What string // "http.send", "input.request.headers[…]"
	File string
	Row  int
	Col  int
}

// String is the finding as a line of a log.
func (f Finding) String() string {
	if f.File == "" {
		return f.What
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Row, f.Col, f.What)
}

// maxFindings bounds what is kept of each kind of finding: a person reads them.
const maxFindings = 20

// Input lists the references below input that the query can see all of: "input.request.method".
func (r *Reach) Input() []string {
	if !r.input.whole && len(r.input.members) == 0 {
		return nil
	}
	return r.input.refs(ast.InputRootRef)
}

// Impure lists the calls for whose sake decisions are not remembered, at most 20.
func (r *Reach) Impure() []Finding { return r.impure }

// Wide lists what in the policies made a part of input count as a whole, at most 20.
func (r *Reach) Wide() []Finding { return r.wide }

// reachOf finds what rules can see of input: those below each of the references, whose values are read wholly.
func reachOf(c *ast.Compiler, refs ...ast.Ref) *Reach {
	w := &reacher{
		reach:     &Reach{input: &paths{}},
		builtins:  builtinNames(),
		rules:     indexRules(c),
		analysed:  map[*ast.Rule]*analysis{},
		functions: map[string][]*paths{},
	}
	for _, ref := range refs {
		for _, rule := range w.rules.meeting(exactly(constantNames(ref[1:]))) {
			w.value(rule)
		}
	}
	if in := w.reach.input; in.at("time") != nil || in.at("attributes", "request", "time") != nil {
		w.reach.clock = true
	}
	for _, list := range []*[]Finding{&w.reach.impure, &w.reach.wide} {
		slices.SortFunc(*list, func(a, b Finding) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Col, b.Col), cmp.Compare(a.What, b.What))
		})
		*list = slices.Compact(*list)
		*list = (*list)[:min(len(*list), maxFindings)]
	}
	return w.reach
}

// reacher is one analysis under way.
type reacher struct {
	reach     *Reach
	builtins  map[string]bool
	rules     *ruleIndex
	analysed  map[*ast.Rule]*analysis
	functions map[string][]*paths // what a function sees of each parameter, by its name and their number
}

// analysis is what is known of one rule with its alternatives.
type analysis struct {
	params []*paths // what a function sees of each parameter
	alias  *place   // the place of input that the rule's value is, and nothing more; nil where it is another
	done   bool
}

// place is a place in input, or in a parameter of the function that is looked at.
type place struct {
	param int // -1 for input
	names []string
}

func (p place) below(names ...string) place {
	return place{p.param, append(p.names[:len(p.names):len(p.names)], names...)}
}

// value notes that the value of a rule is read wholly.
func (w *reacher) value(rule *ast.Rule) {
	if alias := w.rule(rule).alias; alias != nil {
		w.reach.input.add(alias.names...)
	}
}

// rule looks at a rule and its alternatives, once.
func (w *reacher) rule(rule *ast.Rule) *analysis {
	if a := w.analysed[rule]; a != nil {
		if !a.done { // the compiler refuses rules that lead to themselves
			w.everything(rule.Loc(), "a rule that leads to itself")
		}
		return a
	}
	a := &analysis{params: make([]*paths, len(rule.Head.Args))}
	for i := range a.params {
		a.params[i] = &paths{}
	}
	w.analysed[rule] = a
	for r := rule; r != nil; r = r.Else {
		s := &scope{reacher: w, analysis: a, vars: map[ast.Var]variable{}}
		s.parameters(r)
		s.body(r.Body)
		s.head(r, r == rule)
	}
	a.done = true
	return a
}

// function gives what a function with a name, which may be defined several times, sees of its parameters.
func (w *reacher) function(names []string, arity int) []*paths {
	key := fmt.Sprintf("%q/%d", names, arity)
	if params, done := w.functions[key]; done {
		return params
	}
	params := make([]*paths, arity)
	for i := range params {
		params[i] = &paths{}
	}
	w.functions[key] = params
	for _, rule := range w.rules.meeting(exactly(names)) {
		if len(rule.Head.Args) == 0 {
			w.value(rule)
			continue
		}
		for i, p := range w.rule(rule).params {
			if i < arity {
				params[i].graft(nil, p)
			}
		}
	}
	return params
}

// everything notes that all of input may be seen, and that what happens there is not understood.
func (w *reacher) everything(at *ast.Location, what string) {
	w.reach.input.add()
	w.widened(at, what)
}

func (w *reacher) widened(at *ast.Location, what string) {
	w.reach.wide = append(w.reach.wide, finding(at, what))
}

// calls notes a call of a built-in function.
func (w *reacher) calls(name string, at *ast.Location) {
	switch {
	case name == ast.NowNanos.Name:
		w.reach.clock = true
	case !pure[name]:
		w.reach.impure = append(w.reach.impure, finding(at, name))
	}
}

func finding(at *ast.Location, what string) Finding {
	if at == nil {
		return Finding{What: what}
	}
	return Finding{What: what, File: at.File, Row: at.Row, Col: at.Col}
}

func builtinNames() map[string]bool {
	names := make(map[string]bool, len(ast.Builtins))
	for _, b := range ast.Builtins {
		names[b.Name] = true
	}
	return names
}

// ruleIndex finds rules by the constant beginning of their references.
type ruleIndex struct {
	rules   []*ast.Rule // whose reference ends here, or goes on with something that is no constant name
	members map[string]*ruleIndex
}

func indexRules(c *ast.Compiler) *ruleIndex {
	root := &ruleIndex{}
	for _, module := range c.Modules {
		for _, rule := range module.Rules {
			n := root
			for _, name := range constantNames(rule.Ref()[1:]) {
				next := n.members[name]
				if next == nil {
					next = &ruleIndex{}
					if n.members == nil {
						n.members = map[string]*ruleIndex{}
					}
					n.members[name] = next
				}
				n = next
			}
			n.rules = append(n.rules, rule)
		}
	}
	return root
}

// constantNames are the names that a reference begins with.
func constantNames(ref ast.Ref) []string {
	var names []string
	for _, term := range ref {
		name, ok := term.Value.(ast.String)
		if !ok {
			break
		}
		names = append(names, string(name))
	}
	return names
}

// meeting gives the rules that a reference to data may evaluate: those whose own reference begins it, and those that it
// begins. Each of its names is one of a few, or nil for any.
func (n *ruleIndex) meeting(names [][]string) []*ast.Rule {
	if len(names) == 0 {
		return n.all(nil)
	}
	rules := n.rules[:len(n.rules):len(n.rules)]
	if names[0] == nil {
		for _, member := range n.members {
			rules = append(rules, member.meeting(names[1:])...)
		}
		return rules
	}
	for _, name := range names[0] {
		if member := n.members[name]; member != nil {
			rules = append(rules, member.meeting(names[1:])...)
		}
	}
	return rules
}

func (n *ruleIndex) all(rules []*ast.Rule) []*ast.Rule {
	rules = append(rules, n.rules...)
	for _, member := range n.members {
		rules = member.all(rules)
	}
	return rules
}

// exactly makes a reference for meeting of constant names.
func exactly(names []string) [][]string {
	each := make([][]string, len(names))
	for i := range names {
		each[i] = names[i : i+1]
	}
	return each
}

// single gives the only rule that a reference with such a constant beginning may evaluate, if there is but one and its
// value is what stands at the first n names; nil otherwise.
func (n *ruleIndex) single(names []string) (rule *ast.Rule, used int) {
	for i, name := range names {
		if len(n.rules) > 0 {
			return nil, 0
		}
		if n = n.members[name]; n == nil {
			return nil, 0
		}
		if len(n.rules) == 1 && len(n.members) == 0 && len(n.rules[0].Ref()) == i+2 {
			return n.rules[0], i + 1
		}
	}
	return nil, 0
}
