package catalogue

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/apidoc"
)

// numeric is a number. It gives a json.RawMessage, spelt as it is written.
type numeric struct{}

func (numeric) String() string { return "a number" }

func (k numeric) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, number, k)
	if !ok {
		return nil, false
	}
	return c.JSON(), true
}

// constants is a list of values. It gives []constant.
type constants struct{}

// maxConstants bounds the list of constants.
const maxConstants = 256

func (constants) String() string {
	return fmt.Sprintf("a list of 1 to %d values, each a text, a number, true or false", maxConstants)
}

func (k constants) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, list, k)
	if !ok {
		return nil, false
	}
	if len(c.items) == 0 || len(c.items) > maxConstants || !d.spend(c.size, e.Range()) {
		return nil, d.unsuitable(e.Range(), k)
	}
	for _, item := range c.items {
		if item.kind == list || item.kind == object || item.kind == null {
			return nil, d.unsuitable(item.rng, k)
		}
	}
	return c.items, true
}

// parameters builds what a route says of its parameters.
func (s *scopedAPI) parameters(n *node) []*Parameter {
	var all []*Parameter
	for _, b := range n.blocks {
		if b.spec != queryBlock && b.spec != headerBlock && b.spec != pathBlock {
			continue
		}
		if from, ok := b.imported.(*apidoc.Parameter); ok {
			all = append(all, imported(from))
			continue
		}
		p := &Parameter{
			In:          b.spec.name,
			Name:        b.label,
			Description: take[string](b, "description"),
			Required:    b.spec == pathBlock,
			Types:       []string{take[string](b, "type")},
			List:        take[string](b, "list"),
			Range:       b.rng,
		}
		if b.spec != pathBlock {
			p.Required = take[bool](b, "required")
			p.Since, p.Until = s.versions[take[target](b, "since").name], s.versions[take[target](b, "until").name]
		}
		switch b.spec {
		case headerBlock:
			p.Name = http.CanonicalHeaderKey(p.Name)
		case queryBlock:
			p.Empty, p.Sanitize = take[bool](b, "empty"), texts(b, "sanitize")
		}
		p.Schema = schemaOf(b, p)
		all = append(all, p)
	}
	return all
}

// imported is a parameter of a document.
func imported(from *apidoc.Parameter) *Parameter {
	p := &Parameter{In: from.In, Name: from.Name, Description: from.Description, Required: from.Required, Empty: from.Empty,
		Types: from.Types, List: from.List, Open: from.Open, Schema: from.Schema, Range: from.Range}
	if p.In == "header" {
		p.Name = http.CanonicalHeaderKey(p.Name)
	}
	return p
}

// schemaOf makes a JSON Schema of what a block says of its values.
func schemaOf(b *node, p *Parameter) json.RawMessage {
	var value, whole schemaText
	value.add("type", strconv.Quote(p.Types[0]))
	for _, name := range []string{"format", "pattern"} {
		if v := take[string](b, name); v != "" {
			value.add(name, string(appendText(nil, v)))
		}
	}
	if items, ok := b.values["enum"].value.([]constant); ok {
		var all []string
		for i := range items {
			all = append(all, string(items[i].JSON()))
		}
		value.add("enum", "["+strings.Join(all, ",")+"]")
	}
	for _, name := range []string{"minimum", "maximum"} {
		if v := take[json.RawMessage](b, name); v != nil {
			value.add(name, string(v))
		}
	}
	for name, keyword := range map[string]string{"min_length": "minLength", "max_length": "maxLength", "min_items": "minItems", "max_items": "maxItems"} {
		v, ok := b.values[name].value.(int64)
		switch {
		case ok && strings.HasSuffix(name, "length"):
			value.add(keyword, strconv.FormatInt(v, 10))
		case ok:
			whole.add(keyword, strconv.FormatInt(v, 10))
		}
	}
	if p.List == "" {
		return value.json()
	}
	whole.add("type", `"array"`)
	whole.add("items", string(value.json()))
	if take[bool](b, "unique") {
		whole.add("uniqueItems", "true")
	}
	return whole.json()
}

// schemaText is a schema being written: its members, as they are spelt.
type schemaText []string

func (t *schemaText) add(keyword, value string) {
	*t = append(*t, strconv.Quote(keyword)+":"+value)
}

func (t *schemaText) json() json.RawMessage {
	slices.Sort(*t) // some of them come out of a map
	return json.RawMessage("{" + strings.Join(*t, ",") + "}")
}
