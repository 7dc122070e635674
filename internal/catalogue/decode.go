package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// decoder is one load. It collects what is wrong as it goes on.
type decoder struct {
	language  *block
	outermost *regexp.Regexp // finds the beginnings of its blocks

	sources map[string][]byte
	files   map[string]bool // to watch
	scope   *scope
	diags   hcl.Diagnostics
	spent   int  // bytes of all values made so far
	partial bool // a file could not be read or parsed as a whole, so what is missing may stand there
}

// node is a block as it is written, its attributes decoded by the table.
type node struct {
	spec   *block
	label  string
	named  hcl.Range // the label
	rng    hcl.Range // the block's header
	values map[string]decoded
	blocks []*node // in written order

	mistaken bool // it, or a block in it, has a mistake that has been told

	imported any // of a block that comes out of an OpenAPI document: what the document says, where that is no attribute
}

type decoded struct {
	value any // nil where it could not be decoded
	name  hcl.Range
	rng   hcl.Range // the expression
}

// wrong tells a mistake; not where there are more than are shown anyway.
func (d *decoder) wrong(r hcl.Range, summary, detail string, args ...any) {
	if len(d.diags) > maxMistakes {
		return
	}
	d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &r})
}

// warn tells what is allowed and hardly meant.
func (d *decoder) warn(r hcl.Range, summary, detail string, args ...any) {
	if len(d.diags) <= maxMistakes {
		d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &r})
	}
}

// absent tells that something is missing; not where a part of the files could not be read and may have it.
func (d *decoder) absent(r *hcl.Range, summary, detail string) {
	if !d.partial && len(d.diags) <= maxMistakes {
		d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: r})
	}
}

// near is the sentence that offers the known name nearest to the given one, if any is near.
func (d *decoder) near(given string, known []string) string {
	if len(d.diags) > maxMistakes {
		return ""
	}
	return diagnostic.DidYouMean(given, known)
}

// maxSpent bounds the values of a catalogue, all together, in bytes: one local may be named many times.
const maxSpent = 64 << 20

// spend takes note of a value made, and tells if it is one too many.
func (d *decoder) spend(n int, r hcl.Range) bool {
	if d.spent > maxSpent {
		return false // told
	}
	if d.spent += n; d.spent > maxSpent {
		d.wrong(r, "Values too large", "The values of a catalogue may have %v together.", byteCount(maxSpent))
		return false
	}
	return true
}

// literalSecret tells that a secret is written down, and keeps it from being shown.
func (d *decoder) literalSecret(r hcl.Range) {
	d.diags = append(d.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Literal secret",
		Detail:   "A secret is not written in a catalogue. Declare it in a secret block, by env or file, and name it where it is wanted: secret.name. Take this one out of use: it has been written down.",
		Subject:  &r,
		Extra:    diagnostic.Sensitive{},
	})
}

func (d *decoder) source(r hcl.Range) []byte {
	src := d.sources[r.Filename]
	if !r.CanSliceBytes(src) {
		return nil
	}
	return r.SliceBytes(src)
}

func (d *decoder) watched() []string { return sortedKeys(d.files) }

// parse reads a file. It gives what could be understood of it, nil for nothing.
func (d *decoder) parse(path string) *hclsyntax.Body {
	src, err := read(path, maxFile)
	if err != nil {
		start := hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}
		d.wrong(start, "Unreadable file", "The file cannot be read: %v.", err)
		return nil
	}
	total := len(src)
	for _, other := range d.sources {
		total += len(other)
	}
	d.sources[path] = src
	if total > maxTotal {
		d.wrong(hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}, "Catalogue too large", "All files together may have at most %v.", byteCount(maxTotal))
		return nil
	}
	if diag := bounded(src, path); diag != nil {
		d.diags = append(d.diags, diag)
		return nil
	}
	body, diags := parse(src, path, d.outermost)
	d.diags = append(d.diags, diags...)
	return body
}

