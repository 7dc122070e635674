// Package rule computes a yes or no, or a value, from one request: validation rules, keys of limits, the consumer of a
// token. An expression is written in HCL's own syntax, as expr("…") inside HCL, or as plain expr-lang in a Caddyfile;
// all three become the same tree, which expr-lang's checker types and this package runs: of a body only the leaves that
// the expression names are read, numbers are exact, and time and memory are bounded.
package rule

import (
	"strings"
	"sync"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// The bounds of an expression.
const (
	maxSource  = 4 << 10               // bytes of one expression's text
	maxNodes   = 1000                  // nodes of its tree
	maxRange   = 10_000                // members of a..b, whose ends must be constants
	maxMembers = 250_000               // members of all lists and objects that one evaluation makes: 16 MiB at most
	maxText    = 4 << 20               // bytes of all strings that one evaluation makes
	maxTime    = 50 * time.Millisecond // from the first look at the clock on: see spend
)

// Kind is what an expression is wanted for.
type Kind uint8

// What an expression may be wanted for.
const (
	Any     Kind = iota // any value: Program.Value
	Bool                // yes or no: Program.Bool
	String              // a string, or a number or truth value written as one: Program.String
	Integer             // a whole number: Program.Integer
	Key                 // as String, or a list of such: Program.Key. client.address is then the /64 of an IPv6 address
)

// Program is an expression made ready to run. It is immutable and serves many requests at once.
type Program struct {
	code   code
	truth  logic // of one compiled for Bool
	at     source
	want   Kind
	slots  []slot
	lets   int // variables in scope, at most
	rounds int // predicates in each other, at most
	exact  map[*ast.FloatNode]value
	needs  exchange.Needs
	now    func() time.Time
	pool   sync.Pool // of *run
}

// Compile makes e ready to run. src is the whole file that e was parsed from. Every mistake is a diagnostic on the
// smallest part of the expression it concerns.
func Compile(e hcl.Expression, src []byte, env Environment, want Kind) (*Program, hcl.Diagnostics) {
	rng := e.Range()
	native, ok := e.(hclsyntax.Expression)
	if !ok || !rng.CanSliceBytes(src) {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Not an expression",
			Detail:   "A rule is written in HCL's native syntax.",
			Subject:  &rng,
		}}
	}
	at := source{file: rng.Filename, start: rng.Start, text: string(rng.SliceBytes(src))}
	if len(at.text) > maxSource {
		return nil, at.tooLong()
	}
	l := lowering{at: at, src: src, exact: make(map[*ast.FloatNode]value)}
	tree := l.expression(native)
	if l.diags.HasErrors() {
		return nil, l.diags
	}
	return compile(tree, at, l.exact, env, want)
}

// CompileText makes an expression ready that is plain expr-lang text, as in a Caddyfile. at is where the text begins;
// a line or column of 0 counts as 1.
func CompileText(text string, at hcl.Range, env Environment, want Kind) (*Program, hcl.Diagnostics) {
	start := at.Start
	start.Line, start.Column = max(start.Line, 1), max(start.Column, 1)
	place := source{file: at.Filename, start: start, text: text}
	if len(text) > maxSource {
		return nil, place.tooLong()
	}
	if strings.TrimSpace(text) == "" {
		return nil, place.mistake(place.whole(), "Empty expression", "Expected an expression such as: body.total > 0")
	}
	offsets := make([]int, len(text)+1)
	for i := range offsets {
		offsets[i] = start.Byte + i
	}
	exact := make(map[*ast.FloatNode]value)
	tree, diags := parse(text, offsets, place, exact)
	if diags.HasErrors() {
		return nil, diags
	}
	return compile(tree, place, exact, env, want)
}

func compile(tree ast.Node, at source, exact map[*ast.FloatNode]value, env Environment, want Kind) (*Program, hcl.Diagnostics) {
	if n := count(tree); n > maxNodes {
		return nil, at.mistake(at.whole(), "Expression too large",
			"An expression may have at most 1,000 names, values and operators. Split it into several rules.")
	}
	p := &Program{at: at, want: want, exact: exact, now: time.Now}
	r := resolver{program: p, env: env, seen: make(map[ast.Node]ast.Node)}
	r.resolve(&tree)
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	if diags := p.finish(tree); diags.HasErrors() {
		return nil, diags
	}
	p.pool.New = func() any { return newRun(p) }
	return p, nil
}

// number is the value of a number written with a fraction or a power of ten, with all its digits.
func (p *Program) number(n *ast.FloatNode) (value, bool) {
	if v, ok := p.exact[n]; ok {
		return v, true
	}
	return fraction(n.Value), true
}

// Needs states what the program reads of a request: the body only if the expression names it.
func (p *Program) Needs() exchange.Needs { return p.needs }

// Pointer is where the one member of the body is that the program names, as a JSON pointer; "" where it names several, or
// none, or the whole.
func (p *Program) Pointer() string {
	pointer, found := "", 0
	for i := range p.slots {
		if s := &p.slots[i]; s.root == Body {
			if found++; found > 1 {
				return ""
			}
			pointer = jsonspan.Join(s.names)
		}
	}
	return pointer
}

// Text is the expression as it is written.
func (p *Program) Text() string { return p.at.text }
