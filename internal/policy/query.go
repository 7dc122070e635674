package policy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
)

// Query is one question to a snapshot, ready to be asked for each request: the authorize stage of a route. It is
// immutable and may be used by many goroutines at once.
type Query struct {
	name      string // "data.shop.orders"
	path      string // "shop/orders"
	onlyAllow bool   // asks a package that defines nothing but allow, or allowed
	bothNames bool   // asks a package that defines allow and allowed
	prepared  rego.PreparedEvalQuery
	sees      *Reach
	document  *document
	id        uint32 // among the queries that share a cache
	bypass    Bypass // why its decisions are not remembered; negative where they are
	snapshot  *Snapshot
	unready   bool // answers 503, since its policy may still come
	observers []Observer

	// The answer may oblige to hide something of what the service answers, or override quotas.
	hides, limits bool
	single        bool // what it may be is not told by the names of rules
}

var _ pipeline.Stage = (*Query)(nil)

// Name implements pipeline.Stage.
func (*Query) Name() string { return "authorize" }

// Asks is what is asked: "data.shop.orders".
func (q *Query) Asks() string { return q.name }

// Reach is what the query can see of input, found when it was prepared; nil where its policy may still come.
func (q *Query) Reach() *Reach { return q.sees }

// Needs implements pipeline.Stage: what the policy reads. The body is read only if the policy can reach it.
func (q *Query) Needs() exchange.Needs { return q.document.needs() }

// Prepare makes a query of "data.shop.orders", which names either a rule, whose value is the answer, or a package. Of
// a package, the rules that have a name an answer knows are asked and all others are the policy's own affair: beside
// allow it may well have a rule is_owner. Mistakes lie at the place that names the query, or in the policy.
func (s *Snapshot) Prepare(query string, at hcl.Range) (*Query, hcl.Diagnostics) {
	q, diags := s.prepare(query, at)
	if ref, ok := parseQuery(query); ok && q == nil && s.waiting != "" {
		return &Query{name: ref.String(), snapshot: s, document: newDocument(&paths{}), unready: true, observers: s.observers}, nil
	}
	if q != nil && s.each != nil {
		q = s.each(q)
	}
	return q, diags
}

func (s *Snapshot) prepare(query string, at hcl.Range) (*Query, hcl.Diagnostics) {
	refuse := func(summary, detail string, a ...any) (*Query, hcl.Diagnostics) {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, a...), Subject: &at}}
	}
	ref, ok := parseQuery(query)
	if !ok {
		return refuse("Not a policy", "Expected the name of a package or rule, such as data.shop.orders, not %q.", query)
	}
	node := s.compiler.RuleTree
	for _, term := range ref {
		if node = node.Child(term.Value); node == nil {
			known := s.packages()
			return refuse("No such policy", "No package or rule is called %s.%s Packages there are: %s.", ref, didYouMean(ref.String(), known), strings.Join(known, ", "))
		}
	}
	path, err := ref.Ptr()
	if err != nil {
		return refuse("Not a policy", "%s cannot be asked: %s.", ref, err)
	}
	q := &Query{name: ref.String(), path: path, snapshot: s, observers: s.observers}
	text, asked := q.name, []ast.Ref{ref}
	if len(node.Values) == 0 {
		keys, diags := s.answerRules(node, ref, at)
		if diags.HasErrors() {
			return nil, diags
		}
		has := func(name string) bool { return slices.Contains(keys, strconv.Quote(name)) }
		q.bothNames = has("allow") && has("allowed")
		q.hides, q.limits = has("drop") || has("mask") || has("filter"), has("limits")
		if q.onlyAllow = len(keys) == 1; q.onlyAllow { // several times faster than an object of one member
			text = fmt.Sprintf("%s[%s]", q.name, keys[0])
		} else {
			text = fmt.Sprintf("{k: v | some k in [%s]; v := %s[k]}", strings.Join(keys, ", "), q.name)
		}
		asked = asked[:0]
		for _, key := range keys {
			asked = append(asked, ref.Append(ast.StringTerm(strings.Trim(key, `"`))))
		}
	} else if isFunction(node) {
		return refuse("Not a rule", "%s is a function; expected a rule or a package.", ref)
	} else if len(node.Children) == 0 && !slices.ContainsFunc(node.Values, isObject) {
		q.onlyAllow = true
	} else {
		q.hides, q.limits, q.single = true, true, true
	}
	q.sees = reachOf(s.compiler, asked...)
	q.document = newDocument(q.sees.input)
	q.bypass = s.bypassOf(q.sees, q.document.needs())
	q.id = s.asked.add(q)
	body, err := ast.ParseBodyWithOpts(text, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return refuse("Not a policy", "%s cannot be asked: %s.", ref, err)
	}
	q.prepared, err = rego.New(
		rego.ParsedQuery(body),
		rego.SetRegoVersion(ast.RegoV1),
		rego.Compiler(s.compiler),
		rego.Store(s.store),
		rego.Transaction(s.txn),
		rego.Capabilities(s.compiler.Capabilities()),
		rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t.Value, nil }),
	).PrepareForEval(context.Background())
	if err != nil {
		return refuse("Not a policy", "%s cannot be asked: %s.", ref, err)
	}
	return q, nil
}

// parseQuery reads a constant reference below data.
func parseQuery(query string) (ast.Ref, bool) {
	ref, err := ast.ParseRef(query)
	if err != nil || len(ref) < 2 || !ref[0].Equal(ast.DefaultRootDocument) {
		return nil, false
	}
	for _, term := range ref[1:] {
		if _, ok := term.Value.(ast.String); !ok {
			return nil, false
		}
	}
	return ref, true
}

// answerRules gives the rules of a package that an answer is made of, as Rego strings.
func (s *Snapshot) answerRules(node *ast.TreeNode, ref ast.Ref, at hcl.Range) (keys []string, diags hcl.Diagnostics) {
	decides := false
	for key, child := range node.Children {
		name, ok := key.(ast.String)
		if !ok || isFunction(child) {
			continue
		}
		if answerKeys[string(name)] {
			keys = append(keys, name.String())
			decides = decides || name == "allow" || name == "allowed"
		}
	}
	slices.Sort(keys)
	if !decides {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Subject: &at,
			Summary: "Policy that never allows",
			Detail:  fmt.Sprintf("%s has no rule allow, so it would deny every request.%s", ref, didYouMean(ref.String(), s.packages())),
		})
	}
	return keys, diags
}

// isFunction says whether a node holds nothing but functions, which no document contains.
func isFunction(node *ast.TreeNode) bool {
	return len(node.Values) > 0 && !slices.ContainsFunc(node.Values, func(r *ast.Rule) bool { return len(r.Head.Args) == 0 })
}

// isObject says whether a rule may have another value than true or false.
func isObject(r *ast.Rule) bool {
	if r.Head.RuleKind() == ast.MultiValue || len(r.Ref()) > len(r.Ref().GroundPrefix()) {
		return true
	}
	for ; r != nil; r = r.Else {
		if r.Head.Value != nil {
			if _, plain := r.Head.Value.Value.(ast.Boolean); !plain {
				return true
			}
		}
	}
	return false
}

// packages are the names of the packages there are, in order.
func (s *Snapshot) packages() []string {
	var names []string
	for _, module := range s.compiler.Modules {
		names = append(names, module.Package.Path.String())
	}
	slices.Sort(names)
	return slices.Compact(names)
}