// root decodes all files as one block.
func (d *decoder) root(bodies []*hclsyntax.Body) *node {
	n := &node{spec: d.language}
	for _, body := range bodies {
		d.body(n, body)
	}
	d.scope.evaluateAll(d)
	d.complete(n)
	return n
}

// body decodes what stands in a block into n.
func (d *decoder) body(n *node, body *hclsyntax.Body) {
	if n.values == nil {
		n.values = make(map[string]decoded, len(body.Attributes))
	}
	for _, a := range sorted(body.Attributes) {
		if !n.spec.free {
			d.attribute(n, a)
		}
	}
	for _, b := range body.Blocks {
		spec := n.spec.block(b.Type)
		if spec == nil {
			d.unknownBlock(n.spec, b)
			continue
		}
		inner, before := &node{spec: spec, rng: header(b)}, len(d.diags)
		d.label(inner, b)
		d.body(inner, b.Body)
		if spec == apiBlock {
			d.document(inner)
		}
		d.complete(inner)
		inner.mistaken = len(d.diags) > min(before, maxMistakes)
		n.blocks = append(n.blocks, inner)
	}
}

func (d *decoder) attribute(n *node, a *hclsyntax.Attribute) {
	spec := n.spec.attribute(a.Name)
	if spec == nil && n.spec == secretBlock {
		d.literalSecret(a.Expr.Range())
		return
	}
	if spec == nil {
		detail := fmt.Sprintf("%s has no attribute %q.", upper(n.spec.title()), a.Name)
		if n.spec.block(a.Name) != nil {
			detail += fmt.Sprintf(" Did you mean the block: %s { … }?", a.Name)
		} else {
			detail += d.near(a.Name, n.spec.attributeNames())
		}
		d.wrong(a.NameRange, "Unsupported attribute", "%s", detail)
		return
	}
	v, _ := spec.kind.decode(d, a.Expr)
	n.values[a.Name] = decoded{v, a.NameRange, a.Expr.Range()}
}

func (d *decoder) unknownBlock(around *block, b *hclsyntax.Block) {
	detail := fmt.Sprintf("%s has no block %q.", upper(around.title()), b.Type)
	if around.attribute(b.Type) != nil {
		detail += fmt.Sprintf(" Did you mean the attribute: %s = …?", b.Type)
	} else {
		detail += d.near(b.Type, around.blockNames())
	}
	d.wrong(b.TypeRange, "Unsupported block", "%s", detail)
}

// label takes the block's label and looks whether it is what the table says.
func (d *decoder) label(n *node, b *hclsyntax.Block) {
	n.named = b.TypeRange
	want := n.spec.label
	switch {
	case want == nil && len(b.Labels) > 0:
		d.wrong(b.LabelRanges[0], "Unexpected label", "%s takes no label.", upper(n.spec.title()))
	case want == nil:
	case len(b.Labels) == 0:
		d.wrong(b.TypeRange, "Missing label", "%s takes a label: %s.", upper(n.spec.title()), want.what)
	case len(b.Labels) > 1:
		d.wrong(b.LabelRanges[1], "Unexpected label", "%s takes one label.", upper(n.spec.title()))
		fallthrough
	default:
		n.label, n.named = b.Labels[0], b.LabelRanges[0]
		if want.check(n.label) {
			return
		}
		because := ""
		if want.why != nil {
			because = upper(want.why(n.label).Error()) + ". "
		}
		d.wrong(n.named, "Unsuitable label", "%sExpected %s.", because, want.what)
	}
}

