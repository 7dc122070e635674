package policy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// restrict cuts a document down to paths, as the comment on paths defines it.
func restrict(v ast.Value, p *paths) ast.Value {
	object, ok := v.(ast.Object)
	if p.whole || !ok {
		return v
	}
	var members [][2]*ast.Term
	for _, name := range p.names() {
		if member := object.Get(ast.StringTerm(name)); member != nil {
			members = append(members, [2]*ast.Term{ast.StringTerm(name), ast.NewTerm(restrict(member.Value, p.members[name]))})
		}
	}
	return ast.NewObject(members...)
}

// A policy says the same of a document and of what the analysis says it can see of it. Policies and documents are
// generated, the same each time; FuzzReachIsSound makes others.
func TestReachIsSound(t *testing.T) {
	const policies = 300
	refused, narrow, said := 0, 0, map[string]int{}
	for seed := range policies {
		g := &policyMaker{Rand: rand.New(rand.NewPCG(1, uint64(seed)))}
		reached, outcomes, err := sound(t, g)
		if err != nil {
			refused++
			continue
		}
		if reached != "input" {
			narrow++
		}
		for _, o := range outcomes {
			said[o]++
		}
	}
	t.Logf("%d policies, %d refused by the compiler, %d narrow; answers %v", policies, refused, narrow, said)
	if refused > policies*3/5 || narrow < policies/10 || said["true"] < policies || said["undefined"] < policies {
		t.Error("too few of the generated policies say anything about the analysis")
	}
}

func FuzzReachIsSound(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		if _, _, err := sound(t, &policyMaker{Rand: rand.New(rand.NewPCG(a, b))}); err != nil {
			t.Skip("the compiler refuses it")
		}
	})
}

