package catalogue

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// expression is kept, its locals and variables filled in, to be compiled by those who know what else it may name. It
// gives an hclsyntax.Expression.
type expression struct{ what string }

func (k expression) String() string { return k.what }

func (k expression) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	if _, broken := e.(*hclsyntax.ExprSyntaxError); broken {
		return nil, false
	}
	for _, t := range e.Variables() {
		if t.RootName() == "secret" {
			d.wrong(t.SourceRange(), "Secret in an expression", "A secret can neither be part of a text nor of an expression; it is named as a whole where a secret is wanted.")
			return nil, false
		}
	}
	filled, ok := d.fill(e)
	if !ok {
		return nil, false
	}
	return filled, true
}

// quoting is a text that may quote the request. It gives a quoted.
type quoting struct{}

// quoted is a text for people to read, and what it is made of where it quotes the request.
type quoted struct {
	text   string
	quotes hclsyntax.Expression
}

func (quoting) String() string { return fmt.Sprintf("a text of 1 to %d bytes", maxText) }

func (k quoting) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	computed := slices.ContainsFunc(e.Variables(), func(t hcl.Traversal) bool {
		return t.RootName() != "local" && t.RootName() != "var" && t.RootName() != "secret"
	})
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		_, calls := n.(*hclsyntax.FunctionCallExpr)
		computed = computed || calls
		return nil
	})
	switch e.(type) {
	case *hclsyntax.TemplateExpr, *hclsyntax.TemplateWrapExpr:
	default:
		computed = false // a text is written in quotes
	}
	if !computed {
		v, ok := anyText.decode(d, e)
		if !ok {
			return nil, false
		}
		return quoted{text: v.(string)}, true
	}
	v, ok := expression{k.String()}.decode(d, e)
	if !ok {
		return nil, false
	}
	q := quoted{quotes: v.(hclsyntax.Expression), text: "…"}
	if t, ok := q.quotes.(*hclsyntax.TemplateExpr); ok {
		q.text = ""
		for _, part := range t.Parts {
			if l, ok := part.(*hclsyntax.LiteralValueExpr); ok && l.Val.Type() == cty.String {
				q.text += l.Val.AsString()
			} else {
				q.text += "…"
			}
		}
	}
	if len(q.text) > maxText {
		return nil, d.unsuitable(e.Range(), k)
	}
	return q, true
}

// computedMembers is an object whose members are expressions. It gives []computedMember, in written order.
type computedMembers struct {
	what  string
	max   int
	check func(name string) error // what is wrong with a member's name
}

type computedMember struct {
	name  string
	value hclsyntax.Expression
	rng   hcl.Range // the name
}

func (k computedMembers) String() string { return fmt.Sprintf("at most %d %s", k.max, k.what) }

func (k computedMembers) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	o, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok || len(o.Items) > k.max {
		return nil, d.unsuitable(e.Range(), k)
	}
	var members []computedMember
	whole := true
	for _, it := range o.Items {
		name, at, ok := d.key(it.KeyExpr)
		v, fine := expression{k.what}.decode(d, it.ValueExpr)
		whole = whole && ok && fine
		if !ok || !fine {
			continue
		}
		if err := k.check(name); err != nil {
			d.wrong(at, "Unsuitable name", "%s.", upper(err.Error()))
			whole = false
			continue
		}
		if slices.ContainsFunc(members, func(m computedMember) bool { return m.name == name }) {
			d.wrong(at, "Written twice", "The name %q is written twice.", name)
			whole = false
			continue
		}
		members = append(members, computedMember{name, v.(hclsyntax.Expression), at})
	}
	return members, whole
}

// file is a path to a file that exists, relative to the file that names it. It gives a File.
type file struct{ what string }

func (k file) String() string {
	return "the path of " + k.what + ", relative to the file that names it"
}

func (k file) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, text, k)
	if !ok {
		return nil, false
	}
	if c.text == "" || len(c.text) > maxText {
		return nil, d.unsuitable(e.Range(), k)
	}
	path := c.text
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(e.Range().Filename), path)
	}
	path = filepath.Clean(path)
	d.files[path] = true
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d.wrong(e.Range(), "Missing file", "The file %q cannot be read: %v.", path, reason(err))
		return nil, false
	case !info.Mode().IsRegular():
		d.wrong(e.Range(), "Not a file", "Expected %s; %q is not a regular file.", k, path)
		return nil, false
	}
	return File{path, e.Range()}, true
}

// expect evaluates an expression and tells if it is of another kind than expected.
func (d *decoder) expect(e hclsyntax.Expression, want constantKind, k kind) (constant, bool) {
	c, ok := d.constant(e)
	if ok && c.kind != want {
		d.wrong(e.Range(), "Unsuitable value", "Expected %s; this is %s.", k, c.kind)
		return constant{}, false
	}
	return c, ok
}

// unsuitable tells what was expected. It gives false.
func (d *decoder) unsuitable(r hcl.Range, k kind) bool {
	d.wrong(r, "Unsuitable value", "Expected %s.", k)
	return false
}
