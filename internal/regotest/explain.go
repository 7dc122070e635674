package regotest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/wicketgate/wicketgate/internal/policy"
)

const (
	// maxValue bounds what is shown of one value, in bytes.
	maxValue = 400
	// maxValues bounds the values that are shown of one expression.
	maxValues = 30
	// maxTableCases bounds the cases of one test whose failures are kept.
	maxTableCases = 1000
)

// explanation is where a test failed: by the name of the case, "" for a test that is no table of them.
type explanation struct {
	suite *policy.Suite
	fails map[string]*hcl.Diagnostic
}

// of is what is told of a failed case of the test at a place.
func (e *explanation) of(name string, at hcl.Range) *hcl.Diagnostic {
	if e != nil {
		if d := e.fails[name]; d != nil {
			return d
		}
	}
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "The test is not true", Detail: "Expected the rule to be true.", Subject: &at}
}

// explain runs a failed test again and watches where it fails; nil where that cannot be seen.
func (r *runner) explain(ctx context.Context, f *tester.Result) *explanation {
	name := r.fullName(f)
	if r.explained++; name == "" || r.explained > maxExplained {
		return nil
	}
	w := &watcher{fails: make(map[string]*failure)}
	again, err := r.tester("^"+regexp.QuoteMeta(name)+"$").SetParallel(1).SetCoverageQueryTracer(w).RunTests(ctx, r.txn)
	if err != nil {
		return nil
	}
	for range again { //nolint:revive // the watcher saw what there was to see
	}
	e := &explanation{suite: r.suite, fails: make(map[string]*hcl.Diagnostic, len(w.fails))}
	for name, f := range w.fails {
		at := r.suite.Range(f.expr.BaseCogeneratedExpr().Location)
		e.fails[name] = &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "The test fails here", Detail: r.values(ctx, f), Subject: &at}
	}
	return e
}

// fullName is a test's name as the tester's filter sees it.
func (r *runner) fullName(f *tester.Result) string {
	for _, m := range r.compiler.Modules {
		for _, rule := range m.Rules {
			if rule.Loc() != f.Location {
				continue
			}
			ref := rule.Head.Ref().GroundPrefix()
			for i, term := range ref {
				if strings.HasPrefix(strings.Trim(term.Value.String(), `"`), tester.TestPrefix) {
					return m.Package.Path.Extend(ref[:i+1]).String()
				}
			}
		}
	}
	return ""
}

// failure is the last expression that was found false.
type failure struct {
	expr   *ast.Expr
	locals *ast.ValueMap
	names  map[ast.Var]topdown.VarMetadata
	with   []*ast.With // its with modifiers, their values known
}

// watcher sees a test's evaluation and keeps of it the last failure alone.
type watcher struct {
	now   string // the case of the table that is tried
	fails map[string]*failure
}

// Enabled implements topdown.QueryTracer.
func (*watcher) Enabled() bool { return true }

// Config implements topdown.QueryTracer.
func (*watcher) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent implements topdown.QueryTracer.
func (w *watcher) TraceEvent(e topdown.Event) {
	expr, ok := e.Node.(*ast.Expr)
	if !ok {
		return
	}
	if e.Op == topdown.TestCaseOp {
		if list, ok := expr.Operand(0).Value.(*ast.Array); ok {
			w.now = caseName(list)
		}
		return
	}
	if e.Op != topdown.FailOp || e.QueryID == 0 || e.Location == nil || !e.Location.HasFile() || !policy.IsTest(e.Location.File) {
		return
	}
	if _, every := expr.Terms.(*ast.Every); every { // what fails is inside
		return
	}
	if w.fails[w.now] == nil && len(w.fails) == maxTableCases {
		return
	}
	f := &failure{expr: expr, locals: e.Locals, names: e.LocalMetadata}
	for _, with := range expr.With {
		f.with = append(f.with, &ast.With{Target: with.Target, Value: e.Plug(with.Value)})
	}
	w.fails[w.now] = f
}

// caseName is the name that the tester gives a case of a table.
func caseName(list *ast.Array) string {
	var names []string
	list.Foreach(func(t *ast.Term) {
		if s, ok := t.Value.(ast.String); ok {
			names = append(names, string(s))
		} else {
			names = append(names, t.Value.String())
		}
	})
	return strings.Join(names, "/")
}