// sound makes a policy and documents, and compares.
func sound(t *testing.T, g *policyMaker) (reached string, outcomes []string, err error) {
	t.Helper()
	text := g.policy()
	module, err := ast.ParseModuleWithOpts("p.rego", text, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	compiler := ast.NewCompiler().WithDefaultRegoVersion(ast.RegoV1)
	if compiler.Compile(map[string]*ast.Module{"p.rego": module}); compiler.Failed() {
		return "", nil, compiler.Errors
	}
	reach := reachOf(compiler, ast.MustParseRef("data.p.allow"))
	prepared, err := rego.New(rego.Query("data.p.allow"), rego.Compiler(compiler), rego.StrictBuiltinErrors(true)).PrepareForEval(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	say := func(input ast.Value) string {
		results, err := prepared.Eval(context.Background(), rego.EvalParsedInput(input))
		switch {
		case err != nil:
			return "error"
		case len(results) == 0:
			return "undefined"
		}
		return fmt.Sprint(results[0].Expressions[0].Value)
	}
	for range 12 {
		input := g.document(4).Value
		whole, part := say(input), say(restrict(input, reach.input))
		if whole != part {
			t.Fatalf("of %s: %s\nof the part that is reached, %s (%s): %s\n%s", input, whole, restrict(input, reach.input), reach.input, part, text)
		}
		outcomes = append(outcomes, whole)
	}
	return reach.input.String(), outcomes, nil
}

// policyMaker makes policies and documents about a few names, so that they meet.
type policyMaker struct {
	*rand.Rand
	vars  []string         // bound in the body at hand, to anything
	keys  []string         // bound to names
	opens [makerRules]bool // rules whose members may be asked for
	used  int              // variables so far
	rules int              // that may be named: those after the one at hand
	depth int
}

var makerNames = []string{"a", "b", "c"}

func (g *policyMaker) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g *policyMaker) name() string { return g.pick(makerNames...) }

func (g *policyMaker) fresh() string {
	g.used++
	return fmt.Sprintf("v%d", g.used)
}

// document makes an object of objects, lists and scalars.
func (g *policyMaker) document(depth int) *ast.Term {
	switch n := g.IntN(10); {
	case depth == 4 || depth > 0 && n < 6:
		var members [][2]*ast.Term
		for _, name := range makerNames {
			if g.IntN(6) > 0 {
				members = append(members, [2]*ast.Term{ast.StringTerm(name), g.document(depth - 1)})
			}
		}
		return ast.ObjectTerm(members...)
	case depth > 0 && n == 6:
		return ast.ArrayTerm(g.document(depth-1), g.document(0))
	}
	return [...]*ast.Term{ast.StringTerm("a"), ast.StringTerm("b"), ast.StringTerm("c"), ast.IntNumberTerm(1), ast.BooleanTerm(true), ast.BooleanTerm(false), ast.NullTerm()}[g.IntN(7)]
}

const makerRules = 3

// policy makes rules and functions r2 to r0, each of which may use those with higher numbers, and allow.
func (g *policyMaker) policy() string {
	var b strings.Builder
	b.WriteString("package p\n\nlists := [\"a\", \"b\"]\n\nsets := {\"b\", \"c\"}\n\n")
	for i := makerRules - 1; i >= 0; i-- {
		g.rules = i + 1
		for range 1 + g.IntN(2) {
			value, body := g.clause([]string{"x", "y"}, 1+g.IntN(3))
			fmt.Fprintf(&b, "f%d(x, y) := %s if {\n%s}\n\n", i, value, body)
		}
		g.rule(&b, i)
	}
	g.rules = 0
	for range 1 + g.IntN(2) {
		_, body := g.clause(nil, 1+g.IntN(3))
		fmt.Fprintf(&b, "allow if {\n%s}\n\n", body)
	}
	return b.String()
}

func (g *policyMaker) rule(b *strings.Builder, i int) {
	value, body := g.clause(nil, 1+g.IntN(2))
	n := g.IntN(6)
	g.opens[i] = n == 0 || n == 2
	switch n {
	case 0: // what may stand for a place
		fmt.Fprintf(b, "r%d := %s\n\n", i, g.place())
	case 1:
		fmt.Fprintf(b, "r%d contains %s if {\n%s}\n\n", i, value, body)
	case 2:
		key, more := g.clause(nil, 1)
		fmt.Fprintf(b, "r%d[%s].c := %s if {\n%s%s}\n\nr%d.b.a := %s\n\n", i, key, value, body, more, i, g.place())
	case 3:
		other, otherBody := g.clause(nil, 1)
		fmt.Fprintf(b, "default r%d := \"a\"\n\nr%d := %s if {\n%s} else := %s if {\n%s}\n\n", i, i, value, body, other, otherBody)
	case 4:
		fmt.Fprintf(b, "r%d := %s if {\n%s}\n\n", i, value, body)
		value, body = g.clause(nil, 1)
		fmt.Fprintf(b, "r%d := %s if {\n%s}\n\n", i, value, body)
	default:
		fmt.Fprintf(b, "r%d := %s if {\n%s}\n\n", i, value, body)
	}
}

// clause makes a body, and a value made of what it binds.
func (g *policyMaker) clause(vars []string, lines int) (value, body string) {
	before, keys := g.vars, g.keys
	g.vars = append(g.vars[:len(g.vars):len(g.vars)], vars...)
	g.keys = g.keys[:len(g.keys):len(g.keys)]
	for range lines {
		body += "\t" + g.line() + "\n"
	}
	value = g.value()
	for _, v := range append(g.vars[len(before):], g.keys[len(keys):]...) {
		body += "\t_ = " + v + "\n" // the compiler wants each used
	}
	g.vars, g.keys = before, keys
	return value, body
}

// place makes a reference to input, to what a variable stands for, or to a rule.
func (g *policyMaker) place() string {
	start := "input"
	switch n := g.IntN(6); {
	case n < 2 && len(g.vars) > 0:
		start = g.vars[g.IntN(len(g.vars))]
	case n == 2 && g.rules < makerRules:
		i := g.rules + g.IntN(makerRules-g.rules)
		if start = fmt.Sprintf("r%d", i); !g.opens[i] {
			return start
		}
	}
	for range g.IntN(3) {
		start += "." + g.name()
	}
	if start == "input" && g.IntN(8) > 0 { // all of input is seen often enough
		start += "." + g.name()
	}
	return start
}

func (g *policyMaker) value() string {
	switch g.IntN(8) {
	case 0:
		return `"` + g.name() + `"`
	case 1:
		return fmt.Sprintf("[%s, %s]", g.place(), g.place())
	case 2:
		return fmt.Sprintf(`{"a": %s, "b": 1}`, g.place())
	case 3:
		return g.call()
	case 4:
		if g.depth < 2 {
			g.depth++
			value, body := g.clause(nil, 1)
			g.depth--
			open, end := "[", "]"
			if g.IntN(2) == 0 {
				open, end = "{", "}"
			}
			return open + value + " | " + strings.ReplaceAll(strings.TrimSpace(body), "\n", ";") + end
		}
	}
	return g.place()
}

func (g *policyMaker) call() string {
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("object.get(%s, %q, 1)", g.place(), g.name())
	case 1:
		return fmt.Sprintf("object.get(%s, [%q, %q], 1)", g.place(), g.name(), g.name())
	case 2:
		return fmt.Sprintf("type_name(%s)", g.place())
	}
	if g.rules < makerRules {
		return fmt.Sprintf("f%d(%s, %s)", g.rules+g.IntN(makerRules-g.rules), g.place(), g.place())
	}
	return fmt.Sprintf("count([%s])", g.place())
}

