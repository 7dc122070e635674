package rule

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// The bounds of a text that quotes a request.
const (
	maxQuoted = 128     // bytes of one value of the request, as it is quoted
	maxTold   = 2 << 10 // bytes of the text
)

// Template is a text with values of a request in it: "the amount ${body.amount} is not positive". It is immutable and
// serves many requests at once.
type Template struct {
	parts []part
	needs exchange.Needs
}

type part struct {
	text    string
	program *Program // in the place of text
}

// private are header fields that hold credentials: nobody is told of them.
var private = []string{"Authorization", "Proxy-Authorization", "Cookie"}

// CompileTemplate makes a text ready that is written in HCL: in quotes, as a heredoc, or an expression.
func CompileTemplate(e hcl.Expression, src []byte, env Environment) (*Template, hcl.Diagnostics) {
	t := &Template{}
	parts := []hclsyntax.Expression{}
	switch e := e.(type) {
	case *hclsyntax.TemplateExpr:
		parts = e.Parts
	case *hclsyntax.TemplateWrapExpr:
		parts = append(parts, e.Wrapped)
	case hclsyntax.Expression:
		parts = append(parts, e)
	}
	var diags hcl.Diagnostics
	for _, p := range parts {
		if literal, ok := p.(*hclsyntax.LiteralValueExpr); ok && literal.Val.Type() == cty.String {
			l := lowering{src: src}
			text, _ := l.text(literal)
			t.parts = append(t.parts, part{text: text})
			continue
		}
		program, more := Compile(p, src, env, Any)
		if diags = append(diags, more...); more.HasErrors() {
			continue
		}
		for _, s := range program.slots {
			for _, name := range private {
				if s.root == Header && s.name == name {
					rng := p.Range()
					diags = append(diags, program.at.mistake(rng, "Credentials in a text", "The header field "+name+" holds credentials, which nobody is told of.")...)
				}
			}
		}
		t.needs.Add(program.Needs())
		t.parts = append(t.parts, part{program: program})
	}
	return t, diags
}

// ParseTemplate makes a text ready that is written in a Caddyfile; at is where it begins.
func ParseTemplate(text string, at hcl.Range, env Environment) (*Template, hcl.Diagnostics) {
	start := hcl.Pos{Line: max(at.Start.Line, 1), Column: max(at.Start.Column, 1)}
	e, diags := hclsyntax.ParseTemplate([]byte(text), at.Filename, start)
	if diags.HasErrors() {
		return nil, diags
	}
	return CompileTemplate(e, []byte(text), env)
}

// Needs states what the text quotes of a request.
func (t *Template) Needs() exchange.Needs { return t.needs }

// Constant gives the text of a template that quotes nothing.
func (t *Template) Constant() (string, bool) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.program != nil {
			return "", false
		}
		b.WriteString(p.text)
	}
	return b.String(), true
}

// Text writes the text for a request. A value is cut to 128 bytes, a list or an object is written as JSON, and what cannot be
// had is "null"; characters that are not printed as themselves are written as escapes, so that a caller's text makes no
// line of its own in a log or a page.
func (t *Template) Text(x *exchange.Exchange) string {
	var b []byte
	for _, p := range t.parts {
		if p.program == nil {
			b = append(b, p.text...)
		} else {
			b = p.program.quote(b, x)
		}
		if len(b) > maxTold {
			return strings.ToValidUTF8(string(b[:maxTold]), "") + "…"
		}
	}
	return string(b)
}

// quote appends the value of the expression as a text may quote it.
func (p *Program) quote(b []byte, x *exchange.Exchange) []byte {
	start := len(b)
	if f := p.evaluate(x, func(r *run) {
		v := p.code(r)
		switch s, scalar := v.written(); {
		case scalar:
			b = appendQuoted(b, s)
		case v.kind == aNull:
			b = append(b, "null"...)
		case v.ref == nil:
			b = appendQuoted(b, v.s)
		default: // made by the expression, or of the token
			raw, _ := json.Marshal(r.plain(v))
			b = appendQuoted(b, string(raw))
		}
	}); f != nil {
		return append(b[:start], "null"...)
	}
	return b
}

// appendQuoted appends as much of s as may be quoted.
func appendQuoted(b []byte, s string) []byte {
	start := len(b)
	for _, c := range s {
		var escaped [10]byte
		e := escaped[:0]
		switch {
		case c == utf8.RuneError || c == '\\' || c != ' ' && !unicode.IsPrint(c):
			e = strconv.AppendQuoteRuneToASCII(e, c)
			e = e[1 : len(e)-1]
		default:
			e = utf8.AppendRune(e, c)
		}
		if len(b)-start+len(e) > maxQuoted {
			return append(b, "…"...)
		}
		b = append(b, e...)
	}
	return b
}
