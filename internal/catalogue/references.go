package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// reference names a block by its label: upstream.orders. It gives a target.
type reference struct {
	to    string   // the kind of block
	words []string // bare words that may stand instead
}

// target is what a reference names.
type target struct {
	to   string
	name string
	word string // where a bare word stands instead
	rng  hcl.Range

	scopes []string // of an identity, that an OpenAPI document asks for besides its own
	hint   string   // what to do where there is none of that name
}

func (k reference) String() string {
	s := "a reference such as " + k.to + ".name"
	if k.to == "version" {
		s = `a reference such as version.v1 or version["2026-11-01"]`
	}
	if len(k.words) > 0 {
		s += ", or " + strings.Join(k.words, " or ")
	}
	return s
}

func (k reference) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	t, ok := e.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return nil, k.literal(d, e)
	}
	root := t.Traversal.RootName()
	switch {
	case len(t.Traversal) == 1 && slices.Contains(k.words, root):
		return target{word: root, rng: e.Range()}, true
	case root != k.to:
		d.wrong(e.Range(), "Unsuitable reference", "Expected %s.%s", k, d.near(root, append([]string{k.to}, k.words...)))
		return nil, false
	case len(t.Traversal) != 2:
		return nil, d.unsuitable(e.Range(), k)
	}
	switch step := t.Traversal[1].(type) {
	case hcl.TraverseAttr:
		return target{to: k.to, name: step.Name, rng: e.Range()}, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			return target{to: k.to, name: step.Key.AsString(), rng: e.Range()}, true
		}
	}
	return nil, d.unsuitable(e.Range(), k)
}

// literal tells what is wrong with an expression that is no reference.
func (k reference) literal(d *decoder, e hclsyntax.Expression) bool {
	switch x := e.(type) {
	case *hclsyntax.ExprSyntaxError:
		return false
	case *hclsyntax.TemplateExpr, *hclsyntax.TemplateWrapExpr:
		if k.to == "secret" {
			d.literalSecret(e.Range())
			return false
		}
		d.wrong(e.Range(), "Unsuitable reference", "Expected %s, without quotes.", k)
		return false
	case *hclsyntax.BinaryOpExpr: // version.2026-11-01 is a subtraction
		if k.to == "version" {
			d.wrong(x.Range(), "Unsuitable reference", `Expected %s: a label that is no identifier stands in brackets and quotes.`, k)
			return false
		}
	}
	return d.unsuitable(e.Range(), k)
}

// policy names the rule of a policy. It gives a target whose name is the rule's path, or whose word is public.
type policy struct{}

func (policy) String() string {
	return "the path of a policy's rule, such as policy.shop.orders for data.shop.orders, or public"
}

func (k policy) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	t, ok := e.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return nil, d.unsuitable(e.Range(), k)
	}
	root := t.Traversal.RootName()
	if root == "public" && len(t.Traversal) == 1 {
		return target{word: root, rng: e.Range()}, true
	}
	if root != "policy" || len(t.Traversal) < 2 {
		d.wrong(e.Range(), "Unsuitable reference", "Expected %s.%s", k, d.near(root, []string{"policy", "public"}))
		return nil, false
	}
	path := make([]string, 0, len(t.Traversal)-1)
	for _, step := range t.Traversal[1:] {
		attr, ok := step.(hcl.TraverseAttr)
		if !ok || strings.Contains(attr.Name, "-") { // Rego's names have none
			return nil, d.unsuitable(e.Range(), k)
		}
		path = append(path, attr.Name)
	}
	return target{to: "policy", name: strings.Join(path, "."), rng: e.Range()}, true
}

// places says where objects lie: a reference where the object is the whole, else an object of paths and references. It
// gives []spot.
type places struct{ whole bool }

type spot struct {
	path string
	to   target
	rng  hcl.Range
}

const maxPlaces = 64

func (k places) String() string {
	s := fmt.Sprintf("at most %d paths and the objects there, such as { \"data[*]\" = object.name }", maxPlaces)
	if k.whole {
		s = "object.name, or " + s
	}
	return s
}

func (k places) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	o, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok && k.whole {
		if _, ok := e.(*hclsyntax.ScopeTraversalExpr); !ok {
			return nil, d.unsuitable(e.Range(), k)
		}
		v, ok := reference{to: "object"}.decode(d, e)
		if !ok {
			return nil, false
		}
		return []spot{{to: v.(target), rng: e.Range()}}, true
	}
	if !ok || len(o.Items) == 0 || len(o.Items) > maxPlaces {
		return nil, d.unsuitable(e.Range(), k)
	}
	whole := true
	var spots []spot
	for _, it := range o.Items {
		path, at, ok := d.key(it.KeyExpr)
		v, valueOK := reference{to: "object"}.decode(d, it.ValueExpr)
		whole = whole && ok && valueOK
		if !ok || !valueOK {
			continue
		}
		if !placePattern.MatchString(path) || !k.whole && strings.HasPrefix(path, "[") {
			d.wrong(at, "Unsuitable path", `Expected members joined by dots, [*] after those that are lists: "data[*]", "order.lines[*]".`)
			whole = false
			continue
		}
		if slices.ContainsFunc(spots, func(s spot) bool { return s.path == path }) {
			d.wrong(at, "Written twice", "The path %q is written twice.", path)
			whole = false
			continue
		}
		spots = append(spots, spot{path, v.(target), at})
	}
	if spots == nil {
		return nil, false
	}
	return spots, whole
}

// link looks for what the references of a block, and of those in it, name. around are the blocks around it, the
// innermost last: an object is declared in the API of which a route speaks.
func (d *decoder) link(n *node, around ...*node) {
	around = append(slices.Clone(around), n)
	for _, name := range sortedKeys(n.values) {
		switch v := n.values[name].value.(type) {
		case target:
			d.find(v, around)
		case map[string]target:
			for _, name := range sortedKeys(v) {
				d.find(v[name], around)
			}
		case []item:
			for _, it := range v {
				if t, ok := it.value.(target); ok {
					d.find(t, around)
				}
			}
		case []spot:
			for _, s := range v {
				d.find(s.to, around)
			}
		}
	}
	for _, inner := range n.blocks {
		d.link(inner, around...)
	}
}

func (d *decoder) find(t target, around []*node) {
	if t.word != "" || t.to == "policy" { // whether a policy exists is for the policies' own loading to tell
		return
	}
	var names []string
	for _, n := range around {
		for _, declared := range n.all(t.to) {
			if declared.label == t.name {
				return
			}
			names = append(names, declared.label)
		}
	}
	detail := fmt.Sprintf("There is no %s %q here", t.to, t.name)
	switch hint := d.near(t.name, names); {
	case hint != "" && t.hint == "": // so near that it is the name, even where a part of the files is not understood
		d.wrong(t.rng, "Unknown "+t.to, "%s.%s", detail, hint)
		return
	case len(names) == 0:
		detail += "; none is declared."
	case len(names) <= 8:
		detail += "; declared: " + strings.Join(names, ", ") + "."
	default:
		detail += "."
	}
	detail += t.hint
	d.absent(&t.rng, "Unknown "+t.to, detail)
}
