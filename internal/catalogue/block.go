package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// block is a row of the table: one kind of block, what it is called, and what may stand in it. The table alone decides
// what is decoded, what a mistake is told, and what docs/catalogue.md says.
type block struct {
	name       string
	what       string // of a whole file, which has no name: what diagnostics call it
	label      *label // nil: none
	min, max   int    // how many there may be in the block around it; max 0: any number
	free       bool   // takes attributes of any name (locals)
	oneOf      [][]string
	attributes []attribute
	blocks     []*block
	doc        string // its manual
}

// attribute is a row of the table: one attribute.
type attribute struct {
	name     string
	kind     kind
	required bool
	def      any    // the value where it is not written, of the type that kind gives
	absent   string // what holds where it is not written and there is no def
	doc      string // its manual: one sentence
}

// label says what a block's label may be.
type label struct {
	what   string                 // "a name: …"
	check  func(string) (ok bool) // whether a label is that
	unique bool                   // labels are identity
	why    func(string) error     // what is wrong with one that is not; nil: there is no more to say
}

// kind is what an attribute's value may be.
type kind interface {
	// decode gives the value of an expression. Where it cannot, it has told why and gives false, with nil or with the
	// items of a list that it understood.
	decode(d *decoder, e hclsyntax.Expression) (any, bool)
	// String says what is expected, with unit and bounds: it ends "Expected …".
	String() string
}

func (b *block) attribute(name string) *attribute {
	for i := range b.attributes {
		if b.attributes[i].name == name {
			return &b.attributes[i]
		}
	}
	return nil
}

func (b *block) block(name string) *block {
	for _, inner := range b.blocks {
		if inner.name == name {
			return inner
		}
	}
	return nil
}

func (b *block) attributeNames() []string {
	names := make([]string, len(b.attributes))
	for i := range b.attributes {
		names[i] = b.attributes[i].name
	}
	return names
}

func (b *block) blockNames() []string {
	names := make([]string, len(b.blocks))
	for i := range b.blocks {
		names[i] = b.blocks[i].name
	}
	return names
}

// title is what diagnostics call the block.
func (b *block) title() string {
	if b.name == "" {
		return b.what
	}
	return article(b.name) + " " + b.name + " block"
}

func article(name string) string {
	if strings.ContainsRune("aeio", rune(name[0])) || name == "upstream" || name == "unwrap" || name == "unlist" {
		return "an"
	}
	return "a"
}

// either lists names for people: "a", "b" or "c".
func either(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

// oneLabelOf is a label that is one of a few words.
func oneLabelOf(names ...string) *label {
	return &label{"one of " + either(names), func(s string) bool { return slices.Contains(names, s) }, false, nil}
}
