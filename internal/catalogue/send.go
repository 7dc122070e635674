package catalogue

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Send is the method and path that an integration is asked for.
type Send struct {
	Method string
	Parts  []SendPart // of the path, in their order
}

// SendPart is a piece of a path: a text that is escaped already, a parameter of the route, or an expression.
type SendPart struct {
	Text      string
	Parameter string
	Value     hclsyntax.Expression
}

// sending is a method and a path with what fills it. It gives a Send.
type sending struct{}

func (sending) String() string {
	return `a method and a path, such as "POST /v1/orders/{id}": one of GET, HEAD, POST, PUT, PATCH and DELETE, then a path without a query, in which {id} is a parameter of the route and ${…} an expression`
}

func (k sending) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	switch e.(type) {
	case *hclsyntax.TemplateExpr, *hclsyntax.TemplateWrapExpr:
	default:
		c, ok := d.expect(e, text, k)
		if !ok {
			return nil, false
		}
		return k.of(d, e, []SendPart{{Text: c.text}})
	}
	v, ok := expression{k.String()}.decode(d, e)
	if !ok {
		return nil, false
	}
	t, ok := v.(*hclsyntax.TemplateExpr)
	if !ok {
		return nil, d.unsuitable(e.Range(), k)
	}
	var parts []SendPart
	for _, p := range t.Parts {
		if l, ok := p.(*hclsyntax.LiteralValueExpr); ok && l.Val.Type() == cty.String {
			if n := len(parts); n > 0 && parts[n-1].Value == nil {
				parts[n-1].Text += l.Val.AsString()
				continue
			}
			parts = append(parts, SendPart{Text: l.Val.AsString()})
			continue
		}
		parts = append(parts, SendPart{Value: p})
	}
	return k.of(d, e, parts)
}

var sendParameter = regexp.MustCompile(`\{[^{}]*\}`)

// of divides the texts of parts at the parameters in them, and takes the method off.
func (k sending) of(d *decoder, e hclsyntax.Expression, parts []SendPart) (any, bool) {
	var s Send
	fits := len(parts) > 0 && parts[0].Value == nil
	if fits {
		var path string
		s.Method, path, fits = strings.Cut(parts[0].Text, " ")
		fits = fits && strings.HasPrefix(path, "/") && sendMethods[s.Method]
		parts[0].Text = path
	}
	if !fits {
		return nil, d.unsuitable(e.Range(), k)
	}
	for _, p := range parts {
		if p.Value != nil {
			s.Parts = append(s.Parts, p)
			continue
		}
		rest := p.Text
		for _, at := range sendParameter.FindAllString(p.Text, -1) {
			before, after, _ := strings.Cut(rest, at)
			name := at[1 : len(at)-1]
			if !parameterPattern.MatchString(name) {
				return nil, d.unsuitable(e.Range(), k)
			}
			s.Parts = append(s.Parts, SendPart{Text: before}, SendPart{Parameter: name})
			rest = after
		}
		s.Parts = append(s.Parts, SendPart{Text: rest})
	}
	var sample strings.Builder
	for i, p := range s.Parts {
		if p.Value != nil || p.Parameter != "" {
			sample.WriteString("x")
			continue
		}
		s.Parts[i].Text = (&url.URL{Path: p.Text}).EscapedPath()
		if strings.ContainsAny(p.Text, "?#%\\{}") || strings.ContainsFunc(p.Text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, d.unsuitable(e.Range(), k)
		}
		sample.WriteString(p.Text)
	}
	for segment := range strings.SplitSeq(strings.Trim(sample.String(), "/"), "/") {
		if segment == "." || segment == ".." || segment == "" && sample.Len() > 1 {
			return nil, d.unsuitable(e.Range(), k)
		}
	}
	return s, true
}

var sendMethods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true}