// complete looks whether all that the table requires is there, and nothing more often than it allows.
func (d *decoder) complete(n *node) {
	for i := range n.spec.attributes {
		if a := &n.spec.attributes[i]; a.required && !n.written(a.name) {
			d.absent(&n.rng, "Missing attribute", fmt.Sprintf("%s needs the attribute %q: %v.", upper(n.spec.title()), a.name, a.kind))
		}
	}
	for _, group := range n.spec.oneOf {
		var there []string
		for _, name := range group {
			if n.written(name) {
				there = append(there, name)
			}
		}
		switch {
		case len(there) == 0:
			d.absent(&n.rng, "Incomplete block", fmt.Sprintf("%s needs one of %s.", upper(n.spec.title()), either(group)))
		case len(there) > 1:
			d.wrong(n.rng, "Contradictory block", "%s takes one of %s, not several.", upper(n.spec.title()), either(group))
		}
	}
	for _, spec := range n.spec.blocks {
		found := n.all(spec.name)
		if len(found) < spec.min {
			d.absent(&n.rng, "Missing block", fmt.Sprintf("%s needs %s.", upper(n.spec.title()), blockTitle(spec)))
		}
		if spec.max > 0 && len(found) > spec.max {
			n.drop(found[spec.max:])
			if spec.max == 1 {
				d.wrong(found[1].rng, "Written twice", "%s has one %s block; the first is at %s.", upper(n.spec.title()), spec.name, at(found[0].rng))
			} else {
				d.wrong(found[spec.max].rng, "Too many blocks", "%s has at most %d %s blocks.", upper(n.spec.title()), spec.max, spec.name)
			}
		}
		if spec.label == nil || !spec.label.unique {
			continue
		}
		first := make(map[string]*node, len(found))
		for _, inner := range found {
			if earlier, ok := first[inner.label]; ok && inner.label != "" {
				d.wrong(inner.named, "Declared twice", "The %s %q is already declared at %s.", spec.name, inner.label, at(earlier.rng))
			} else {
				first[inner.label] = inner
			}
		}
	}
}

func blockTitle(b *block) string {
	if b.label != nil {
		return fmt.Sprintf("at least one block: %s \"…\" { … }", b.name)
	}
	return fmt.Sprintf("the block: %s { … }", b.name)
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// header is a block's type and labels.
func header(b *hclsyntax.Block) hcl.Range {
	r := b.TypeRange
	if len(b.LabelRanges) > 0 {
		r = hcl.RangeBetween(r, b.LabelRanges[len(b.LabelRanges)-1])
	}
	return r
}

// written says whether an attribute or block of that name is there, mistaken or not.
func (n *node) written(name string) bool {
	_, ok := n.values[name]
	return ok || slices.ContainsFunc(n.blocks, func(b *node) bool { return b.spec.name == name })
}

// understood says whether an attribute, if it is written, could be decoded.
func (n *node) understood(name string) bool {
	v, ok := n.values[name]
	return !ok || v.value != nil
}

// all gives the blocks of a name, in written order.
func (n *node) all(name string) []*node {
	var found []*node
	for _, b := range n.blocks {
		if b.spec.name == name {
			found = append(found, b)
		}
	}
	return found
}

// drop leaves out blocks, of which there are too many.
func (n *node) drop(extra []*node) {
	gone := make(map[*node]bool, len(extra))
	for _, b := range extra {
		gone[b] = true
	}
	n.blocks = slices.DeleteFunc(n.blocks, func(b *node) bool { return gone[b] })
}

// one gives the first block of a name, nil for none.
func (n *node) one(name string) *node {
	for _, b := range n.blocks {
		if b.spec.name == name {
			return b
		}
	}
	return nil
}

// place is where an attribute's value is written; the block's header where it is not.
func (n *node) place(name string) hcl.Range {
	if v, ok := n.values[name]; ok {
		return v.rng
	}
	return n.rng
}

// take gives an attribute's value: the table's default where none is written, or none that could be decoded.
func take[T any](n *node, name string) T {
	if v, ok := n.values[name].value.(T); ok {
		return v
	}
	v, _ := n.spec.attribute(name).def.(T)
	return v
}

// texts gives the texts of a list.
func texts(n *node, name string) []string {
	items := take[[]item](n, name)
	if items == nil {
		return take[[]string](n, name)
	}
	out := make([]string, 0, len(items))
	for _, it := range items {
		if s, ok := it.value.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// optional gives an attribute's value, nothing where the block has no such attribute.
func optional[T any](n *node, name string) T {
	v, _ := n.values[name].value.(T)
	return v
}