// values tells what the variables and references of a failed expression stood for, one a line, as they are written.
func (r *runner) values(ctx context.Context, f *failure) string {
	v := &valued{failure: f, run: r, told: make(map[string]string)}
	v.walk(ctx, f.expr, !f.expr.Negated)
	for _, other := range f.expr.CogeneratedExprs() {
		v.walk(ctx, other, false)
	}
	lines := v.lines()
	if len(lines) == 0 {
		return "It is not true."
	}
	return "It is not true, where\n" + strings.Join(lines, "\n")
}

// valued collects the values of what is written in an expression.
type valued struct {
	*failure
	run   *runner
	order []string
	told  map[string]string
}

func (v *valued) tell(text, value string) {
	if before, ok := v.told[text]; !ok {
		v.order = append(v.order, text)
	} else if before != undefined {
		return
	}
	v.told[text] = value
}

func (v *valued) lines() []string {
	var lines []string
	for _, text := range v.order {
		if len(lines) == maxValues {
			return append(lines, "…")
		}
		lines = append(lines, fmt.Sprintf("  %s = %s", text, v.told[text]))
	}
	return lines
}

const undefined = "undefined"

// walk looks at the terms of an expression. Where all of it was computed, a variable without a value has none.
func (v *valued) walk(ctx context.Context, expr *ast.Expr, computed bool) {
	var visit *ast.GenericVisitor
	visit = ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case ast.Call: // what is called is no value
			for _, t := range x[1:] {
				visit.Walk(t)
			}
			return true
		case *ast.Expr:
			if !x.IsCall() {
				return false
			}
			for _, t := range x.Operands() {
				visit.Walk(t)
			}
			for _, with := range x.With {
				visit.Walk(with)
			}
			return true
		case *ast.With:
			visit.Walk(x.Value)
			return true
		case *ast.Term:
			return v.term(ctx, x, computed)
		}
		return false
	})
	visit.Walk(expr)
}

// term tells the value of a term; true says that what is inside it is of no interest.
func (v *valued) term(ctx context.Context, t *ast.Term, computed bool) bool {
	if t.Location == nil || len(t.Location.Text) == 0 {
		return false
	}
	text := strings.Join(strings.Fields(string(t.Location.Text)), " ")
	switch x := t.Value.(type) {
	case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
		return true // its variables have other values in each round
	case ast.Ref:
		if x.HasPrefix(ast.DefaultRootRef) && x.IsGround() {
			if value, ok := v.run.evaluate(ctx, t, v.with); ok {
				v.tell(text, value)
			}
			return true
		}
		if value := v.part(x); value != nil {
			v.tell(text, shown(value))
		}
	case ast.Var:
		if _, known := v.names[x]; !known && !computed {
			return false
		}
		if value := v.locals.Get(x); value != nil {
			v.tell(text, shown(value))
		} else if computed {
			v.tell(text, undefined)
		}
	}
	return false
}

// part gives the part of a variable's value that a reference names; nil where there is none.
func (v *valued) part(ref ast.Ref) ast.Value {
	base, ok := ref[0].Value.(ast.Var)
	if !ok || len(ref) < 2 {
		return nil
	}
	value := v.locals.Get(base)
	if value == nil {
		return nil
	}
	path := slices.Clone(ref[1:])
	for i, t := range path {
		if key, ok := t.Value.(ast.Var); ok {
			known := v.locals.Get(key)
			if known == nil {
				return nil
			}
			path[i] = ast.NewTerm(known)
		}
	}
	found, err := value.Find(path)
	if err != nil {
		return nil
	}
	return found
}

// evaluate gives the value of a rule or of data, with the input that the expression was evaluated with.
func (r *runner) evaluate(ctx context.Context, ref *ast.Term, with []*ast.With) (string, bool) {
	for _, w := range with {
		if !w.Value.IsGround() {
			return "", false
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	expr := ast.NewExpr(ast.NewTerm(ref.Value))
	expr.With = with
	found, err := rego.New(rego.ParsedQuery(ast.NewBody(expr)), rego.Compiler(r.compiler), rego.Store(r.store), rego.Transaction(r.txn)).Eval(ctx)
	switch {
	case err != nil:
		return "", false
	case len(found) == 0 || len(found[0].Expressions) == 0:
		return undefined, true
	}
	text, err := json.Marshal(found[0].Expressions[0].Value)
	if err != nil {
		return "", false
	}
	return shortened(string(text)), true
}

func shown(v ast.Value) string { return shortened(v.String()) }

func shortened(s string) string {
	if len(s) <= maxValue {
		return s
	}
	return strings.ToValidUTF8(s[:maxValue], "") + "…"
}

// Interface guards
var _ topdown.QueryTracer = (*watcher)(nil)
