package shape

import (
	"slices"
	"strconv"
	"strings"
)

// rename undoes that a member got another name beside the old one. It is exact wherever names are listed, in
// alternatives and conditions too.
func (d *deriver) rename(parent []string, old, new string) {
	d.alter(parent, true, func(s *node, _ bool) *node {
		out := s
		for _, keyword := range []string{"properties", "dependentSchemas"} {
			if p := out.get(keyword); p != nil {
				out = out.with(keyword, p.renamed(new, old))
			}
		}
		if r := out.get("required"); r != nil {
			out = out.with("required", replaced(r, new, old))
		}
		if r := out.get("dependentRequired"); r != nil && r.kind == '{' {
			for i := range r.parts {
				r = r.item(i, replaced(r.parts[i], new, old))
			}
			out = out.with("dependentRequired", r.renamed(new, old))
		}
		return out
	})
	d.relax(parent, listed, new, old)
}

// replaced gives a list of names with another name in the place of one.
func replaced(names *node, from, to string) *node {
	for i, n := range names.parts {
		if n.isText() && n.string() == from {
			names = names.item(i, text(to))
		}
	}
	return names
}

// remove takes a member off the objects at parent, which are left with one less.
func (d *deriver) remove(parent []string, name string) { d.removeFor(parent, name, 1) }

// removeFor takes a member off the objects at parent, which are left with so many less.
func (d *deriver) removeFor(parent []string, name string, less int) {
	d.relax(parent, gone, name)
	d.alter(parent, false, func(s *node, _ bool) *node {
		out := s
		if p := out.get("properties"); p != nil {
			out = out.with("properties", p.without(name))
		}
		out = unrequired(out, name)
		return counted(out, "minProperties", -less)
	})
}

// unrequired takes a name off the members that must be there.
func unrequired(s *node, name string) *node {
	if r := s.get("required"); r != nil && r.kind == '[' {
		left := slices.DeleteFunc(slices.Clone(r.parts), func(n *node) bool { return n.isText() && n.string() == name })
		switch {
		case len(left) == len(r.parts):
		case len(left) == 0:
			s = s.without("required")
		default:
			s = s.with("required", list(left...))
		}
	}
	return s
}

// demanded adds a name to the members that must be there.
func demanded(s *node, name string) *node {
	words := s.get("required").words()
	if slices.Contains(words, name) {
		return s
	}
	return s.with("required", texts(append(words, name)))
}

// insert gives the objects at parent another member, behind one that they have where that is said. Objects of which
// nothing is said have it already.
func (d *deriver) insert(parent []string, behind, name string, value *node, required bool) {
	here := d.object(parent)
	if _, listed := named(here); !listed && !closed(here) {
		return
	}
	d.relax(parent, gone, name)
	here = d.object(parent)
	var home *node // which lists the member; the others let it pass
	for _, s := range here {
		if s.sure && s.has("properties") && (home == nil || !home.get("properties").has(behind) && s.get("properties").has(behind)) {
			home = s.node
		}
	}
	if home == nil {
		for _, s := range here {
			if s.sure && s.reference() == nil {
				home = s.node
				break
			}
		}
	}
	if home == nil && len(here) > 0 {
		home = here[0].node
	}
	d.alter(parent, false, func(s *node, _ bool) *node {
		out := counted(s, "maxProperties", 1)
		if s != home {
			if restricts(s, "additionalProperties") && !s.get("properties").has(name) {
				properties := empty
				if p := s.get("properties"); p != nil {
					properties = p
				}
				out = out.with("properties", properties.with(name, anything))
			}
			return out
		}
		properties := empty
		if p := s.get("properties"); p != nil {
			properties = p
		}
		out = out.with("properties", properties.behind(behind, name, value))
		if required {
			out = demanded(out, name)
		}
		return out
	})
}

// touch is what becomes of members, as far as it matters to what else is said of them.
type touch byte

const (
	listed  touch = iota // wherever they are listed they are followed: only patterns and names' schemas are not
	altered              // their values are others
	gone                 // they are there, or not, where it was otherwise
)

