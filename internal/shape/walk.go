package shape

import (
	"regexp"
	"slices"
)

// spoken is a schema that says something of one value. It is sure where it holds whatever else does, and not where it
// is one of several alternatives or a condition.
type spoken struct {
	*node
	sure bool
}

// step counts a schema looked at. It is false once there were too many.
func (d *deriver) step() bool {
	d.steps++
	return d.steps <= maxSteps
}

// each alters what is said of one value by s: s itself, what it refers to, the parts of its allOf and, if all is set,
// its alternatives and conditions. f sees each of these on its own; what it changes of a part that a reference leads
// to is changed for this place only.
func (d *deriver) each(s *node, sure, all bool, via []*unit, f func(s *node, sure bool) *node) *node {
	if s.kind != '{' || !d.step() {
		return s
	}
	out := f(s, sure)
	for i, keyword := range out.names {
		subs := out.parts[i]
		sub := func(k int, sure bool) {
			if sure || all {
				subs = subs.item(k, d.each(subs.parts[k], sure, all, via, f))
			}
		}
		switch {
		case keyword == "allOf" && subs.kind == '[':
			for k := range subs.parts {
				sub(k, sure)
			}
		case (keyword == "anyOf" || keyword == "oneOf") && subs.kind == '[':
			only := d.only(subs.parts)
			for k := range subs.parts {
				sub(k, sure && k == only)
			}
		case all && (keyword == "not" || keyword == "if" || keyword == "then" || keyword == "else"):
			subs = d.each(subs, false, all, via, f)
		case keyword == "dependentSchemas" && subs.kind == '{':
			for k := range subs.parts {
				sub(k, false)
			}
		}
		out = out.item(i, subs)
	}
	if to := out.reference(); to != nil && !contains(via, to) {
		if t := d.each(to.in(d.version), sure, all, append(slices.Clip(via), to), f); t != to.in(d.version) {
			out = inlined(out, t)
		}
	}
	return out
}

// only is the index of the only alternative that an object can be, -1 where there are several.
func (d *deriver) only(alternatives []*node) int {
	only := -1
	for i, s := range alternatives {
		if d.types(s)&objects == 0 {
			continue
		}
		if only >= 0 {
			return -1
		}
		only = i
	}
	return only
}

// inlined puts t in the place of what s refers to.
func inlined(s, t *node) *node {
	rest := s.without("$ref")
	if len(rest.without(annotations...).names) > 0 {
		return rest.with("allOf", list(append([]*node{t}, listOf(rest, "allOf")...)...))
	}
	for i, name := range rest.names {
		t = t.with(name, rest.parts[i])
	}
	return t
}

// at alters what is said of the objects that path leads to.
func (d *deriver) at(s *node, path []string, all bool, f func(s *node, sure bool) *node) *node {
	return d.atSure(s, path, true, all, f)
}

func (d *deriver) atSure(s *node, path []string, sure, all bool, f func(s *node, sure bool) *node) *node {
	return d.each(s, sure, all, nil, func(s *node, sure bool) *node {
		out := s
		if len(path) == 0 {
			out = f(s, sure)
		} else if p := s.get("properties").get(path[0]); p != nil {
			out = s.with("properties", s.get("properties").with(path[0], d.atSure(p, path[1:], sure, all, f)))
		}
		if out == s {
			return s
		}
		return out.without(exemplary...)
	})
}

// said collects all that several schemas say of one value.
func (d *deriver) said(parts []spoken) []spoken {
	var out []spoken
	for _, p := range parts {
		d.each(p.node, p.sure, true, nil, func(s *node, sure bool) *node {
			out = append(out, spoken{s, sure})
			return s
		})
	}
	return out
}

// property collects what is said of a member by schemas of its object.
func (d *deriver) property(of []spoken, name string) []spoken {
	var out []spoken
	for _, s := range of {
		if p := s.get("properties").get(name); p != nil {
			out = append(out, spoken{p, s.sure})
		}
		if patterns := s.get("patternProperties"); patterns != nil && patterns.kind == '{' {
			for i, pattern := range patterns.names {
				if matches(pattern, name) {
					out = append(out, spoken{patterns.parts[i], s.sure})
				}
			}
		}
	}
	return out
}

func matches(pattern, name string) bool {
	ok, err := regexp.MatchString(pattern, name)
	return ok && err == nil
}

// named gives the names that schemas of an object list, in their order, and whether they list any.
func named(of []spoken) (names []string, listed bool) {
	for _, s := range of {
		if p := s.get("properties"); p != nil && p.kind == '{' {
			listed = true
			for _, name := range p.names {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names, listed
}

// requires says whether a member must be there.
func requires(of []spoken, name string) bool {
	return slices.ContainsFunc(of, func(s spoken) bool {
		return s.sure && slices.Contains(s.get("required").words(), name)
	})
}

// closed says whether members that are not listed are refused.
func closed(of []spoken) bool {
	return slices.ContainsFunc(of, func(s spoken) bool {
		return s.sure && (restricts(s.node, "additionalProperties") || restricts(s.node, "unevaluatedProperties"))
	})
}

// restricts says whether a keyword that holds a schema says anything.
func restricts(s *node, keyword string) bool {
	sub := s.get(keyword)
	return sub != nil && !sub.is("true") && !(sub.kind == '{' && len(sub.names) == 0)
}
