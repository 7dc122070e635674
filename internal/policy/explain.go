package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Note tells how a policy came to its decision, for an explanation.
type Note struct {
	View
	Allow   bool         `json:"allow"`
	Cached  bool         `json:"cached"` // the decision was remembered from an equal request
	Reasons []any        `json:"reasons,omitempty"`
	Obliges []Obligation `json:"obligations,omitempty"`
	Wrong   string       `json:"wrong,omitempty"` // why there is no answer, or none that counts
	Trace   []Line       `json:"trace"`
	Cut     bool         `json:"trace_cut,omitempty"` // more was evaluated than the trace has room for
}

// Line is a step of an evaluation: a rule that gave a value, or an expression that did not hold.
type Line struct {
	At    string  `json:"at"` // file:line:column
	Text  string  `json:"text"`
	Holds bool    `json:"holds"`
	Value string  `json:"value,omitempty"` // of a rule, in Rego
	Where []Where `json:"where,omitempty"`
}

// HiddenNote tells what one obligation hid of an answer, in the newest shape, for an explanation.
type HiddenNote struct {
	Obligation
	Before json.RawMessage `json:"before,omitempty"` // none of an answer of more than maxHidden
	After  json.RawMessage `json:"after,omitempty"`
}

// maxHidden bounds an answer that is kept before and after each obligation, of which there are at most 64: 64 KiB.
const maxHidden = 64 << 10

// Obligation is something that a policy obliges to.
type Obligation struct {
	What  string `json:"obliges_to"`      // drop, mask, filter, limit, upstream-header, remove-header, answer-header, query or remove-query
	At    string `json:"at"`              // a JSON pointer, or a name
	Value string `json:"value,omitempty"` // the field's, a filter's condition, a quota's requests
}

// Where is what an expression names, and its value in Rego.
type Where struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

const (
	// maxLines bounds the lines of a trace: 200.
	maxLines = 200
	// maxShown bounds what is shown of one value, in bytes: 400.
	maxShown = 400
)

// note tells of a decision. The policy is evaluated once more, and watched.
func (q *Query) note(x *exchange.Exchange, o found) {
	t := &trace{seen: map[string]bool{}}
	t.input, _ = q.Input(x)
	now := q.time(x)
	_, _, err := q.ask(x.Context, func() (ast.Value, error) { return t.input, nil }, now, rego.EvalQueryTracer(t))
	if o.err != nil {
		err = o.err
	}
	n := Note{View: q.view(), Allow: o.verdict.Allow, Cached: o.cached, Reasons: o.verdict.Reasons, Obliges: obligationsOf(o.verdict), Trace: t.lines, Cut: t.cut}
	if err != nil {
		n.Wrong = err.Error()
	}
	x.Account.Note(n)
}

// obligationsOf are what a verdict obliges to, one by one.
func obligationsOf(v *exchange.Verdict) []Obligation {
	var all []Obligation
	for _, limit := range slices.Sorted(maps.Keys(v.Limits)) {
		for _, quota := range slices.Sorted(maps.Keys(v.Limits[limit])) {
			all = append(all, Obligation{"limit", limit + " " + quota, strconv.FormatInt(v.Limits[limit][quota], 10)})
		}
	}
	fields := func(what string, of map[string][]string) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			for _, value := range of[name] {
				all = append(all, Obligation{what, name, value})
			}
		}
	}
	fields("upstream-header", v.UpstreamSet)
	for _, name := range v.UpstreamRemove {
		all = append(all, Obligation{"remove-header", name, ""})
	}
	fields("query", v.QuerySet)
	for _, name := range v.QueryRemove {
		all = append(all, Obligation{"remove-query", name, ""})
	}
	fields("answer-header", v.AnswerSet)
	for _, s := range v.Obligations.Steps() {
		all = append(all, Obligation{s.What, s.At, s.Where})
	}
	return all
}