// relax leaves out what the schema says of some members of the objects at place where that cannot be run backwards:
// alternatives and conditions that depend on them, and what is said of names. A schema that says less accepts all that
// it did, so that what comes down is still valid.
func (d *deriver) relax(place []string, what touch, names ...string) {
	var left []string
	d.alter(place, false, func(s *node, _ bool) *node {
		out := d.relaxed(s, what, names)
		for _, keyword := range s.names {
			if cut := out.get(keyword) != s.get(keyword) && keyword != "dependentRequired"; cut && !slices.Contains(left, keyword) {
				left = append(left, keyword)
			}
		}
		return out
	})
	if left == nil {
		return
	}
	// What they had evaluated must not be refused now.
	d.alter(place, false, func(s *node, _ bool) *node { return s.without("unevaluatedProperties") })
	d.warn("Schema is relaxed", "What the schema says of %s in %s%s cannot be run backwards through %s: the older versions' schema leaves it out.",
		quoted(names), strings.Join(left, ", "), d.here(place), d.op.Kind)
}

// relaxed is s, one of the schemas of an object, without what relax leaves out.
func (d *deriver) relaxed(s *node, what touch, names []string) *node {
	depends := func(s *node) bool { return d.depends(s, what, names) }
	out := s
	if subs := s.get("patternProperties"); subs != nil && subs.kind == '{' {
		for i, pattern := range subs.names {
			if subs.parts[i] != anything && slices.ContainsFunc(names, func(name string) bool { return matches(pattern, name) }) {
				subs = subs.item(i, anything)
			}
		}
		out = out.with("patternProperties", subs)
	}
	if what != altered && restricts(s, "propertyNames") {
		out = out.without("propertyNames")
	}
	if what == listed {
		return out
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if subs := listOf(s, keyword); d.only(subs) < 0 && slices.ContainsFunc(subs, depends) {
			out = out.without(keyword)
		}
	}
	if sub := s.get("not"); sub != nil && depends(sub) {
		out = out.without("not")
	}
	for _, keyword := range []string{"if", "then", "else"} {
		if sub := s.get(keyword); sub != nil && depends(sub) {
			out = out.without("if", "then", "else")
		}
	}
	if subs := s.get("dependentSchemas"); subs != nil && subs.kind == '{' {
		for i, name := range subs.names {
			if what == gone && slices.Contains(names, name) || depends(subs.parts[i]) {
				out = out.with("dependentSchemas", out.get("dependentSchemas").without(name))
			}
		}
	}
	if r := s.get("dependentRequired"); what == gone && r != nil && r.kind == '{' {
		left := empty
		for i, one := range r.names {
			words := slices.DeleteFunc(r.parts[i].words(), func(w string) bool { return slices.Contains(names, w) })
			if !slices.Contains(names, one) && len(words) > 0 {
				left = left.with(one, texts(words))
			}
		}
		if out = out.with("dependentRequired", left); len(left.names) == 0 {
			out = out.without("dependentRequired")
		}
	}
	return out
}

// depends says whether an alternative or condition depends on some members of its object: on their values, or on
// whether they are there as well.
func (d *deriver) depends(s *node, what touch, names []string) bool {
	found := false
	d.each(s, true, true, nil, func(s *node, _ bool) *node {
		for _, constant := range append(slices.Clone(listOf(s, "enum")), s.get("const")) {
			found = found || constant.isObject()
		}
		for _, keyword := range []string{"additionalProperties", "unevaluatedProperties"} {
			found = found || restricts(s, keyword) && (what == gone || s.get(keyword).isObject())
		}
		var words []string
		if p := s.get("properties"); p != nil {
			words = append(words, p.names...)
		}
		if what == gone {
			found = found || restricts(s, "propertyNames") || s.has("minProperties") || s.has("maxProperties")
			words = append(words, s.get("required").words()...)
			for _, keyword := range []string{"dependentSchemas", "dependentRequired"} {
				if p := s.get(keyword); p != nil {
					words = append(words, p.names...)
					for _, sub := range p.parts {
						words = append(words, sub.words()...)
					}
				}
			}
		}
		for _, name := range names {
			found = found || slices.Contains(words, name)
			if p := s.get("patternProperties"); p != nil {
				found = found || slices.ContainsFunc(p.names, func(pattern string) bool { return matches(pattern, name) })
			}
		}
		return s
	})
	return found
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = `"` + name + `"`
	}
	return strings.Join(out, " or ")
}

// counted shifts a bound on the number of members.
func counted(s *node, keyword string, by int) *node {
	bound := s.get(keyword)
	if bound == nil {
		return s
	}
	n, err := strconv.Atoi(bound.text)
	if err != nil || n+by <= 0 {
		return s.without(keyword)
	}
	return s.with(keyword, scalar(strconv.Itoa(n+by)))
}
