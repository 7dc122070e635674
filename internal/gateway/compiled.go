package gateway

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// span names what lies between two versions for messages that hold certain objects: many routes carry the same ones, in
// every version.
type span struct {
	since, to int
	held      string
}

// spanOf is the span for messages that hold objects at places.
func spanOf(since, to int, held []change.Held) span {
	var b strings.Builder
	for _, h := range held {
		b.WriteString(h.Path + "\x00" + h.Object + "\x00")
	}
	return span{since, to, b.String()}
}

// program compiles what lies between two versions for messages that hold objects at places, once.
func (b *builder) program(l *lineage, since, to int, held []change.Held) *change.Program {
	key := spanOf(since, to, held)
	if p, done := l.programs[key]; done {
		return p
	}
	p, diags := change.Compile(l.between(since, to), l.objectsAt(to), held)
	b.add(diags)
	if len(diags) == 0 { // a mistake is told of each route
		l.programs[key] = p
	}
	return p
}

// query compiles what lies between two versions for the parameters of requests, once.
func (b *builder) query(l *lineage, since, to int, held []change.Held) *change.Query {
	key := spanOf(since, to, held)
	if q, done := l.queries[key]; done {
		return q
	}
	q, diags := change.CompileQuery(l.between(since, to), l.objectsAt(to), held)
	b.add(diags)
	if len(diags) == 0 {
		l.queries[key] = q
	}
	return q
}

// expressed names an expression and what it may name.
type expressed struct {
	at         hcl.Range
	roots      rule.Roots
	parameters string
	body       *rule.Shape
	want       rule.Kind
}

// expression compiles an expression of the catalogue, once for all versions of a route and for all routes with the same
// parameters, declared alike; nil after a mistake.
func (b *builder) expression(e hcl.Expression, env rule.Environment, want rule.Kind) *rule.Program {
	key := expressed{e.Range(), env.Roots, strings.Join(env.Parameters, "/") + fmt.Sprint(env.Declared, env.Closed), env.Body, want}
	if p, done := b.programs[key]; done {
		return p
	}
	p, diags := rule.Compile(e, b.Sources[e.Range().Filename], env, want)
	b.add(diags)
	b.programs[key] = p
	return p
}

// quotes compiles what the sender of a request is told that does not meet a rule; nil where it quotes nothing of the request,
// and after a mistake.
func (b *builder) quotes(from *catalogue.Rule, env rule.Environment) *rule.Template {
	if from.Quotes == nil {
		return nil
	}
	at := from.Quotes.Range()
	key := expressed{at, env.Roots, strings.Join(env.Parameters, "/") + fmt.Sprint(env.Declared, env.Closed), env.Body, rule.String}
	if t, done := b.templates[key]; done {
		return t
	}
	t, diags := rule.CompileTemplate(from.Quotes, b.Sources[at.Filename], env)
	b.add(diags)
	b.templates[key] = t
	return t
}
