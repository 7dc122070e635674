package shape

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// replace puts another schema in the place of what is surely said of the member at path, and leaves out what depends
// on its value. What says nothing of its members says nothing of this one.
func (d *deriver) replace(path []string, value *node) {
	parent, name := path[:len(path)-1], path[len(path)-1]
	if _, listed := named(d.object(parent)); !listed {
		return
	}
	d.relax(parent, altered, name)
	done := false
	d.alter(parent, false, func(s *node, _ bool) *node {
		properties := s.get("properties")
		switch {
		case properties.has(name) && !done:
			done = true
			return s.with("properties", properties.with(name, value))
		case properties.has(name) || s.get("additionalProperties").isObject():
			if properties == nil {
				properties = empty
			}
			return s.with("properties", properties.with(name, anything))
		}
		return s
	})
}

// wordsOf are what is said of a value for people.
func wordsOf(parts []spoken) *node {
	out := empty
	for _, p := range parts {
		if !p.sure || p.kind != '{' {
			continue
		}
		for i, name := range p.names {
			if slices.Contains(annotations, name) && name != "default" && name != "examples" && !out.has(name) {
				out = out.with(name, p.parts[i])
			}
		}
	}
	return out
}

// constants gives schema the values that are listed in a keyword of the newer one, as they were before the operation.
// Those without a counterpart are left out of default and examples; of the values that there may be it tells them.
func (d *deriver) constants(schema *node, parts []spoken) *node {
	name := d.op.Path[strings.LastIndexByte(d.op.Path, '.')+1:]
	for _, keyword := range []string{"default", "examples", "const", "enum"} {
		for _, p := range parts {
			v := p.get(keyword)
			if v == nil || !p.sure || schema.has(keyword) {
				continue
			}
			values := []*node{v}
			if several := keyword == "enum" || keyword == "examples"; several && v.kind != '[' {
				continue
			} else if several {
				values = v.parts
			}
			var older, lost []*node
			for _, value := range values {
				if o := d.older(name, value); o != nil {
					older = append(older, o)
				} else {
					lost = append(lost, value)
				}
			}
			switch strict := keyword == "const" || keyword == "enum"; {
			case strict && len(lost) > 0:
				d.lost(lost)
			case len(older) == 0:
			case keyword == "enum" || keyword == "examples":
				schema = schema.with(keyword, list(older...))
			default:
				schema = schema.with(keyword, older[0])
			}
		}
	}
	return schema
}

// older carries a value of the member that the operation at hand works on to the shape before it; nil where it has no
// counterpart there.
func (d *deriver) older(name string, value *node) *node {
	op := *d.op
	op.Path = name
	const on = "object"
	p, diags := change.Compile([]*change.Change{{On: on, Operations: []change.Operation{op}}},
		map[string]*change.Object{on: {Name: on}}, []change.Held{{Object: on}})
	if diags.HasErrors() {
		return nil
	}
	r := &renderer{version: reached, seen: make(map[*unit]bool)}
	doc, err := p.Down(r.append(nil, object(name, value)))
	if err != nil {
		return nil
	}
	raw, ok := jsonspan.Get(doc, name)
	if !ok {
		return nil
	}
	return data(raw)
}

// lost tells of values that may come and have no older counterpart.
func (d *deriver) lost(values []*node) {
	d.complain("No older counterpart", "The schema lets %q%s be %s, for which %s %q has no older value: such an answer could not be brought to older versions.",
		d.op.Path, d.here(nil), written(values), d.op.Kind, d.op.Path)
}

// written lists values.
func written(values []*node) string {
	const most = 10
	var words []string
	for _, v := range values[:min(most, len(values))] {
		r := &renderer{version: reached, seen: make(map[*unit]bool)}
		words = append(words, brief(r.append(nil, v)))
	}
	if len(values) > most {
		words = append(words, "…")
	}
	return strings.Join(words, ", ")
}

// enum undoes that values of the member at path were replaced by others.
func (d *deriver) enum(path []string) {
	member, _, known := d.find(path)
	if !known || len(member) == 0 {
		return
	}
	k := d.typesOf(member)
	if k&scalars == 0 {
		d.complain("Enum of no plain value", "%q is %s%s, and enum replaces strings, numbers, booleans and null.", d.op.Path, k, d.here(nil))
		return
	}
	whole := together(member)
	var unfit, lost []*node
	for _, p := range d.op.Pairs {
		if d.refuses(whole, p.New) != "" {
			unfit = append(unfit, scalar(string(p.New)))
		}
	}
	if unfit != nil {
		d.complain("Value is not allowed", "enum %q has values of older callers become %s, which the schema does not let %q be%s.", d.op.Path, written(unfit), d.op.Path, d.here(nil))
	}
	for _, v := range d.possible(member, k) {
		if v.kind == 0 && !slices.ContainsFunc(d.op.Pairs, func(p change.Pair) bool { return key(string(p.New)) == key(v.text) }) && d.refuses(whole, json.RawMessage(v.text)) == "" {
			lost = append(lost, v)
		}
	}
	if lost != nil {
		d.lost(lost)
	}
	parent, name := path[:len(path)-1], path[len(path)-1]
	d.relax(parent, listed, name)
	d.alter(parent, true, func(s *node, _ bool) *node {
		p := s.get("properties").get(name)
		if p == nil || p == anything {
			return s
		}
		return s.with("properties", s.get("properties").with(name, d.enumerated(p)))
	})
}