// noteHidden tells what each obligation hides of an answer.
func noteHidden(x *exchange.Exchange, o *exchange.Obliged, r *exchange.Response) {
	if x.Account == nil || !r.Read || !json.Valid(r.Bytes) {
		return
	}
	doc := r.Bytes
	for _, s := range o.Steps() {
		after, err := s.Hide(doc)
		if err != nil {
			return // the stage that hides says so
		}
		n := HiddenNote{Obligation: Obligation{s.What, s.At, s.Where}}
		if len(r.Bytes) <= maxHidden {
			n.Before, n.After = bytes.Clone(doc), bytes.Clone(after)
		}
		x.Account.Note(n)
		doc = after
	}
}

// trace watches an evaluation.
type trace struct {
	input ast.Value
	lines []Line
	seen  map[string]bool
	cut   bool
}

// Enabled implements topdown.QueryTracer.
func (*trace) Enabled() bool { return true }

// Config implements topdown.QueryTracer.
func (*trace) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent implements topdown.QueryTracer.
func (t *trace) TraceEvent(e topdown.Event) {
	if e.Location == nil || !e.Location.HasFile() {
		return
	}
	var l Line
	switch node := e.Node.(type) {
	case *ast.Rule:
		if e.Op != topdown.ExitOp {
			return
		}
		l = t.rule(&e, node)
	case *ast.Expr:
		if _, every := node.Terms.(*ast.Every); every || e.Op != topdown.FailOp || negation(node) { // of every, what fails is inside
			return
		}
		l = t.failed(&e, node)
	default:
		return
	}
	if key := fmt.Sprint(l); t.seen[key] {
		return
	} else if len(t.lines) < maxLines {
		t.seen[key] = true
		t.lines = append(t.lines, l)
		return
	}
	t.cut = true
}

// negation says whether an expression is what stands behind a `not`, which is evaluated by itself: where it fails, the
// line that it stands in holds.
func negation(e *ast.Expr) bool {
	at := e.Location
	if e.Negated || e.BaseCogeneratedExpr() != e || at == nil {
		return false
	}
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(at.Text), []byte("not"))
	return ok && len(rest) > 0 && bytes.ContainsRune([]byte(" \t\r\n("), rune(rest[0]))
}

func written(at *ast.Location) string { return fmt.Sprintf("%s:%d:%d", at.File, at.Row, at.Col) }

func (t *trace) rule(e *topdown.Event, r *ast.Rule) Line {
	l := Line{At: written(e.Location), Holds: true, Text: r.Head.Ref().String()}
	if v := r.Head.Value; v != nil {
		l.Value = shown(e.Plug(v).Value)
	} else if v := r.Head.Key; v != nil {
		l.Value = shown(e.Plug(v).Value)
	}
	return l
}

func (t *trace) failed(e *topdown.Event, expr *ast.Expr) Line {
	expr = expr.BaseCogeneratedExpr()
	at := expr.Location
	if at == nil || !at.HasFile() {
		at = e.Location
	}
	l := Line{At: written(at), Text: strings.TrimSpace(string(at.Text))}
	tell := func(name string, v ast.Value) {
		if !slices.ContainsFunc(l.Where, func(w Where) bool { return w.Name == name }) && len(l.Where) < maxWhere {
			value := "undefined"
			if v != nil {
				value = shown(v)
			}
			l.Where = append(l.Where, Where{name, value})
		}
	}
	all := append([]*ast.Expr{expr}, expr.CogeneratedExprs()...)
	for _, x := range all {
		ast.WalkTerms(x, func(term *ast.Term) bool {
			switch v := term.Value.(type) {
			case ast.Var:
				if meta, ok := e.LocalMetadata[v]; ok && !meta.Name.IsGenerated() {
					tell(string(meta.Name), e.Locals.Get(v))
				}
			case ast.Ref:
				if v.HasPrefix(ast.InputRootRef) && v.IsGround() {
					found, _ := t.input.Find(v[1:])
					tell(v.String(), found)
					return true
				}
			}
			return false
		})
	}
	return l
}

// maxWhere bounds the values that are shown of one expression: 20.
const maxWhere = 20

func shown(v ast.Value) string {
	text := v.String()
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return text
}