// line makes an expression of one line.
func (g *policyMaker) line() string {
	bind := func(format string, values ...any) string {
		v := g.fresh()
		s := fmt.Sprintf(format, append([]any{v}, values...)...)
		g.vars = append(g.vars, v)
		return s
	}
	key := func(format string, values ...any) string {
		v := g.fresh()
		s := fmt.Sprintf(format, append([]any{v}, values...)...)
		g.keys = append(g.keys, v)
		return s
	}
	switch g.IntN(20) {
	case 0, 1, 2:
		return bind("%s := %s", g.place())
	case 3:
		return bind("%s = %s", g.place())
	case 4:
		return fmt.Sprintf("%s == %q", g.place(), g.name())
	case 5:
		return fmt.Sprintf("%s = %s", g.place(), g.place())
	case 6:
		return "not " + g.place()
	case 7:
		return bind("some %s in %s", g.place())
	case 8:
		return key("some %s in %s", g.pick("lists", "sets", `["c"]`, `{"a", "b"}`))
	case 9:
		if len(g.keys) > 0 {
			return fmt.Sprintf("input.%s[%s]", g.name(), g.keys[g.IntN(len(g.keys))])
		}
		return fmt.Sprintf("input.%s[%s]", g.name(), g.place())
	case 10:
		return key("%s := %q", g.name())
	case 11:
		if g.depth < 2 {
			g.depth++
			v := g.fresh()
			g.vars = append(g.vars, v)
			_, body := g.clause(nil, 1)
			g.vars = g.vars[:len(g.vars)-1]
			g.depth--
			return fmt.Sprintf("every %[1]s in %[2]s { %[3]s; _ = %[1]s }", v, g.place(), strings.ReplaceAll(strings.TrimSpace(body), "\n", ";"))
		}
	case 12:
		return key("%s := %s", g.call())
	case 13:
		return fmt.Sprintf("%s with input.%s as %s", g.place(), g.name(), g.value())
	case 14:
		return bind("%s := %s with input.%s as %s", g.place(), g.name(), g.place())
	case 15:
		return fmt.Sprintf("not %s == %s", g.place(), g.value())
	case 16:
		return bind("{\"a\": %s} = %s", g.place())
	case 17:
		return bind("walk(%[2]s, [_, %[1]s])", g.place())
	case 18:
		if g.rules < makerRules {
			i := g.rules + g.IntN(makerRules-g.rules)
			return g.pick(fmt.Sprintf("r%d with r%d as %s", i, g.rules+g.IntN(makerRules-g.rules), g.value()), fmt.Sprintf("data.p[%q] == %s", fmt.Sprintf("r%d", i), g.value()))
		}
	}
	return key("%s := %s", g.value())
}