// possible gives the values that there may be, as far as they can be listed.
func (d *deriver) possible(member []spoken, k kinds) []*node {
	for _, s := range d.said(member) {
		if values := listOf(s.node, "enum"); values != nil && s.sure {
			return values
		}
		if c := s.get("const"); c != nil && s.sure {
			return []*node{c}
		}
	}
	var values []*node
	if k&boolean != 0 {
		values = append(values, scalar("true"), scalar("false"))
	}
	if k&null != 0 && k != all {
		values = append(values, scalar("null"))
	}
	return values
}

// enumerated is the schema of the older values of those that s accepts.
func (d *deriver) enumerated(s *node) *node {
	var values []*node
	var k kinds
	for _, p := range d.op.Pairs {
		v := scalar(string(p.Old))
		if d.refuses(s, p.New) == "" && !slices.ContainsFunc(values, func(o *node) bool { return equal(o, v) }) {
			values = append(values, v)
			k |= kindOf(v)
		}
	}
	if values == nil {
		return nothing
	}
	parts := d.said([]spoken{{s, true}})
	out := wordsOf(parts)
	if len(k.words()) == 1 {
		out = out.with("type", typed(k))
	}
	if k != boolean || len(values) != 2 {
		out = out.with("enum", list(values...))
	}
	for _, keyword := range []string{"default", "examples"} {
		for _, p := range parts {
			if v := p.get(keyword); v != nil && p.sure && !out.has(keyword) {
				out = d.constants(out, []spoken{{object(keyword, v), true}})
			}
		}
	}
	return out
}

// wrap undoes that the member's value was put into an object of its own.
func (d *deriver) wrap(path []string) {
	member, _, known := d.find(path)
	if !known || len(member) == 0 {
		return
	}
	k := d.typesOf(member)
	if k&objects == 0 {
		d.complain("Not an object", "wrap makes %q an object with the only member %q, but the schema has it %s%s.", d.op.Path, d.op.Member, k, d.here(nil))
		return
	}
	inside := d.said(member)
	inner := d.property(inside, d.op.Member)
	names, said := named(inside)
	if len(inner) == 0 && said {
		d.complain("Unknown member", "wrap makes %q an object with the only member %q, but the schema does not have that%s; there are %s.%s",
			d.op.Path, d.op.Member, d.here(path), strings.Join(names, ", "), diagnostic.DidYouMean(d.op.Member, names))
		return
	}
	others := slices.DeleteFunc(names, func(n string) bool { return n == d.op.Member })
	if i := slices.IndexFunc(others, func(n string) bool { return requires(inside, n) }); i >= 0 {
		d.complain("More than one member", "wrap makes %q an object with the only member %q, but by the schema it must have %q too%s.", d.op.Path, d.op.Member, others[i], d.here(nil))
		return
	}
	switch {
	case len(others) > 0:
		d.warn("No older counterpart", "wrap makes %q an object with the only member %q: an answer where it has %s too cannot be brought to older versions.", d.op.Path, d.op.Member, quoted(others))
	case k != objects && k != all:
		d.warn("No older counterpart", "wrap makes %q an object: an answer where it is %s cannot be brought to older versions.", d.op.Path, k&^objects)
	}
	value := together(inner)
	if value.kind == '{' {
		for words, i := wordsOf(inside), 0; i < len(words.names); i++ {
			if !value.has(words.names[i]) && value.reference() == nil {
				value = value.with(words.names[i], words.parts[i])
			}
		}
	}
	d.replace(path, value)
}

// unwrap undoes that the member's value was taken out of an object.
func (d *deriver) unwrap(path []string) {
	member, _, known := d.find(path)
	if !known {
		return
	}
	d.replace(path, object("type", text("object")).with("properties", object(d.op.Member, together(member))).
		with("required", texts([]string{d.op.Member})).with("additionalProperties", nothing))
}

// list undoes that the member's value was put into a list.
func (d *deriver) list(path []string) {
	member, _, known := d.find(path)
	if !known || len(member) == 0 {
		return
	}
	k := d.typesOf(member)
	if k&arrays == 0 {
		d.complain("Not a list", "list makes %q a list of one item, but the schema has it %s%s.", d.op.Path, k, d.here(nil))
		return
	}
	var items []spoken
	least, most := 0, -1
	for _, s := range d.said(member) {
		if !s.sure {
			continue
		}
		if n, ok := count(s.node, "minItems"); ok {
			least = max(least, n)
		}
		if n, ok := count(s.node, "maxItems"); ok && (most < 0 || n < most) {
			most = n
		}
		if first := listOf(s.node, "prefixItems"); len(first) > 0 {
			items = append(items, spoken{first[0], true})
		} else if each := s.get("items"); each != nil {
			items = append(items, spoken{each, true})
		}
	}
	item := together(items)
	switch {
	case least > 1 || most == 0 || item.is("false"):
		d.complain("Not one item", "list makes %q a list of one item, which the schema does not accept%s.", d.op.Path, d.here(nil))
		return
	case most != 1:
		d.warn("No older counterpart", "list makes %q a list: an answer where it has not exactly one item cannot be brought to older versions. Where maxItems is 1, there are none.", d.op.Path)
	case k != arrays && k != all:
		d.warn("No older counterpart", "list makes %q a list: an answer where it is %s cannot be brought to older versions.", d.op.Path, k&^arrays)
	}
	d.replace(path, item)
}

// count reads a keyword that holds a number of things.
func count(s *node, keyword string) (int, bool) {
	bound := s.get(keyword)
	if bound == nil {
		return 0, false
	}
	n, err := strconv.Atoi(bound.text)
	return n, err == nil
}

// unlist undoes that the member's value was taken out of a list.
func (d *deriver) unlist(path []string) {
	member, _, known := d.find(path)
	if !known {
		return
	}
	d.replace(path, object("type", text("array")).with("items", together(member)).with("minItems", scalar("1")).with("maxItems", scalar("1")))
}
